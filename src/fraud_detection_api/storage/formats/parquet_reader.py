"""Parquet, batch by batch."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.storage.formats.arrow import pa, parquet
from fraud_detection_api.storage.formats.arrow_columns import column
from fraud_detection_api.storage.formats.batch import Wanted
from fraud_detection_api.storage.formats.table_bytes import TableBytes

_READ_BYTES = 1 << 20  # read a row group piece by piece: it may be as large as the file


class ParquetBatch:
    """Some rows of a Parquet file."""

    def __init__(self, cells: pa.RecordBatch, wanted: Wanted, first: int) -> None:
        self.end = first + cells.num_rows
        self._cells = cells
        self._wanted = wanted
        self._first = first

    def read(self) -> tuple[RawTable, list[Problem]]:
        """The wanted columns, and texts among them that are no dates."""
        return _columns(self._cells, self._wanted)

    def keep(self, rows: NDArray[np.intp]) -> RawTable:
        """The wanted columns of only these rows."""
        return _columns(self._cells.take(pa.array(rows)), self._wanted)[0]

    def line(self, row: int) -> int:
        """The number of the row, from 1."""
        return self._first + row + 1

    def original(self, row: int, name: str) -> str:
        """The value as text."""
        value = self._cells.column(name)[row].as_py() if name in self._cells.schema.names else None
        return "" if value is None else str(value)


class ParquetReader:
    """Parquet of which only the wanted columns are read."""

    def __init__(self, given: TableBytes, wanted: Wanted, batch_rows: int) -> None:
        try:
            self._file = parquet.ParquetFile(_source(given), pre_buffer=False, buffer_size=_READ_BYTES)
        except pa.ArrowInvalid as error:
            raise DataRefused(f"{given.name} is not a Parquet file that can be read: {error}") from error
        self._name = given.name
        self._batch_rows = batch_rows
        self.names = tuple(self._file.schema_arrow.names)
        self.size = self._file.metadata.num_rows
        self._wanted = {name: kind for name, kind in wanted.items() if name in self.names}
        twice = [name for name in self._wanted if self.names.count(name) > 1]
        if twice:
            raise DataRefused(f"{given.name} has more than one column {', '.join(twice)}: rename all but one.")

    def batches(self) -> Iterator[ParquetBatch]:
        """Every row once, in order."""
        first = 0
        try:
            for cells in self._file.iter_batches(self._batch_rows, columns=list(self._wanted)):
                yield ParquetBatch(cells, self._wanted, first)
                first += cells.num_rows
        except (OSError, pa.ArrowInvalid) as error:
            raise DataRefused(f"{self._name} cannot be read after row {first}: {error}") from error


def _source(given: TableBytes) -> str | BinaryIO:
    # Arrow reads a file by itself, and Python's streams only with the interpreter's lock
    return str(given.path) if given.path else given.stream


def _columns(cells: pa.RecordBatch, wanted: Wanted) -> tuple[RawTable, list[Problem]]:
    table, problems = {}, []
    for name, kind in wanted.items():
        table[name], found = column(cells.column(name), kind, name)
        problems += found
    return table, problems
