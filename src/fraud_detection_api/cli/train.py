"""fraud train: the model fitter, with the settings' registry and use cases."""

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from fraud_detection_api.cli.arguments import USE_CASE, use_case_of
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.cli.fit_flags import FIT
from fraud_detection_api.cli.progress import following
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.settings import Settings
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.tracking.tracker import Tracker, tracking_uri

if TYPE_CHECKING:
    from fraud_detection_api.training.fitting import Fitted

GATE_FAILED = 3


def _train(name: str, options: FitOptions) -> None:
    """Train a model of a use case on a labelled table, validate it on rows that it has not seen and publish it.

    Exit codes: 0 the model is champion, 2 the data is refused, 3 the gate failed and the champion stays.
    """
    settings = Settings()
    use_case = use_case_of(name, options.use_cases)
    models, tracking = options.models or settings.models, options.tracking or settings.tracking
    fit_and_report(use_case, replace(options, models=models, tracking=tracking))


def fit_and_report(use_case: UseCase, options: FitOptions) -> None:
    """Fit with progress on stderr and a summary on stdout; a failed gate is an exit code of its own."""
    with without_data_frames():
        from fraud_detection_api.training.fitting import fit
    from fraud_detection_api.cli.fit_summary import summary

    with following() as follower:
        fitted = fit(use_case, options, follower)
        _track(fitted, options, follower)
    summary(fitted)
    if not fitted.is_champion:
        raise typer.Exit(GATE_FAILED)


def _track(fitted: "Fitted", options: FitOptions, follower: Follower) -> None:
    uri = tracking_uri(options.track, options.tracking, options.registry.root)
    tracker = Tracker(uri, options.registry, fitted.manifest.use_case, follower.warn)
    tracker.published(fitted.version, is_champion=fitted.is_champion)


train = command_with_options(_train, USE_CASE, FIT)
