"""The compiled forest in numpy, for where no compiler has built it: the same sums to the bit, but slower."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from fraud_detection_api.model.forest import NODE, Parts
from fraud_detection_api.model.saved_trees import Doubles, Floats

TOGETHER = 100_000  # rows times trees that are walked at once
EXPLAINED = 1_000  # rows that are explained at once


class Passed(NamedTuple):
    """What a feature's splits have let through: this share of the training rows, and of our rows all (1) or none."""

    share: float
    held: Doubles


class Explaining(NamedTuple):
    """The rows that one tree explains, the points of its Gauss sum, and what each feature adds so far."""

    cells: Floats
    points: Doubles
    parts: Doubles


class WalkedTrees:
    """Trees of numbers alone, whose leaves are float64; what `lay_out` checked is not checked again."""

    def __init__(self, parts: Parts) -> None:
        nodes = np.frombuffer(parts.nodes, NODE)
        self._features = parts.features
        self._threshold = nodes["threshold"]
        self._column, self._down = nodes["column"].astype(np.intp), nodes["down"].astype(np.intp)
        self._values = np.frombuffer(parts.values)
        self._roots = np.frombuffer(parts.starts, np.int32)[:-1].astype(np.intp)
        self._covers = np.frombuffer(parts.covers, np.float32).astype(np.float64)

    def score(self, matrix: Floats, out: Doubles, probabilities: bool, /) -> None:
        """Sum each row's leaves, tree after tree."""
        if probabilities:
            raise ValueError("leaves in float64 have sums, but no probabilities")
        for rows, cells in self._pieces(matrix, max(1, TOGETHER // len(self._roots))):
            out[rows] = self._sums(cells)

    def explain(self, matrix: Floats, out: Doubles, /) -> None:
        """Say what each feature adds to the sum, as _forest_reasons.h does, and last what all rows have in common."""
        if not len(self._covers):
            raise ValueError("these trees came without covers")
        leaves = np.add.reduceat(self._values * self._covers, self._roots)
        out[:, :-1], out[:, -1] = 0, (leaves / self._covers[self._roots]).sum()
        for rows, cells in self._pieces(matrix, EXPLAINED):
            for root, end in zip(self._roots, [*self._roots[1:], len(self._down)], strict=True):
                features = np.unique(self._column[root:end] // 2)
                points, weights = np.polynomial.legendre.leggauss(len(features) // 2 + 1)
                product = np.repeat(weights[:, None] / 2, len(cells), axis=1)
                self._explain_below(Explaining(cells, (1 + points[:, None]) / 2, out[rows]), root, product, {})

    def _pieces(self, matrix: Floats, size: int) -> Iterator[tuple[slice, Floats]]:
        """As in C: an even column takes a missing value left, the odd one beside it takes it right."""
        fits = matrix.dtype == np.float32 and matrix.shape == (len(matrix), self._features)
        if not fits or not matrix.flags.c_contiguous:
            raise ValueError(f"a C-ordered float32 matrix of {self._features} columns is needed")
        for first in range(0, len(matrix), size):
            rows = slice(first, min(first + size, len(matrix)))
            missing = np.isnan(matrix[rows])
            sides = [np.where(missing, np.float32(instead), matrix[rows]) for instead in (-np.inf, np.inf)]
            yield rows, np.stack(sides, axis=2).reshape(len(missing), 2 * self._features)

    def _sums(self, cells: Floats) -> Doubles:
        rows = np.arange(len(cells))
        at = np.repeat(self._roots[:, None], len(cells), axis=1)
        while (down := self._down[at]).any():
            at += down + (cells[rows, self._column[at]] >= self._threshold[at])
        sums = np.zeros(len(cells))
        for leaves in self._values[at]:  # one by one: numpy's own sum would add in another order
            sums += leaves
        return sums

    def _explain_below(self, so_far: Explaining, node: int, product: Doubles, above: Mapping[int, Passed]) -> Doubles:
        """Sum the leaves below a node for each point and row; `product` is that of the features above it."""
        if not self._down[node]:
            return float(self._values[node]) * product
        feature = int(self._column[node]) // 2
        right = so_far.cells[:, self._column[node]] >= self._threshold[node]
        before = above.get(feature, Passed(1.0, np.ones(len(right))))
        total = np.zeros_like(product)
        for child, passes in enumerate((~right, right), node + int(self._down[node])):
            now = Passed(before.share * self._covers[child] / self._covers[node], before.held * passes)
            factors = [(1 - so_far.points) * each.share + so_far.points * each.held for each in (before, now)]
            leaves = self._explain_below(so_far, child, product * factors[1] / factors[0], {**above, feature: now})
            gains = [(each.held - each.share) / factor for each, factor in zip((before, now), factors, strict=True)]
            so_far.parts[:, feature] += (leaves * (gains[1] - gains[0])).sum(axis=0)
            total += leaves
        return total
