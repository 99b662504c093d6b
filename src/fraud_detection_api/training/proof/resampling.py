"""Bootstrap resamples, and the intervals that they give."""

from collections.abc import Iterator
from math import exp, factorial

import numpy as np

from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.ranked_rows import Positions

RESAMPLES = 200


def resample_counts(units: int, seed: int, resamples: int = RESAMPLES) -> Iterator[Doubles]:
    """How often each unit occurs in each resample: Poisson counts, drawn through a table of 65,536 equal chances."""
    random = np.random.default_rng(seed)
    cumulated = np.cumsum([exp(-1) / factorial(count) for count in range(12)])
    table = np.searchsorted(cumulated, (np.arange(65_536) + 0.5) / 65_536).astype(np.float64)
    for _ in range(resamples):
        yield table[random.integers(0, 65_536, size=units, dtype=np.uint16)]


def row_weights(rows: HoldoutRows, seed: int) -> Iterator[Doubles]:
    """How often each row occurs in each resample; the rows of an entity come and go together."""
    if rows.entities is None:
        yield from resample_counts(len(rows), seed)
        return
    distinct, number = np.unique(rows.entities, return_inverse=True)
    for counts in resample_counts(len(distinct), seed):
        yield counts[number]


def cell_counts(rows: HoldoutRows, cells: Positions, number: int, seed: int) -> Iterator[Doubles]:
    """How many rows lie in each of some cells in each resample, when each row lies in one."""
    if rows.entities is not None:
        for weights in row_weights(rows, seed):
            yield np.bincount(cells, weights, number).astype(np.float64)
        return
    random, sizes = np.random.default_rng(seed), np.bincount(cells, minlength=number)
    for _ in range(RESAMPLES):  # counts of rows that come and go each for itself add up to Poisson counts again
        yield random.poisson(sizes).astype(np.float64)


def with_interval(value: float, resampled: Doubles) -> Measure:
    """A figure with the 95 % interval of its resamples, as far as they give it."""
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return Measure(value=float(value))
    bias = float(known.mean()) - value  # resampling adds noise of its own, which inflates calibration errors
    low, high = (np.quantile(known, [0.025, 0.975]) - bias).tolist()
    return Measure(value=float(value), low=low, high=high)
