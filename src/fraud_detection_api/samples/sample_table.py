"""A sample table: columns as a warehouse would hand them over, and the truth behind their labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SampleColumn = NDArray[np.generic]


@dataclass(frozen=True)
class SampleTable:
    """Columns by name, and the probability with which each row was made a fraud."""

    columns: dict[str, SampleColumn]
    probabilities: NDArray[np.float64]

    @property
    def best_possible_auc(self) -> float:
        """The ROC AUC to expect of the true probabilities on these rows: no model can be better but by luck."""
        ascending = np.sort(self.probabilities)
        honest_below = np.cumsum(1 - ascending) - (1 - ascending)
        pairs_in_order = np.sum(ascending * (honest_below + (1 - ascending) / 2))
        return float(pairs_in_order / (ascending.sum() * (1 - ascending).sum()))
