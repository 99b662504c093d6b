"""Files of rows: opened to be read batch by batch, and written whole or not at all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.storage.atomic import whole_file
from fraud_detection_api.storage.batch import OpenTable, Wanted
from fraud_detection_api.storage.csv_file import CsvFile
from fraud_detection_api.storage.parquet_file import ParquetFile
from fraud_detection_api.storage.table_writers import CsvWriter, Layout, ParquetWriter, TableWriter

CSV, PARQUET = "CSV", "Parquet"
SUFFIXES = {".csv": CSV, ".csv.gz": CSV, ".csv.zst": CSV, ".parquet": PARQUET, ".pq": PARQUET}
_WRITERS: dict[str, Callable[[BinaryIO, Layout], TableWriter]] = {
    ".csv": CsvWriter,
    ".parquet": ParquetWriter,
    ".pq": ParquetWriter,
}
_ROWS_WRITTEN_AT_ONCE = 1 << 17


def format_of(path: Path) -> str | None:
    """The format that a file's name says it has."""
    return next((found for suffix, found in SUFFIXES.items() if path.name.lower().endswith(suffix)), None)


@contextmanager
def opened(path: Path, wanted: Wanted, batch_rows: int) -> Iterator[OpenTable]:
    """A CSV or Parquet file to read; refused in the end if it was changed meanwhile."""
    known = format_of(path)
    if known is None:
        raise DataRefused(f"{path}: the name of a file to read ends in {', '.join(SUFFIXES)}.")
    before = _state(path)
    if before is None:
        raise DataRefused(f"There is no file {path}.")
    try:
        table = (CsvFile if known == CSV else ParquetFile)(path, wanted, batch_rows)
    except OSError as error:
        raise DataRefused(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        yield table
    except DataRefused as error:
        _refuse_changed(path, before, error)
        raise
    finally:
        table.close()
    _refuse_changed(path, before)


@contextmanager
def table_writer(path: Path, layout: Layout) -> Iterator[TableWriter]:
    """A CSV or Parquet file to write, by its suffix; it has its name only once it is whole."""
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise DataRefused(f"{path}: the name of a file to write ends in {', '.join(_WRITERS)}.")
    with whole_file(path) as file:
        table = writer(file, layout)
        try:
            yield table
        finally:  # after an error, too: Arrow closes its writer sooner or later, and the file is open only now
            table.finish()


def write_table(path: Path, columns: Mapping[str, RawColumn]) -> None:
    """Write columns of one length to a CSV or Parquet file, whole or not at all."""
    size = max(map(len, columns.values()), default=0)
    with table_writer(path, {name: np.asarray(values).dtype for name, values in columns.items()}) as writer:
        for start in range(0, size, _ROWS_WRITTEN_AT_ONCE):
            rows = slice(start, start + _ROWS_WRITTEN_AT_ONCE)
            writer.prepared({name: values[rows] for name, values in columns.items()})()


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _refuse_changed(path: Path, before: tuple[int, int, int] | None, cause: DataRefused | None = None) -> None:
    if _state(path) != before:
        raise DataRefused(f"{path} was changed while it was read; run again once it is complete.") from cause
