"""How the model does over time and in each group."""

from collections.abc import Sequence

import numpy as np

from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.training.report.contents import Purpose, Report, Slice
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.plotting.axes import Axis, percent, thinned
from fraud_detection_api.training.report.plotting.chart import Chart, chart
from fraud_detection_api.training.report.plotting.marks import Dots, Line, Mark
from fraud_detection_api.training.report.plotting.rows import Row, RowChart, row_chart
from fraud_detection_api.training.report.sections.parts import figure, paragraph, section, side_by_side, table

COMPARED = (
    ("False-positive rate", "Share of the honest records that are flagged.", "false_positive_rate"),
    ("Recall", "Share of the frauds that are flagged.", "recall"),
    ("Precision", "Share of frauds among the flagged.", "precision"),
)


def stability(report: Report) -> Markup:
    """The same figures, period by period."""
    figures, title = report.figures, "How it holds over time"
    if figures is None:
        return section("stability", title, paragraph("Not known: no holdout rows were kept with this model."))
    if figures.period is None:
        return section("stability", title, paragraph(_no_days(report.use_case)))
    name = figures.period
    plots = side_by_side(_quality(figures.periods, name), _levels(figures.periods, name))
    return section(
        "stability",
        title,
        paragraph(f"The validation rows, {name} by {name}."),
        plots,
        _table(figures.periods, name.capitalize()),
    )


def groups(report: Report) -> Markup:
    """The same figures, group by group."""
    figures, group, title = report.figures, report.use_case.group, "Groups"
    if group is None:
        unknown = "The use case names no group to compare: whether it treats groups alike has not been looked at."
        return section("groups", title, paragraph(unknown))
    if figures is None or not figures.groups:
        return section("groups", title, paragraph(f"Not known: no rows with a {group} were kept with this model."))
    words = f"Compared by {group}: the honest of every group should be bothered, and frauds found, equally often."
    if figures.left_out_groups:
        words += f" The {len(figures.groups)} largest are shown, {figures.left_out_groups} are not."
    plots = (_rows(*each, figures.groups) for each in COMPARED)
    return section("groups", title, paragraph(words), side_by_side(*plots), _table(figures.groups, "Group"))


def _no_days(ours: Purpose) -> str:
    if ours.order_column is None:
        return "Not known: the use case has no time column, so nothing says which record came first."
    return (
        f"Not known: {ours.order_column} says which record came first, but not on which day, so there are no days or "
        "months to compare. The rows that judge come after those that trained."
    )


def _quality(periods: Sequence[Slice], unit: str) -> Markup:
    marks: list[Mark] = []
    for colour, name in enumerate(("recall", "precision")):
        kept = [(place, measure) for place, each in enumerate(periods) if (measure := getattr(each, name))]
        places = np.array([place for place, _ in kept], dtype=float) + (colour - 0.5) * 0.12
        values, lows, highs = (
            np.array([getattr(measure, end) or 0.0 for _, measure in kept]) for end in ("value", "low", "high")
        )
        marks.append(Dots(f"{name}, 95 % interval", places, values, colour, lows, highs))
    words = f"Recall and precision at the threshold in each {unit}. Intervals count every record for itself."
    plotted = Chart(
        "stability",
        f"Recall and precision by {unit}",
        words,
        _time(periods, unit),
        Axis("At the threshold", 0, 1),
        tuple(marks),
    )
    return figure("Recall and precision", words, chart(plotted))


def _levels(periods: Sequence[Slice], unit: str) -> Markup:
    places = np.arange(len(periods), dtype=float)
    given = np.array([each.mean_probability for each in periods])
    true = np.array([each.frauds / max(each.rows, 1) for each in periods])
    words = f"The mean score and the share of frauds in each {unit} should move together."
    high = max(float(given.max()), float(true.max()), 1e-6) * 1.15
    marks = (
        Line("mean score", places, given, 0),
        Dots("", places, given, 0),
        Line("share of frauds", places, true, 1, is_dashed=True),
        Dots("", places, true, 1),
    )
    plotted = Chart(
        "levels",
        f"Mean score and share of frauds by {unit}",
        words,
        _time(periods, unit),
        Axis("Of all records", 0, min(high, 1.0)),
        marks,
    )
    return figure("Scores and frauds", words, chart(plotted))


def _time(periods: Sequence[Slice], unit: str) -> Axis:
    named = tuple((float(place), each.name) for place, each in enumerate(periods))
    return Axis(unit.capitalize(), -0.5, len(periods) - 0.5, named=thinned(named, 5))


def _rows(title: str, words: str, figure_of: str, groups: Sequence[Slice]) -> Markup:
    kept = [(each.name, measure) for each in groups if (measure := getattr(each, figure_of))]
    rows = [Row(name, measure.value, measure.low, measure.high) for name, measure in kept]
    highest = max([row.high or row.value for row in rows], default=1.0)
    axis = Axis("95 % intervals", 0, min(max(highest * 1.05, 0.01), 1.0))
    said = "; ".join(f"{row.name} {percent(row.value)}" for row in rows)
    key = f"groups-{title.lower().replace(' ', '-')}"
    return figure(title, words, row_chart(RowChart(key, f"{title} by group", said, axis, rows)))


def _table(parts: Sequence[Slice], heading: str) -> Markup:
    rows = [
        (
            each.name,
            f"{each.rows:,}",
            f"{each.frauds:,}",
            f"{each.mean_probability:.4f}",
            "" if each.average_precision is None else f"{each.average_precision:.4f}",
            *(_shown(taken) for taken in (each.recall, each.precision, each.false_positive_rate)),
        )
        for each in parts
    ]
    headings = (
        heading,
        "Records",
        "Frauds",
        "Mean score",
        "Average precision",
        "Recall",
        "Precision",
        "False-positive rate",
    )
    return table(headings, rows, numeric=range(1, 8), label=f"Figures by {heading.lower()}")


def _shown(measure: Measure | None) -> str:
    return "" if measure is None else f"{measure.value:.4f}"
