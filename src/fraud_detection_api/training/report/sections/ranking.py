"""How well the model ranks: every measure with its interval and a sentence, and the curves behind them."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.training.report.contents import Curves, Numbers, Report
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.plotting.axes import Axis, percent
from fraud_detection_api.training.report.plotting.chart import Chart, chart
from fraud_detection_api.training.report.plotting.marks import Dots, Line, Mark
from fraud_detection_api.training.report.plotting.rows import Row, RowChart, row_chart
from fraud_detection_api.training.report.sections.parts import figure, paragraph, prose_table, section, side_by_side
from fraud_detection_api.training.report.wording import explained, interval, value

SMALLEST = 1e-4
RARE = 0.05  # share of frauds below which gains are drawn on a logarithmic axis
SHARES = ("recall", "precision", "average_precision", "roc_auc")
ENDS = np.array([0.0, 1.0])
TITLE = "How well it ranks"
KEPT_NONE = (
    "The rows that judged this model were not kept with it, so no curves can be drawn. Train it again to see them."
)
RECALL = Axis("Recall: frauds that are flagged", 0, 1)


@dataclass(frozen=True)
class _Place:
    """Where on the curves the threshold lies; None where it flags nothing."""

    number: int | None

    def dots(self, x: Numbers, y: Numbers) -> list[Dots]:
        if self.number is None:
            return []
        return [Dots("at the threshold", np.array([x[self.number]]), np.array([y[self.number]]), 1)]


def _plots(curves: Curves, manifest: Manifest) -> tuple[Markup, ...]:
    """Every plot of the ranking."""
    above = int(np.count_nonzero(np.array(curves.thresholds) >= np.float32(manifest.threshold)))
    place = _Place(above - 1 if above else None)
    return _precision_recall(curves, place), _roc(curves, place), _gains(curves, place), _measures(manifest)


def _precision_recall(curves: Curves, place: _Place) -> Markup:
    base, highest = curves.precision[-1], max(curves.precision)
    model = _model(curves.recall, curves.precision, (curves.precision_low, curves.precision_high))
    chance = Line("by chance", ENDS, np.array([base, base]), 4, is_dashed=True)
    plotted = Chart(
        "precision-recall",
        "Precision by recall",
        f"From {percent(curves.precision[0])} at the highest score down to {percent(base)}, the share of frauds.",
        RECALL,
        Axis("Precision: frauds among the flagged", 0, min(highest * 1.25, 1.0)),
        (model, chance, *place.dots(curves.recall, curves.precision)),
    )
    words = "The more frauds are found, the more honest records are flagged with them. Higher is better."
    return figure("Precision and recall", words, chart(plotted))


def _roc(curves: Curves, place: _Place) -> Markup:
    bands = curves.roc_low, curves.roc_high
    model = _model(curves.false_positive_rate, curves.recall, bands, begins_at_0=True)
    plotted = Chart(
        "roc",
        "Recall by false-positive rate",
        "The curve begins at the highest score, where nothing is flagged, and ends where everything is.",
        Axis("False-positive rate: honest records flagged", 0, 1),
        RECALL,
        (
            model,
            Line("by chance", ENDS, ENDS, 4, is_dashed=True),
            *place.dots(curves.false_positive_rate, curves.recall),
        ),
    )
    words = "Frauds found against honest records flagged by mistake. The nearer to the upper left corner, the better."
    return figure("ROC", words, chart(plotted))


def _gains(curves: Curves, place: _Place) -> Markup:
    base, low = curves.precision[-1], max(curves.flagged_share[0], SMALLEST)
    is_log = base < RARE
    shares = np.geomspace(low, 1, 50) if is_log else np.linspace(0, 1, 50)
    best = np.unique(np.r_[shares, base])
    bands = curves.recall_low, curves.recall_high
    marks: tuple[Mark, ...] = (
        _model(curves.flagged_share, curves.recall, bands, begins_at_0=not is_log),
        Line("perfect", best, np.minimum(best / max(base, 1e-12), 1), 2, is_dashed=True),
        Line("by chance", shares, shares, 4, is_dashed=True),
        *place.dots(curves.flagged_share, curves.recall),
    )
    plotted = Chart(
        "gains",
        "Share of frauds found by share of records reviewed",
        f"With a perfect model, reviewing {percent(base)} of the records would find all frauds.",
        Axis("Share of records reviewed, riskiest first", low if is_log else 0, 1, is_log=is_log),
        Axis("Share of the frauds found", 0, 1),
        marks,
    )
    words = "Whoever reviews this share of all records, the riskiest first, finds this share of the frauds."
    return figure("Gains", words, chart(plotted))


def _measures(manifest: Manifest) -> Markup:
    rows = [
        Row(explained(name, each, manifest.data).name, each.value, each.low, each.high)
        for name, each in manifest.metrics.items()
        if name.startswith(SHARES)
    ]
    said = "; ".join(f"{row.name} {row.value:.4f}" for row in rows)
    axis = Axis("Value and 95 % interval", 0, 1, formatted="{:.3g}".format)
    what = RowChart("measures-plot", "Measures with intervals", said, axis, rows)
    return figure(
        "Measures side by side", "A short line is a figure that more data would hardly move.", row_chart(what)
    )


def _model(x: Numbers, y: Numbers, band: tuple[Numbers, Numbers], *, begins_at_0: bool = False) -> Line:
    across, up, low, high = (np.r_[[0.0] * begins_at_0, values] for values in (x, y, *band))
    return Line("model, 95 % band", across, up, 0, low, high)


def measures(report: Report) -> Markup:
    """The measures and the curves."""
    manifest = report.manifest
    if not manifest.metrics:
        return section("measures", TITLE, paragraph("No measures were kept."))
    rows = []
    for name, measure in manifest.metrics.items():
        found = explained(name, measure, manifest.data)
        rows.append((found.name, value(measure.value), interval(measure), found.sentence))
    shown = prose_table(("Measure", "Value", "95 % interval", "What it says"), rows, numeric=(1, 2))
    figures = report.figures
    plots = side_by_side(*_plots(figures.curves, manifest)) if figures else paragraph(KEPT_NONE)
    return section("measures", TITLE, paragraph(_judged_on(report)), shown, plots)


def _judged_on(report: Report) -> str:
    data = report.manifest.data
    interval_means = "An interval holds the value that more data of the same kind would show, 95 times of 100."
    if data is None:
        return interval_means
    rows = f"Judged on {data.validation_rows:,} rows that had no part in training"
    return f"{rows}, {data.validation_frauds:,} of them frauds. {interval_means}"
