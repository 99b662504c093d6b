"""What moves a model: how much each feature adds to its scores, up or down."""

from dataclasses import dataclass

from fraud_detection_api.training.report.contents import Importance, KindInWords, Report
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.plotting.axes import Axis, percent
from fraud_detection_api.training.report.plotting.rows import Row, RowChart, row_chart
from fraud_detection_api.training.report.sections.parts import figure, paragraph, section, side_by_side
from fraud_detection_api.training.report.wording import count

MOST_BARS = 20


@dataclass(frozen=True)
class Moved:
    """What it is that features move: in words, on the axis, and in which figures."""

    title: str
    noun: str
    words: str
    axis: Axis


def influence(report: Report, moved: Moved) -> Markup:
    """What moves the scores."""
    found = report.importance
    if found is None or not found.values:
        return section("importance", moved.title, paragraph(_why_unknown(report.kind)))
    words = moved.words.format(count(found.rows, moved.noun))
    return section("importance", moved.title, paragraph(words), side_by_side(_bars(found, moved.axis)))


def scores_moved(found: Importance | None, kind: KindInWords) -> Moved:
    """What the influence of features on probabilities means."""
    unit = kind.explained_in
    return Moved(
        "What moves the scores",
        "validation row",
        f"How far each feature moves the {unit} of a record, up or down, on average over {{}} (mean |SHAP|). It says "
        "what the model uses, not what causes fraud.",
        Axis(f"Mean |SHAP| in {unit}", 0, end_of(found), formatted="{:.3g}".format),
    )


def end_of(found: Importance | None) -> float:
    """Where the axis ends."""
    return max(*found.values.values(), 1e-9) * 1.02 if found and found.values else 1.0


def _why_unknown(kind: KindInWords) -> str:
    if kind.explained_in or not kind.no_reasons:
        return "Not known: it was not measured when this model was made."
    return f"Not known: {kind.no_reasons}."


def _bars(found: Importance, axis: Axis) -> Markup:
    names = list(found.values)[:MOST_BARS]
    rows = [Row(name, found.values[name], words=_spelled(found.values[name], axis)) for name in names]
    rest = len(found.values) - len(names)
    more = f" The other {rest} follow in the table of features." if rest else ""
    said = "; ".join(f"{row.name} {row.words}" for row in rows)
    plotted = row_chart(RowChart("importance-bars", "Importance of features", said, axis, rows, are_bars=True))
    return figure("Importance", f"The longer the bar, the more the feature moves.{more}", plotted)


def _spelled(value: float, axis: Axis) -> str:
    return percent(value) if axis.formatted is percent else f"{value:.3g}"
