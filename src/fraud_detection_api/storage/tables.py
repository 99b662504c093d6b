"""Whole tables to train on: from files, folders, globs or a database, with only the columns that are wanted."""

import glob
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.formats.batch import EMPTY

_BATCH_ROWS = 1 << 16

Part = tuple[RawTable, list[Problem]]


@dataclass(frozen=True)
class Source:
    """Where a table is: a file, a folder, a glob, or a SQLAlchemy URL with a table or a query."""

    location: str
    table: str | None = None
    query: str | None = None


def read_table(source: Source, wanted: Mapping[str, Kind]) -> tuple[RawTable, list[Problem]]:
    """The wanted columns that there are, and the cells that could not be read; rows count from 0."""
    if "://" in source.location:
        from fraud_detection_api.storage.database import parts_of_query

        return _joined(parts_of_query(source.location, source.table, source.query, wanted), wanted)
    if source.table or source.query:
        raise DataRefused(f"A table or a query needs a database URL, such as sqlite:///{source.location}.")
    return _joined(_parts_of_files(source.location, wanted), wanted)


def file_columns(location: str) -> tuple[str, ...]:
    """The names of all columns of a file, or of the first of several; none of a database."""
    from fraud_detection_api.storage.files import opened

    if "://" in location:
        return ()
    with opened(paths_at(location)[0], {}, 1) as table:
        return tuple(table.names)


def _parts_of_files(location: str, wanted: Mapping[str, Kind]) -> Iterator[Part]:
    from fraud_detection_api.storage.files import opened
    from fraud_detection_api.storage.read_ahead import in_order

    found: set[str] | None = None
    for path in paths_at(location):
        with opened(path, wanted, _BATCH_ROWS) as table:
            names = set(wanted).intersection(table.names)
            if found is not None and names != found:
                differing = ", ".join(sorted(names ^ found))
                raise DataRefused(f"{path} differs from the files before it: not all of them have column {differing}.")
            found = names
            yield {name: EMPTY[wanted[name]] for name in wanted if name in names}, []
            yield from in_order(lambda batch: batch.read(), table.batches())


def _joined(parts: Iterable[Part], wanted: Mapping[str, Kind]) -> tuple[RawTable, list[Problem]]:
    columns: dict[str, _GrowingColumn] = {}
    problems: list[Problem] = []
    size = 0
    for table, found in parts:
        problems += [replace(problem, row=problem.row + size) for problem in found]
        for name, piece in table.items():
            columns.setdefault(name, _GrowingColumn(EMPTY[wanted[name]])).append(piece)
        size = max(map(len, columns.values()), default=0)
    return {name: columns[name].whole() for name in wanted if name in columns}, problems


def paths_at(location: str) -> list[Path]:
    """The files of a table: one, those in a folder, or those that a glob names; all of one format."""
    from fraud_detection_api.storage.formats.known import format_of

    path = Path(location)
    if path.is_dir():
        inside = [each for each in sorted(path.rglob("*")) if each.is_file() and not _is_hidden(each.relative_to(path))]
        paths = [each for each in inside if format_of(each)]
    elif path.exists() or not glob.has_magic(location):
        paths = [path] if path.exists() else []
    else:
        found = sorted(glob.glob(location, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
        paths = [Path(each) for each in found if Path(each).is_file()]
    if not paths:
        raise DataRefused(f"There is no CSV or Parquet file at {location}.")
    formats = {known.name for each in paths if (known := format_of(each))}
    if len(formats) > 1:
        raise DataRefused(f"{location} holds {' and '.join(sorted(formats))} files: name those of one format.")
    return paths


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


class _GrowingColumn:
    """A column that grows where it lies: a list of pieces would have every value in memory twice when it is joined."""

    def __init__(self, empty: RawColumn) -> None:
        self._values = empty.copy()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, piece: RawColumn) -> None:
        dtype = np.result_type(self._values.dtype, piece.dtype)
        if dtype != self._values.dtype:
            self._values = self._values[: self._size].astype(dtype)
        size = self._size + len(piece)
        if size > len(self._values):
            self._values.resize(size + size // 8, refcheck=False)  # no other name points at it yet
        self._values[self._size : size] = piece
        self._size = size

    def whole(self) -> RawColumn:
        self._values.resize(self._size, refcheck=False)
        return self._values
