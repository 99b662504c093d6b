"""fraud compare: kinds of model on the same folds, before one is chosen to be served."""

from fraud_detection_api.atomic import whole_file
from fraud_detection_api.cli.arguments import USE_CASE, use_case_of
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.cli.fit_flags import COMPARE
from fraud_detection_api.cli.progress import following
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.training.fit_options import CompareOptions


def _compare(name: str, options: CompareOptions) -> None:
    """Compare kinds of model on a labelled table, each fitted inside the same folds; nothing is published."""
    with without_data_frames():
        import fraud_detection_api.training.xgboost_trainer  # noqa: F401 - its library, before scikit-learn can be found
    from fraud_detection_api.cli import comparison_tables
    from fraud_detection_api.training.comparing.comparison import compare

    use_case = use_case_of(name, options.use_cases)
    with following() as follower:
        found = compare(use_case, options, follower)
    for path, content in ((options.plot, comparison_tables.plot), (options.json, comparison_tables.as_json)):
        if path:
            with whole_file(path) as file:
                file.write(content(found))
    comparison_tables.show(found)


compare = command_with_options(_compare, USE_CASE, COMPARE)
