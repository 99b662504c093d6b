"""The evaluation: how well probabilities rank frauds and how true they are, each with a bootstrap interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, factorial

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.training.tables.dataset import Labels

MEASURES = (
    "roc_auc",
    "average_precision",
    "recall_at_1_percent_fpr",
    "recall_at_review_budget",
    "recall_at_threshold",
    "precision_at_threshold",
    "brier",
    "calibration_error",
    "log_loss",
)
RESAMPLES = 200
CALIBRATION_BINS = 10

Floats = NDArray[np.float64]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Operation:
    """How a model will be used: the share of records people can review, and its threshold."""

    review_budget: float
    threshold: float


@dataclass(frozen=True)
class Evaluation:
    """The measures of one model on some rows, and of the same model on every resample of them."""

    values: Floats
    resampled: Floats

    def measures(self) -> dict[str, Measure]:
        """Every measure by name, with its 95 % interval."""
        return {name: self.measure(name) for name in MEASURES}

    def measure(self, name: str) -> Measure:
        """One measure with its interval."""
        position = MEASURES.index(name)
        found = _with_interval(self.values[position], self.resampled[:, position])
        most = np.inf if name == "log_loss" else 1.0
        return Measure(value=found.value, low=max(found.low or 0.0, 0.0), high=min(found.high or 0.0, most))

    def minus(self, other: "Evaluation", name: str) -> Measure:
        """The difference in one measure to another model on the same rows, resample by resample."""
        position = MEASURES.index(name)
        differences = self.resampled[:, position] - other.resampled[:, position]
        return _with_interval(self.values[position] - other.values[position], differences)


def evaluate(probabilities: Probabilities, labels: Labels, operation: Operation, seed: int) -> Evaluation:
    """Evaluate a model; the same seed and number of rows resample alike, so that two models can be paired."""
    ranking = Ranking(probabilities, labels, operation)
    counts = resample_counts(len(labels), seed)
    resampled = np.array([ranking.measures(weights) for weights in counts])
    return Evaluation(ranking.measures(np.ones(len(labels))), resampled)


def resample_counts(rows: int, seed: int, resamples: int = RESAMPLES) -> Iterator[Floats]:
    """How often each row occurs in each resample: Poisson counts, drawn through a table of 65,536 equal chances."""
    random = np.random.default_rng(seed)
    cumulated = np.cumsum([exp(-1) / factorial(count) for count in range(12)])
    table = np.searchsorted(cumulated, (np.arange(65_536) + 0.5) / 65_536).astype(np.float64)
    for _ in range(resamples):
        yield table[random.integers(0, 65_536, size=rows, dtype=np.uint16)]


class Ranking:
    """Rows sorted once by probability, so that every resample costs a few passes; tied rows count as one step."""

    def __init__(self, probabilities: Probabilities, labels: Labels, operation: Operation) -> None:
        self._order = np.argsort(-probabilities, kind="stable")
        descending = probabilities[self._order].astype(np.float64)
        is_fraud = labels[self._order]
        self._frauds = np.flatnonzero(is_fraud)
        self._above, self._through = self._ties(descending)
        self._frauds_above = np.searchsorted(self._frauds, self._above)
        self._frauds_through = np.searchsorted(self._frauds, self._through)
        self._flagged = int(np.count_nonzero(probabilities >= np.float32(operation.threshold)))
        self._frauds_flagged = int(np.searchsorted(self._frauds, self._flagged))
        self._budget = operation.review_budget
        self._excess = descending - is_fraud
        self._squares = self._excess**2
        sure = np.clip(descending, 1e-7, 1 - 1e-7)
        self._losses = -np.log(np.where(is_fraud, sure, 1 - sure))
        self._bins = self._bin_starts(descending)

    def measures(self, weights: Floats) -> Floats:
        """Every measure in the order of MEASURES, each row counted as often as its weight says."""
        weight = weights[self._order]
        reached, caught = _cumulated(weight), _cumulated(weight[self._frauds])
        total, frauds = reached[-1], caught[-1]
        if frauds in (0, total):
            return np.full(len(MEASURES), np.nan)
        gaps = np.add.reduceat(weight * self._excess, self._bins)
        flagged, frauds_flagged = reached[self._flagged], caught[self._frauds_flagged]
        return np.array(
            [
                *self._ranked(weight[self._frauds], reached, caught),
                frauds_flagged / frauds,
                frauds_flagged / max(flagged, 1),
                _dot(weight, self._squares) / total,
                np.abs(gaps).sum() / total,
                _dot(weight, self._losses) / total,
            ]
        )

    def _ranked(self, weight: Floats, reached: Floats, caught: Floats) -> tuple[float, float, float, float]:
        total, frauds = reached[-1], caught[-1]
        honest = total - frauds
        reached_through, caught_through = reached[self._through], caught[self._frauds_through]
        honest_above = reached[self._above] - caught[self._frauds_above]
        honest_through = reached_through - caught_through
        auc = _dot(weight, honest - (honest_above + honest_through) / 2) / (frauds * honest)
        precision = _dot(weight, caught_through / np.maximum(reached_through, 1)) / frauds
        within_fpr = _last_within(honest_through, 0.01 * honest, caught_through)
        within_budget = _last_within(reached_through, self._budget * total, caught_through)
        return auc, precision, within_fpr / frauds, within_budget / frauds

    def _ties(self, descending: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        starts = np.flatnonzero(np.r_[True, np.diff(descending) != 0])
        ends = np.r_[starts[1:], len(descending)]
        group = np.searchsorted(starts, self._frauds, side="right") - 1
        return starts[group], ends[group]

    @staticmethod
    def _bin_starts(descending: Floats) -> NDArray[np.intp]:
        cuts = descending[np.arange(CALIBRATION_BINS) * len(descending) // CALIBRATION_BINS]
        return np.unique(np.searchsorted(-descending, -cuts))


def _with_interval(value: float, resampled: Floats) -> Measure:
    bias = float(np.nanmean(resampled)) - value  # resampling adds noise of its own, which inflates calibration errors
    low, high = (np.nanquantile(resampled, [0.025, 0.975]) - bias).tolist()
    return Measure(value=float(value), low=low, high=high)


def _cumulated(weight: Floats) -> Floats:
    sums = np.empty(len(weight) + 1)
    sums[0] = 0
    np.cumsum(weight, out=sums[1:])
    return sums


def _dot(weight: Floats, values: Floats) -> float:
    return float(np.sum(weight * values))  # not @: BLAS threads cost more than they bring for one short vector


def _last_within(used: Floats, limit: float, caught: Floats) -> float:
    within = int(np.searchsorted(used, limit * (1 + 1e-12), side="right"))
    return float(caught[within - 1]) if within else 0.0
