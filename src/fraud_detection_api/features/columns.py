"""Columns: many records, field by field, as the record reader and the table reader give them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

DEGRADED = 8  # beside the flags of the kernel

Numbers = NDArray[np.float64]
Texts = list[str | None]


@dataclass(frozen=True)
class Remembered:
    """What histories say of records, one column each: statistics, flags of each key, and when the record arrived there.

    A service that could not ask its store has scored them as if nothing were known, and says so by a flag.
    """

    values: Numbers
    flags: NDArray[np.uint8]
    received: NDArray[np.int64]

    def part(self, rows: slice | NDArray[np.intp]) -> "Remembered":
        """The same of some records."""
        return replace(self, values=self.values[:, rows], flags=self.flags[:, rows], received=self.received[:, rows])


@dataclass(frozen=True)
class Columns:
    """Records as arrays: numbers[i] is the i-th field or feature (NaN where missing), texts hold the categories.

    Where the use case has no identifier, a record's is its place.

    A category's row of numbers is a placeholder of zeros, so that row i is always the i-th.
    """

    identifiers: NDArray[np.int64] | list[str]
    numbers: Numbers
    texts: dict[str, Texts] = field(default_factory=dict)
    given: "Columns | None" = None  # the record's own columns, where these are derived from them
    remembered: Remembered | None = None  # where the use case has histories, once somebody has looked them up

    @property
    def record(self) -> "Columns":
        """The fields as they came in."""
        return self if self.given is None else self.given

    def __len__(self) -> int:
        return int(self.numbers.shape[1])

    def part(self, start: int, stop: int) -> "Columns":
        """The columns of neighbouring records, not copied."""
        texts = {name: values[start:stop] for name, values in self.texts.items()}
        given = None if self.given is None else self.given.part(start, stop)
        remembered = None if self.remembered is None else self.remembered.part(slice(start, stop))
        return Columns(self.identifiers[start:stop], self.numbers[:, start:stop], texts, given, remembered)

    def take(self, rows: NDArray[np.intp]) -> "Columns":
        """The same columns with only these rows."""
        identifiers = self.identifiers
        kept = [identifiers[row] for row in rows] if isinstance(identifiers, list) else identifiers[rows]
        texts = {name: [values[row] for row in rows] for name, values in self.texts.items()}
        given = None if self.given is None else self.given.take(rows)
        remembered = None if self.remembered is None else self.remembered.part(rows)
        return Columns(kept, self.numbers[:, rows], texts, given, remembered)


def joined(parts: Sequence[Columns]) -> Columns:
    """The columns of all these records, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    identifiers: NDArray[np.int64] | list[str] = [
        key for part in parts if isinstance(part.identifiers, list) for key in part.identifiers
    ]
    arrays = [part.identifiers for part in parts if not isinstance(part.identifiers, list)]
    texts = {name: [text for part in parts for text in part.texts[name]] for name in parts[0].texts}
    numbers = np.concatenate([part.numbers for part in parts], axis=1)
    remembered = _joined_remembered([part.remembered for part in parts if part.remembered])
    return Columns(np.concatenate(arrays) if arrays else identifiers, numbers, texts, remembered=remembered)


def _joined_remembered(parts: Sequence[Remembered]) -> Remembered | None:
    if not parts:
        return None
    return Remembered(
        np.concatenate([each.values for each in parts], axis=1),
        np.concatenate([each.flags for each in parts], axis=1),
        np.concatenate([each.received for each in parts], axis=1),
    )
