"""fraud train: the model fitter, with the settings' registry and use cases."""

from dataclasses import replace

import typer

from fraud_detection_api.cli.arguments import USE_CASE
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.settings import Settings
from fraud_detection_api.training.fit_options import FitOptions, command_with_options
from fraud_detection_api.use_cases import all_use_cases, named


def _train(name: str, options: FitOptions) -> None:
    """Train a model of a use case on a labelled table, prove it on later rows and publish it.

    Exit codes: 0 the model is champion, 2 the data is refused, 3 the gate failed and the champion stays.
    """
    with without_data_frames():
        from fraud_detection_api.training.fitting import fit_and_report

    settings = Settings()
    use_case = named(name, all_use_cases(options.use_case_imports or settings.use_cases))
    models, tracking = options.models or settings.models, options.tracking or settings.tracking
    raise typer.Exit(fit_and_report(use_case, replace(options, models=models, tracking=tracking)))


train = command_with_options(_train, USE_CASE)
