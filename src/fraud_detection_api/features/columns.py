"""Columns: many records, field by field, as the record reader and the table reader give them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Texts = list[str | None]


@dataclass(frozen=True)
class Columns:
    """Records as arrays: numbers[i] is the i-th feature (NaN where missing), texts hold the categories.

    Where the use case has no identifier, a record's is its place.

    A category's row of numbers is a placeholder of zeros, so that row i is always feature i.
    """

    identifiers: NDArray[np.int64] | list[str]
    numbers: Numbers
    texts: dict[str, Texts] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.numbers.shape[1])

    def take(self, rows: NDArray[np.intp]) -> "Columns":
        """The same columns with only these rows."""
        identifiers = self.identifiers
        kept = [identifiers[row] for row in rows] if isinstance(identifiers, list) else identifiers[rows]
        texts = {name: [values[row] for row in rows] for name, values in self.texts.items()}
        return Columns(kept, self.numbers[:, rows], texts)
