"""A sample table: columns as a warehouse would hand them over, and, where they have labels, the truth behind these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRUE_PROBABILITY = "true_probability"  # of sample rows in files: how likely each was to be made a fraud

SampleColumn = NDArray[np.generic]
SampleColumns = Mapping[str, SampleColumn]


@dataclass(frozen=True)
class SampleTable:
    """Columns by name: what a model is trained on."""

    columns: SampleColumns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class LabelledSample(SampleTable):
    """A sample that knows the probability with which each of its rows was made a fraud."""

    probabilities: NDArray[np.float64]

    @property
    def best_possible_average_precision(self) -> float:
        """The average precision to expect of the true probabilities on these rows."""
        return expected_average_precision(self.probabilities, np.ones(len(self), np.int64))

    @property
    def best_possible_auc(self) -> float:
        """The ROC AUC to expect of the true probabilities on these rows: no model can be better but by luck."""
        ascending = np.sort(self.probabilities)
        honest_below = np.cumsum(1 - ascending) - (1 - ascending)
        pairs_in_order = np.sum(ascending * (honest_below + (1 - ascending) / 2))
        return float(pairs_in_order / (ascending.sum() * (1 - ascending).sum()))


@dataclass(frozen=True)
class GroupedSample(SampleTable):
    """A sample whose columns were made from several tables, which are written instead."""

    tables: Mapping[str, SampleColumns]

    @property
    def sizes(self) -> dict[str, int]:
        """The rows of each table."""
        return {name: len(SampleTable(columns)) for name, columns in self.tables.items()}


@dataclass(frozen=True)
class SampleMaker:
    """Makes a use case's sample from a number of rows and a seed, and knows how many rows suit it."""

    make: Callable[[int, int], SampleTable]
    rows: int

    def __call__(self, rows: int, seed: int) -> SampleTable:
        return self.make(rows, seed)


def expected_average_precision(probabilities: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """The average precision to expect of ranking by these probabilities, where so many rows have each of them.

    A row is a fraud with its probability and then adds the precision down to it: itself and the frauds expected above
    it, divided by its rank. Among rows of one probability that sum is one of harmonic numbers.
    """
    descending = np.argsort(-probabilities, kind="stable")
    shares, sizes = probabilities[descending], counts[descending]
    rows_above = np.cumsum(sizes) - sizes
    frauds_above = np.cumsum(sizes * shares) - sizes * shares
    ranks = _harmonic_numbers(rows_above + sizes) - _harmonic_numbers(rows_above)
    added = shares * (sizes * shares + (1 + frauds_above - shares * (rows_above + 1)) * ranks)
    return float(added.sum() / (sizes * shares).sum())


def _harmonic_numbers(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 + 1/2 + ... + 1/n, by the asymptotic series from 16 numbers further on."""
    further = numbers + 16.0
    series = np.log(further) + np.euler_gamma + 1 / (2 * further) - 1 / (12 * further**2) + 1 / (120 * further**4)
    found: NDArray[np.float64] = series - sum(1 / (numbers + ahead) for ahead in range(1, 17))
    return found
