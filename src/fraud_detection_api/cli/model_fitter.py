"""The fitter's own command, with the flags it has always had: every option of `fraud train`, and no settings."""

import inspect
from typing import Annotated

import typer

from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.cli.fit_flags import FIT
from fraud_detection_api.cli.refusals import refusing
from fraud_detection_api.cli.train import fit_and_report
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.training.fit_options import FitOptions, between_commas
from fraud_detection_api.use_cases.known import all_use_cases, named

MODEL_NAME = inspect.Parameter(
    "model_name",
    inspect.Parameter.KEYWORD_ONLY,
    default="credit_accounts",
    annotation=Annotated[str, typer.Option("--model_name", "--model-name", help="The use case to train")],
)


def _fit(name: str, options: FitOptions) -> None:
    """Train a model of a use case on a labelled table, validate it on rows that it has not seen and publish it."""
    fit_and_report(named(name, all_use_cases(between_commas(options.use_cases or ""))), options)


def run() -> None:
    """Fit, and end with an exit code for schedulers."""
    configure_logs("INFO", as_json=False)
    app = typer.Typer(add_completion=False)
    app.command()(command_with_options(_fit, MODEL_NAME, FIT))
    with refusing("model_fitter"):
        app()
