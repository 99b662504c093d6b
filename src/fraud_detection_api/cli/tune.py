"""fraud tune: the best way to boost a use case, looked for before the period that judges."""

from dataclasses import replace

from fraud_detection_api.cli.arguments import USE_CASE, use_case_of
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.cli.fit_flags import TUNE
from fraud_detection_api.cli.progress import following
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.settings import Settings
from fraud_detection_api.training.fit_options import TuneOptions
from fraud_detection_api.training.tracking.tracker import Tracker, tracking_uri


def _tune(name: str, options: TuneOptions) -> None:
    """Look for the best training settings of a use case; the same command resumes where it was stopped.

    Rounds, depth, learning rate and patience are where the search starts, and what the result is compared with.
    """
    with without_data_frames():
        from fraud_detection_api.cli import tuning_tables
        from fraud_detection_api.training.tuning import tuning

    settings = Settings()
    use_case = use_case_of(name, options.use_cases)
    registry = Registry(options.models or settings.models)
    uri = tracking_uri(options.track, options.tracking or settings.tracking, registry.root)
    with following() as follower:
        tracker = Tracker(uri, registry, use_case.name, follower.warn)
        found = tuning.tune(use_case, replace(options, models=registry.root), follower, tracker)
    tuning_tables.show(found, options.boosting)


tune = command_with_options(_tune, USE_CASE, TUNE)
