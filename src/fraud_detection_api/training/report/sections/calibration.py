"""How well probabilities are calibrated: with its counts, and how scores are spread."""

from collections.abc import Sequence

import numpy as np

from fraud_detection_api.training.report.contents import Bin, Distribution, Report
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.plotting.axes import Axis, percent
from fraud_detection_api.training.report.plotting.chart import Chart, chart
from fraud_detection_api.training.report.plotting.marks import Bars, Dots, Line, Rule
from fraud_detection_api.training.report.sections.parts import figure, folded, paragraph, section, side_by_side, table
from fraud_detection_api.training.report.wording import calibration_words

TITLE = "How well its probabilities are calibrated"
SMALLEST = 1e-5
COUNTS = ("Probability", "Records", "Frauds", "Mean given", "Observed")


def probabilities(report: Report) -> Markup:
    """Calibration, and how scores are spread."""
    words, figures = paragraph(calibration_words(report.manifest)), report.figures
    if figures is None:
        return section("probabilities", TITLE, words)
    spread = figures.distribution
    plots = _calibration(figures.reliability, spread.is_log), _distribution(spread, report.manifest.threshold)
    return section("probabilities", TITLE, words, side_by_side(*plots))


def _calibration(bins: Sequence[Bin], is_log: bool) -> Markup:
    given, observed = np.array([each.mean for each in bins]), np.array([each.observed.value for each in bins])
    lows, highs = (np.array([getattr(each.observed, end) or 0.0 for each in bins]) for end in ("low", "high"))
    low, high = _ends(np.r_[given, observed, highs], is_log)
    ends = np.array([low, high])
    plotted = Chart(
        "calibration",
        "Observed share of frauds by probability",
        "; ".join(f"{percent(each.mean)} given, {percent(each.observed.value)} observed" for each in bins),
        Axis("Probability that the model gives", low, high, is_log=is_log),
        Axis("Share that were frauds", low, high, is_log=is_log),
        (
            Line("true probabilities", ends, ends, 4, is_dashed=True),
            Dots("records of like probability, 95 % interval", given, observed, 0, lows, highs),
        ),
    )
    counts = table(COUNTS, map(_cells, bins), numeric=range(1, 5), label="Counts")
    words = (
        "Where the model says 20 %, 20 of 100 should be frauds: points on the line are true, points above it too low."
    )
    return figure("Calibration", words, chart(plotted), folded("The counts behind the points", counts))


def _ends(values: np.typing.NDArray[np.float64], is_log: bool) -> tuple[float, float]:
    if not is_log:
        return 0.0, 1.0
    high = min(float(values.max()) * 1.3, 1.0)
    return max(min(float(values[values > 0].min(initial=high)), high / 100), SMALLEST), high


def _cells(each: Bin) -> tuple[str, ...]:
    between = f"{each.low:.4f} to {each.high:.4f}"
    return between, f"{each.rows:,}", f"{each.frauds:,}", f"{each.mean:.4f}", f"{each.observed.value:.4f}"


def _distribution(found: Distribution, threshold: float) -> Markup:
    edges, honest, frauds = np.array(found.edges), np.array(found.honest), np.array(found.frauds)
    plotted = Chart(
        "scores",
        "Distribution of scores by class",
        f"The threshold is {threshold:.4g}.",
        Axis("Probability that the model gives", float(edges[0]), 1, is_log=found.is_log),
        Axis("Share of the class", 0, max(float(honest.max()), float(frauds.max()), 0.01) * 1.05),
        (Bars("honest", edges, honest, 0), Bars("frauds", edges, frauds, 1), Rule("threshold", threshold)),
    )
    words = (
        "Where the scores of frauds and of honest records lie. The less they overlap, the better they are told apart."
    )
    return figure("Scores by class", words, chart(plotted))
