"""The batch: some rows of a file, read on demand, that remember where in the file they stand."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind

Wanted = Mapping[str, Kind]

EMPTY: dict[Kind, RawColumn] = {
    Kind.INTEGER: np.empty(0, dtype=np.int64),
    Kind.NUMBER: np.empty(0, dtype=np.float64),
    Kind.BOOLEAN: np.empty(0, dtype=np.bool_),
    Kind.CATEGORY: np.empty(0, dtype=np.object_),
    Kind.DATE: np.empty(0, dtype="datetime64[us]"),
    Kind.TIME: np.empty(0, dtype="datetime64[us]"),
}


class Batch(Protocol):
    """Rows in the order of the file; reading them is safe, and worth its while, in another thread."""

    end: int

    def read(self) -> tuple[RawTable, list[Problem]]:
        """The wanted columns, and what in them cannot be read; rows count from 0 within the batch."""

    def keep(self, rows: NDArray[np.intp]) -> RawTable:
        """The wanted columns of only these rows, which can all be read."""

    def line(self, row: int) -> int:
        """Where the row stands: its line in a CSV file, its number from 1 in a Parquet file."""

    def original(self, row: int, name: str) -> str:
        """What the file itself holds there, as text."""


class OpenTable(Protocol):
    """A table being read: its batches in order, and how far its end is; 0 where nobody knows."""

    names: tuple[str, ...]
    size: int

    def batches(self) -> Iterator[Batch]:
        """Every row once; memory holds no more than the batches that the caller keeps."""
