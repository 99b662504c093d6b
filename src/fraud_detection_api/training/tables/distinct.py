"""Distinct values of a column by number: whom rows share, which group they belong to."""

import numpy as np
from numpy.typing import NDArray


def numbered(values: NDArray[np.generic] | NDArray[np.object_]) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct values as texts, of which the missing one is empty, and which of them each row holds."""
    if values.dtype.kind == "O":  # texts and what is missing do not compare
        values = np.array([_text(value) for value in values.tolist()])
    distinct, numbers = np.unique(values, return_inverse=True)
    return [_text(value) for value in distinct.tolist()], numbers.astype(np.int64)


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def entities_of(values: NDArray[np.generic] | NDArray[np.object_]) -> NDArray[np.int64] | None:
    """A number for whom each row belongs to; None where no two rows share anybody, which is as if there were nobody."""
    names, numbers = numbered(values)
    if len(names) == len(numbers):
        return None
    unknown = np.isin(numbers, [number for number, name in enumerate(names) if not name])
    numbers[unknown] = len(names) + np.arange(np.count_nonzero(unknown))  # whom nobody knows shares with nobody
    return numbers
