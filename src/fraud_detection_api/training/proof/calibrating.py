"""Calibrating: a curve that makes probabilities as frequent as they say, if rows that it has not seen agree."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.calibration import calibrated, log_odds
from fraud_detection_api.model.manifest import Isotonic, Platt
from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.proof.holdout_rows import Holdout, holdout_rows
from fraud_detection_api.training.tables.dataset import Dataset, Labels
from fraud_detection_api.training.tables.split import Split
from fraud_detection_api.training.trained import TrainedModel

LEAST_FRAUDS = 10  # in the calibration part, below which a curve would be drawn through chance
MOST_STEPS = 100
Curve = Platt | Isotonic


def chosen_calibration(
    probabilities: Probabilities, labels: Labels, unseen: Probabilities, unseen_labels: Labels
) -> Curve | None:
    """The curve with the lowest Brier score on rows it has not seen, unless none is lower by more than chance."""
    if min(np.count_nonzero(labels), np.count_nonzero(~labels)) < LEAST_FRAUDS:
        return None
    best, best_gain = None, 0.0
    for fit in FITS:
        curve = fit(probabilities, labels)
        gain = curve and _gain(unseen, calibrated(unseen, curve), unseen_labels)
        if gain and gain > best_gain:
            best, best_gain = curve, gain
    return best


def _gain(before: Probabilities, after: Probabilities, labels: Labels) -> float:
    """How much lower the Brier score is, less the standard error of that."""
    gains = (before.astype(np.float64) - labels) ** 2 - (after.astype(np.float64) - labels) ** 2
    return float(gains.mean() - gains.std() / np.sqrt(len(gains)))


def platt(probabilities: Probabilities, labels: Labels) -> Platt | None:
    """The likeliest logistic curve over the log-odds, by Newton's method; None where it would not rise."""
    margins, positives = log_odds(probabilities), np.count_nonzero(labels)
    # a little less than certain, as in Platt's own paper, so that few rows cannot make the curve a step
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    design = np.column_stack([margins, np.ones(len(margins))])
    weights = np.array([1.0, 0.0])
    for _ in range(MOST_STEPS):
        likely = 1 / (1 + np.exp(-design @ weights))
        curvature = design.T @ (design * (likely * (1 - likely))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (target - likely))
        weights += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    slope, intercept = weights.tolist()
    return Platt(slope=slope, intercept=intercept) if np.isfinite([slope, intercept]).all() and slope > 0 else None


def isotonic(probabilities: Probabilities, labels: Labels) -> Isotonic | None:
    """The rising steps of least squared error, joined at their centres, so that no two records become ties."""
    given, ties, counts = np.unique(probabilities.astype(np.float64), return_inverse=True, return_counts=True)
    given, true = _pooled(given, counts, np.bincount(ties, labels).astype(np.float64))
    inside = (given > 0) & (given < 1) & (true > 0) & (true < 1)
    if not inside.any():
        return None
    return Isotonic(given=(0.0, *given[inside].tolist(), 1.0), true=(0.0, *true[inside].tolist(), 1.0))


def _pooled(given: Doubles, counts: NDArray[np.intp], frauds: Doubles) -> tuple[Doubles, Doubles]:
    """Neighbours pooled until their means rise, from one pool per probability: the mean given and true of each."""
    pools: list[tuple[float, int, float]] = []
    for at_sum, size, truth_sum in zip((given * counts).tolist(), counts.tolist(), frauds.tolist(), strict=True):
        pool = at_sum, size, truth_sum
        while pools and pools[-1][2] * pool[1] >= pool[2] * pools[-1][1]:
            last = pools.pop()
            pool = pool[0] + last[0], pool[1] + last[1], pool[2] + last[2]
        pools.append(pool)
    at_sums, sizes, truth_sums = np.array(pools).T
    return at_sums / sizes, truth_sums / sizes


FITS: tuple[Callable[[Probabilities, Labels], Curve | None], ...] = (platt, isotonic)


def calibrated_rows(model: TrainedModel, dataset: Dataset, parts: Split) -> tuple[Curve | None, Holdout]:
    """The curve, if one helps, and the rows as the model will score them."""
    stopping, calibration, validation = (
        model.probabilities(dataset.columns.take(rows))
        for rows in (parts.stopping, parts.calibration, parts.validation)
    )
    labels = dataset.labels
    curve = chosen_calibration(calibration, labels[parts.calibration], stopping, labels[parts.stopping])
    threshold_rows = np.concatenate([parts.stopping, parts.calibration])
    return curve, Holdout(
        holdout_rows(dataset, threshold_rows, calibrated(np.concatenate([stopping, calibration]), curve)),
        holdout_rows(dataset, parts.validation, calibrated(validation, curve)),
    )
