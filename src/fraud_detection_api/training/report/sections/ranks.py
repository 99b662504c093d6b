"""How well the model ranks: every measure with its interval and a sentence, and the curves behind them."""

from fraud_detection_api.training.report.contents import Report
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.sections.parts import paragraph, prose_table, section, side_by_side
from fraud_detection_api.training.report.sections.ranking_plots import ranking_plots
from fraud_detection_api.training.report.wording import explained, interval, value

TITLE = "How well it ranks"
KEPT_NONE = (
    "The rows that judged this model were not kept with it, so no curves can be drawn. Train it again to see them."
)


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
    plots = side_by_side(*ranking_plots(figures.curves, manifest)) if figures else paragraph(KEPT_NONE)
    return section("measures", TITLE, paragraph(_judged_on(report)), shown, plots)


def _judged_on(report: Report) -> str:
    data = report.manifest.data
    interval_means = "An interval holds the value that more data of the same kind would show, 95 times of 100."
    if data is None:
        return interval_means
    rows = f"Judged on {data.validation_rows:,} rows that had no part in training"
    return f"{rows}, {data.validation_frauds:,} of them frauds. {interval_means}"
