"""Models that learned without labels: what their threshold means, and how unusual the training rows are to them."""

from collections.abc import Iterator

import numpy as np

from fraud_detection_api.model.manifest import DataSummary, Ranks
from fraud_detection_api.training.report.anomalies import anomalies
from fraud_detection_api.training.report.contents import Anomalies, Importance, KindInWords, Report
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.plotting.axes import Axis, percent, short
from fraud_detection_api.training.report.plotting.chart import Chart, chart
from fraud_detection_api.training.report.plotting.marks import Bars, Dots, Line, Rule
from fraud_detection_api.training.report.sections.influence import Moved, end_of
from fraud_detection_api.training.report.sections.parts import (
    card,
    figure,
    paragraph,
    prose_table,
    section,
    side_by_side,
)
from fraud_detection_api.training.report.wording import anomaly_score, count, threshold_rule

TITLE = "What the threshold means"
SCALE = (
    "An anomaly score lies between -1 and 0. It says how few random splits set a record apart from others: about -0.5 "
    "where it takes as many as are to be expected, and the closer to -1 the fewer it takes, so the more unusual "
    "the record is. In answers, anomaly_percentile is the share of the training rows that are less unusual."
)


def anomaly_flags(report: Report) -> Markup:
    """How the threshold was set, what it flags among the training rows, and what others would."""
    manifest, found = report.manifest, anomalies(report.manifest)
    chosen = f"The threshold is {anomaly_score(manifest.threshold)}, set by {threshold_rule(manifest)}. "
    plots = (_spread(found, manifest.threshold), _by_threshold(found, manifest.known_ranks, manifest.threshold))
    return section(
        "threshold",
        TITLE,
        paragraph(chosen, anomaly_sentence(report)),
        paragraph(SCALE),
        side_by_side(*plots),
        *_others(found),
    )


def anomaly_sentence(report: Report) -> str:
    """What the threshold means, in two sentences."""
    manifest, found = report.manifest, anomalies(report.manifest)
    return (
        f"Records with an anomaly score below {anomaly_score(manifest.threshold)} are flagged as anomalies: "
        f"{found.flagged:,} of the {count(found.rows, 'training row')}{_share(found)}. Nobody knows how many of those "
        "are frauds."
    )


def anomaly_cards(report: Report) -> Iterator[Markup]:
    """The figures that a model without labels has."""
    manifest, found = report.manifest, anomalies(report.manifest)
    trees, samples = (manifest.parameters.get(name) for name in ("n_estimators", "max_samples"))
    share = percent(found.flagged / found.rows) if found.rows else f"{found.flagged:,}"
    yield card("Flagged", share, f"{found.flagged:,} of {count(found.rows, 'training row')}")
    yield card("Threshold", anomaly_score(manifest.threshold), "an anomaly score; what lies below it is flagged")
    if isinstance(trees, int):
        yield card("Trees", f"{trees:,}", f"each grown on {samples:,} rows" if isinstance(samples, int) else "")
    yield card("Training rows", f"{found.rows:,}", "none of them with a label")


def anomaly_rows(_: Report, found: DataSummary) -> list[tuple[str, str]]:
    """What it learned from."""
    return [("Rows", f"{found.rows:,}, and it learned from all of them"), ("Label", "none")]


def anomalies_moved(found: Importance | None, _: KindInWords) -> Moved:
    """What the influence of features on anomaly scores means."""
    return Moved(
        "What moves the anomaly scores",
        "training row",
        "How much sooner or later each feature lets random splits set a record apart, as a share of the splits that "
        "are to be expected, on average over {} (mean |SHAP|). It says what the model looks at, not what is wrong.",
        Axis("Mean |SHAP|, of the expected splits", 0, end_of(found)),
    )


def _share(found: Anomalies) -> str:
    return f" ({percent(found.flagged / found.rows)})" if found.rows else ""


def _spread(found: Anomalies, threshold: float) -> Markup:
    edges, shares = np.array(found.edges), np.array(found.shares)
    plotted = Chart(
        "anomaly-scores",
        "Distribution of the anomaly scores of the training rows",
        f"From {edges[0]:.2f} to {edges[-1]:.2f}; the threshold is {anomaly_score(threshold)}.",
        _scores(found),
        _rows("Training rows", found),
        (Bars("", edges, shares * found.rows, 0), Rule("threshold", threshold)),
    )
    words = "What lies left of the threshold is flagged. The scale is logarithmic, so that a single row still shows."
    return figure("Anomaly scores", words, chart(plotted))


def _by_threshold(found: Anomalies, ranks: Ranks, threshold: float) -> Markup:
    scores, below = np.array(ranks.scores), 1 - np.array(ranks.shares)
    plotted = Chart(
        "flagged-by-threshold",
        "Training rows that each threshold flags",
        f"{found.flagged:,} at the threshold.",
        _scores(found),
        _rows("Training rows that would be flagged", found),
        (
            Line("flagged", scores, below * found.rows, 0, is_steps=True),
            Dots("at the threshold", np.array([threshold]), np.array([float(found.flagged)]), 1),
        ),
    )
    words = "What other thresholds would flag. The further left, the fewer and the more unusual."
    return figure("Flagged by threshold", words, chart(plotted))


def _others(found: Anomalies) -> tuple[Markup, ...]:
    if not found.others:
        return ()
    rows = [
        (f"{percent(each.share)} of the rows", f"{each.share * found.rows:,.0f}", anomaly_score(each.threshold))
        for each in found.others
    ]
    headings = ("To flag", "Training rows", "Threshold, about")
    note = "Train with another --contamination, such as 0.01 for 1 %, to flag as many records as people can look at."
    return prose_table(headings, rows, numeric=(1, 2)), paragraph(note, kind="soft small")


def _scores(found: Anomalies) -> Axis:
    return Axis("Anomaly score, more unusual to the left", found.edges[0], found.edges[-1], formatted="{:.2f}".format)


def _rows(label: str, found: Anomalies) -> Axis:
    """Down to half a row, so that a single one still shows."""
    return Axis(label, 0.5, max(found.rows, 1), is_log=True, formatted=short)
