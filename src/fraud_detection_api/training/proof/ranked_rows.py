"""Rows sorted once by probability, so that measuring every resample of them costs a few passes."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.tables.dataset import Labels

Positions = NDArray[np.intp]
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Weighed:
    """Rows that count as often as their weights say: in their own order, and from the most suspicious one down.

    `reached[i]` is the weight of the i most suspicious rows, `caught[j]` that of the j most suspicious frauds.
    """

    by_row: Doubles
    descending: Doubles
    of_frauds: Doubles
    reached: Doubles
    caught: Doubles

    @property
    def total(self) -> float:
        """All rows."""
        return float(self.reached[-1])

    @property
    def frauds(self) -> float:
        """All frauds."""
        return float(self.caught[-1])

    def mean(self, values: Doubles) -> float:
        """The mean of a value of each row, the most suspicious first."""
        return weighted_sum(self.descending, values) / self.total


class RankedRows:
    """Rows from the most suspicious to the least."""

    def __init__(self, rows: HoldoutRows) -> None:
        self.order: Positions = np.argsort(-rows.probabilities, kind="stable")
        self.probabilities: Doubles = rows.probabilities[self.order].astype(np.float64)
        self.is_fraud: Labels = rows.labels[self.order]
        self.frauds: Positions = np.flatnonzero(self.is_fraud)

    def __len__(self) -> int:
        return len(self.is_fraud)

    def weighed(self, weights: Doubles) -> Weighed:
        """The rows, each counted as often as its weight says."""
        descending = weights[self.order]
        of_frauds = descending[self.frauds]
        return Weighed(weights, descending, of_frauds, cumulated(descending), cumulated(of_frauds))

    @cached_property
    def ends(self) -> Positions:
        """How many rows are flagged at each threshold that makes a difference; the last of tied rows ends a step."""
        return np.flatnonzero(np.r_[np.diff(self.probabilities) != 0, True]) + 1

    @property
    def thresholds(self) -> Doubles:
        """The thresholds that make a difference, highest first."""
        return self.probabilities[self.ends - 1]

    def sums(self, values: Doubles | NDArray[np.int64]) -> Doubles:
        """The sum of a value of each row over the rows flagged, at each threshold that makes a difference."""
        sums: Doubles = np.cumsum(self.in_order(values), dtype=np.float64)[self.ends - 1]
        return sums

    def in_order(self, values: NDArray[Value]) -> NDArray[Value]:
        """A value of each row, brought into this order."""
        return values[self.order]

    def flagged(self, threshold: float) -> int:
        """How many rows lie at or above a threshold, in the precision that probabilities are served in."""
        return int(np.searchsorted(self._ascending, -float(np.float32(threshold)), side="right"))

    def frauds_before(self, position: int) -> int:
        """How many frauds stand before a position."""
        return int(np.searchsorted(self.frauds, position))

    def ties_of(self, position: int) -> tuple[int, int]:
        """Where the rows with the probability of this one begin and end."""
        found = self._ascending[position]
        begin, end = (np.searchsorted(self._ascending, found, side=side) for side in ("left", "right"))
        return int(begin), int(end)

    @cached_property
    def _ascending(self) -> Doubles:
        return -self.probabilities


def cumulated(weights: Doubles) -> Doubles:
    """Running sums that begin with nothing."""
    sums = np.empty(len(weights) + 1)
    sums[0] = 0
    np.cumsum(weights, out=sums[1:])
    return sums


def weighted_sum(weights: Doubles, values: Doubles) -> float:
    """Not @: BLAS threads cost more than they bring for one short vector."""
    return float(np.sum(weights * values))
