"""Thinning: where there are more training rows than are wanted, only some of those that are no frauds are kept.

Which ones depends on the record and a seed alone. Each of these stands for several, so that the share of frauds, and
with it every probability, stays what it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.training.tables.periods import Periods

_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # the finaliser of SplitMix64


@dataclass(frozen=True)
class Thinning:
    """Which share of the training rows that are no frauds is kept."""

    share: float
    seed: int

    def keeps(self, ids: NDArray[np.int64], labels: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether a training row is kept; all frauds are."""
        if self.share >= 1:
            return np.ones(len(ids), np.bool_)
        kept: NDArray[np.bool_] = labels | (_drawn(ids, self.seed) < self.share)
        return kept

    def weights(self, labels: NDArray[np.bool_]) -> NDArray[np.float32]:
        """How many training rows each kept one stands for."""
        return np.where(labels, 1, 1 / self.share).astype(np.float32)


def thinning(parts: Periods, kept: float, most: int, seed: int) -> Thinning:
    """Keep this share of the rows without fraud, or as many as make so many training rows at most."""
    room = most - parts.frauds
    if room < 1 or kept <= 0:
        raise DataRefused(
            f"{parts.frauds:,} frauds leave no room for other training rows: allow more than {most:,}, "
            "and keep a share above 0 of the others."
        )
    return Thinning(min(kept, 1.0, room / max(parts.honest, 1)), seed)


def _drawn(ids: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """A number from 0 up to 1 for each record."""
    mixed = ids.view(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in _STEPS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    drawn: NDArray[np.float64] = ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) / 2.0**53
    return drawn
