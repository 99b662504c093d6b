"""A comparison as people see it: a table, a plot, and the same figures as JSON."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.atomic import whole_file
from fraud_detection_api.training.comparing.comparison import COSTS, MEASURED, Compared, Comparison, compare
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
        if any(model.remarks):
            console.print(f"{model.kind}: {'; '.join(dict.fromkeys(filter(None, model.remarks)))}")


def table(comparison: Comparison) -> Table:
    """One line for each kind, the best first: means over the folds, and their spread."""
    sizes = dict.fromkeys(f"{training:,} rows train and {judging:,} judge" for training, judging in comparison.sizes)
    folds = f"{len(comparison.sizes)} folds {comparison.order}"
    shown = Table(
        "model",
        *(name.replace("_", " ") for name in MEASURED),
        "fit, s",
        "score, \u00b5s a row",
        caption=f"mean \u00b1 standard deviation of {folds}: {'; '.join(sizes)}",
    )
    for model in comparison.models:
        seconds, microseconds = (model.mean(name) or 0.0 for name in COSTS)
        cells = (_with_spread(model, name) for name in MEASURED)
        shown.add_row(model.kind, *cells, f"{seconds:.2f}", f"{microseconds:.2f}")
    return shown


def plot(comparison: Comparison) -> bytes:
    """Average precision of each kind, from its lowest fold to its highest."""
    rows = [_row(model) for model in comparison.models]
    title = f"{comparison.use_case}: models compared on {len(comparison.sizes)} folds {comparison.order}"
    return intervals_svg(title, "average precision: mean, lowest and highest fold", rows)


def as_json(comparison: Comparison) -> bytes:
    """Every figure of every fold."""
    return json.dumps(asdict(comparison), indent=2).encode() + b"\n"


def _row(model: Compared) -> Row:
    values = [fold[MEASURED[0]] or 0.0 for fold in model.folds]
    mean = model.mean(MEASURED[0]) or 0.0
    return Row(model.kind, mean, min(values), max(values), f"{mean:.1%}")


def _with_spread(model: Compared, name: str) -> str:
    mean, spread = model.mean(name), model.spread(name)
    return "" if mean is None else f"{mean:.4f}" + ("" if spread is None else f" \u00b1 {spread:.4f}")
