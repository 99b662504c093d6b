"""A comparison as people see it: a table, a plot, and the same figures as JSON."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.atomic import whole_file
from fraud_detection_api.training.compared import COSTS, MEASURED, Compared, Comparison
from fraud_detection_api.training.comparing.comparison import compare
from fraud_detection_api.training.comparing.options import CompareOptions
from fraud_detection_api.training.progress import following
from fraud_detection_api.training.report.plotting.rows import Row, intervals_svg


def compare_and_report(use_case: UseCase, options: CompareOptions) -> None:
    """Compare with progress on stderr; the table goes to stdout, the plot and the figures where the options say."""
    with following() as follower:
        comparison = compare(use_case, options, follower)
    for path, content in ((options.plot, plot), (options.json, as_json)):
        if path:
            with whole_file(path) as file:
                file.write(content(comparison))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(table(comparison))
    for model in comparison.models:
        if model.remark:
            console.print(f"{model.kind}: {model.remark}")


def table(comparison: Comparison) -> Table:
    """One line for each kind, the best first: means over the folds, and their spread."""
    shown = Table(
        "model",
        *(name.replace("_", " ") for name in MEASURED),
        "fit, s",
        "score, \u00b5s a row",
        caption=f"mean \u00b1 standard deviation of {comparison.folds}: {comparison.rows}",
    )
    for model in comparison.models:
        seconds, microseconds = (model.mean(name) or 0.0 for name in COSTS)
        cells = (model.spelled(name) for name in MEASURED)
        shown.add_row(model.kind, *cells, f"{seconds:.2f}", f"{microseconds:.2f}")
    return shown


def plot(comparison: Comparison) -> bytes:
    """Average precision of each kind, from its lowest fold to its highest."""
    rows = [_row(model) for model in comparison.models]
    title = f"{comparison.use_case}: models compared on {comparison.folds}"
    return intervals_svg(title, "average precision: mean, lowest and highest fold", rows)


def as_json(comparison: Comparison) -> bytes:
    """Every figure of every fold."""
    return json.dumps(asdict(comparison), indent=2).encode() + b"\n"


def _row(model: Compared) -> Row:
    mean = model.mean(MEASURED[0]) or 0.0
    return Row(model.kind, mean, *model.ends(MEASURED[0]), f"{mean:.1%}")
