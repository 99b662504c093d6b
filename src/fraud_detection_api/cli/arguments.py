"""What several commands are told: which use case, which version, which registry."""

import inspect
from pathlib import Path
from typing import Annotated

import typer

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.settings import Settings
from fraud_detection_api.training.fit_options import between_commas
from fraud_detection_api.training.tracking.tracker import Tracker, tracking_uri
from fraud_detection_api.use_cases.known import all_use_cases, named

Name = Annotated[str, typer.Argument(help="The use case, such as credit_accounts")]
Version = Annotated[str, typer.Argument(help="A version, its number, or champion or challenger")]
Models = Annotated[Path | None, typer.Option("--models", envvar="FRAUD_MODELS", help="Folder of the registry [models]")]
UseCases = Annotated[
    str | None, typer.Option("--use-cases", envvar="FRAUD_USE_CASES", help="Use cases of your own: package.module:NAME")
]
Track = Annotated[
    bool | None, typer.Option("--track/--no-track", help="Log it to MLflow [only if FRAUD_TRACKING is set]")
]
USE_CASE = inspect.Parameter("use_case", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Name)


def registry_of(given: Path | None) -> Registry:
    """The registry that was named, or that of the settings."""
    return Registry(given or Settings().models)


def known_use_cases(given: str | None) -> dict[str, UseCase]:
    """The built-in use cases, and those that were named or stand in the settings."""
    return all_use_cases(between_commas(given or "") or Settings().use_cases)


def use_case_of(name: str, given: str | None) -> UseCase:
    """The use case of that name, among the built-in ones and those that were named or stand in the settings."""
    return named(name, known_use_cases(given))


def tracker_of(track: bool | None, registry: Registry, use_case: str) -> Tracker:
    """Where the settings and the command say that MLflow is; nobody, if they say nothing."""
    uri = tracking_uri(track, Settings().tracking, registry.root)
    return Tracker(uri, registry, use_case, lambda warning: typer.echo(warning, err=True))
