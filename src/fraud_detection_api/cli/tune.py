"""fraud tune: the best way to boost a use case, looked for before the period that judges."""

from dataclasses import replace

from fraud_detection_api.cli.arguments import USE_CASE
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.settings import Settings
from fraud_detection_api.training.fit_options import command_with_options
from fraud_detection_api.training.tuning.options import TuneOptions
from fraud_detection_api.use_cases import all_use_cases, named


def _tune(name: str, options: TuneOptions) -> None:
    """Look for the best way to boost a use case; the same command goes on where it was stopped.

    Rounds, depth, learning rate and patience say where the search starts, and with what it is compared.
    """
    with without_data_frames():
        from fraud_detection_api.training.tuning.shown import tune_and_report

    settings = Settings()
    use_case = named(name, all_use_cases(options.use_case_imports or settings.use_cases))
    models, tracking = options.models or settings.models, options.tracking or settings.tracking
    tune_and_report(use_case, replace(options, models=models, tracking=tracking))


tune = command_with_options(_tune, USE_CASE)
