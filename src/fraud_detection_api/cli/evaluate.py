"""fraud evaluate: what a use case's models are worth in time order, window after window; nothing is published."""

from dataclasses import replace

from fraud_detection_api.atomic import whole_file
from fraud_detection_api.cli.arguments import USE_CASE, use_case_of
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.cli.fit_flags import EVALUATE
from fraud_detection_api.cli.progress import following
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.settings import Settings
from fraud_detection_api.training.fit_options import EvaluateOptions


def _evaluate(name: str, options: EvaluateOptions) -> None:
    """Train on some days, leave out those whose labels would not have arrived yet, test on the next, and move on.

    Prints each measure's mean and spread over the folds, and every fold. Nothing is published.
    """
    with without_data_frames():
        from fraud_detection_api.cli import evaluation_tables
        from fraud_detection_api.training.evaluating.prequential import evaluated

    settings = Settings()
    use_case = use_case_of(name, options.use_cases)
    with following() as follower:
        found = evaluated(use_case, replace(options, models=options.models or settings.models), follower)
    if options.json:
        with whole_file(options.json) as file:
            file.write(evaluation_tables.as_json(use_case, options, found))
    evaluation_tables.show(found)


evaluate = command_with_options(_evaluate, USE_CASE, EVALUATE)
