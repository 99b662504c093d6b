"""Tables in files and streams: opened to be read batch by batch; files are written whole or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fraud_detection_api.atomic import whole_file
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.storage.formats.batch import OpenTable, Wanted
from fraud_detection_api.storage.formats.known import SUFFIXES, WRITTEN, TableFormat, suffix_of
from fraud_detection_api.storage.formats.table_bytes import TableBytes, seekable
from fraud_detection_api.storage.formats.writers import Layout, TableWriter

_ROWS_WRITTEN_AT_ONCE = 1 << 17


@contextmanager
def opened_stream(
    stream: BinaryIO, known: TableFormat, wanted: Wanted, batch_rows: int, compression: str | None = None
) -> Iterator[OpenTable]:
    """A table that comes in a stream, such as standard input or the body of a request; read once, in batches."""
    with seekable(stream) if known.seeks else nullcontext(stream) as source:
        yield known.reader(TableBytes("The table", source, compression=compression), wanted, batch_rows)


@contextmanager
def opened(path: Path, wanted: Wanted, batch_rows: int) -> Iterator[OpenTable]:
    """A table in a file; refused in the end if the file was changed meanwhile."""
    suffix = suffix_of(path)
    if suffix is None:
        raise DataRefused(f"{path}: the name of a file to read ends in {', '.join(SUFFIXES)}.")
    known, compression = SUFFIXES[suffix]
    before = _state(path)
    if before is None:
        raise DataRefused(f"There is no file {path}.")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataRefused(f"{path} cannot be read: {error.strerror or error}.") from error
    with stream:
        try:
            yield known.reader(TableBytes(str(path), stream, before[1], compression, path), wanted, batch_rows)
        except DataRefused as error:
            _refuse_changed(path, before, error)
            raise
    _refuse_changed(path, before)


@contextmanager
def stream_writer(stream: BinaryIO, known: TableFormat, layout: Layout) -> Iterator[TableWriter]:
    """A table that goes into a stream, such as standard output, in batches."""
    table = known.writer(stream, layout)
    try:
        yield table
    finally:  # after an error, too: Arrow closes its writer sooner or later, and the stream is open only now
        table.finish()


@contextmanager
def table_writer(path: Path, layout: Layout) -> Iterator[TableWriter]:
    """A file to write, in the format of its suffix; it has its name only once it is whole."""
    suffix = suffix_of(path)
    if suffix not in WRITTEN:
        raise DataRefused(f"{path}: the name of a file to write ends in {', '.join(WRITTEN)}.")
    with whole_file(path) as file, stream_writer(file, SUFFIXES[suffix][0], layout) as table:
        yield table


def write_table(path: Path, columns: Mapping[str, RawColumn]) -> None:
    """Write columns of one length to a file, whole or not at all."""
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
