"""The comparison that chose the kind of model: every kind on the same folds, before the validation period."""

from fraud_detection_api.training.compared import MEASURED, Compared, Comparison
from fraud_detection_api.training.report.contents import Report
from fraud_detection_api.training.report.kinds import kind_of, kind_title
from fraud_detection_api.training.report.markup import Markup, joined, tag
from fraud_detection_api.training.report.plotting.rows import Row, interval_rows, row_chart
from fraud_detection_api.training.report.sections.parts import (
    bullets,
    figure,
    paragraph,
    section,
    side_by_side,
    table,
)

TITLE = "Models compared"
HEADINGS = ("Model", "Average precision", "ROC AUC", "Brier score", "Fit, s", "Score, \u00b5s a row")


def comparison(report: Report) -> Markup:
    """The kinds side by side, the one that became this model marked."""
    found, chosen = report.comparison, kind_of(report.manifest)
    if found is None:
        return section("comparison", TITLE, paragraph("This kind of model was asked for; no other was tried."))
    words = (
        f"Each kind was fitted and judged on {found.folds}, all of them before the validation period: {found.rows}. "
        "The kind with the highest mean of the average precision was then trained again, as the model of this report."
    )
    rows = [_cells(model, chosen) for model in found.models]
    remarks = [f"{kind_title(each.kind)}: {each.remark}." for each in found.models if each.remark]
    note = "Mean \u00b1 standard deviation over the folds; times are those of the machine that compared."
    return section(
        "comparison",
        TITLE,
        paragraph(words),
        side_by_side(_plot(found, chosen)),
        table(HEADINGS, rows, numeric=range(1, len(HEADINGS)), label=TITLE),
        paragraph(note, kind="soft small"),
        *([bullets(remarks)] if remarks else []),
    )


def _plot(found: Comparison, chosen: str) -> Markup:
    rows = [_row(model, is_chosen=model.kind == chosen) for model in found.models]
    plotted = interval_rows("comparison-intervals", "Average precision by kind of model", "Average precision", rows)
    words = "The mean, and the lowest and the highest fold. The higher, the better; the chosen one is orange."
    return figure("Average precision", words, row_chart(plotted))


def _row(model: Compared, *, is_chosen: bool) -> Row:
    mean = model.mean(MEASURED[0]) or 0.0
    ends = model.ends(MEASURED[0])
    return Row(kind_title(model.kind), mean, *ends, f"{mean:.1%}", colour=1 if is_chosen else 0)


def _cells(model: Compared, chosen: str) -> tuple[str, ...]:
    name = kind_title(model.kind)
    shown = (
        joined(tag("strong", name), " ", tag("span", "chosen", class_="good")) if model.kind == chosen else joined(name)
    )
    return shown, *model.cells
