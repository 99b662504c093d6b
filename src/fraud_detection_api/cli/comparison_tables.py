"""A comparison as people see it: a table, a plot, and the same figures as JSON."""

import json
from dataclasses import asdict

from rich.table import Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.training.compared import MEASURED, Compared, Comparison
from fraud_detection_api.training.report.plotting.rows import Row, intervals_svg


def show(comparison: Comparison) -> None:
    """Print the table, and what was remarked on the models."""
    out = console()
    out.print(table(comparison))
    for model in comparison.models:
        if model.remark:
            out.print(f"{model.kind}: {model.remark}")


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
        shown.add_row(model.kind, *model.cells)
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
