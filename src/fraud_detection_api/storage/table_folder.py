"""Records from a table of their own, or from a folder of several tables that they are made from."""

from collections.abc import Mapping
from pathlib import Path

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.grouped import grouped, refuse_rows, tables_of
from fraud_detection_api.features.tables import RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import fields_of
from fraud_detection_api.schemas.source_tables import SourceTable, SourceTables
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.storage.formats.batch import Wanted
from fraud_detection_api.storage.formats.known import SUFFIXES, format_of
from fraud_detection_api.storage.tables import Source, read_table


def read_records(source: Source, use_case: UseCase, wanted: Wanted) -> tuple[RawTable, list[Problem]]:
    """The wanted columns of a table; of the use case's records, where the source is a folder of its source tables."""
    folder = Path(source.location)
    if use_case.tables is not None and any(_files(folder, table.name) for table in use_case.tables.every):
        return grouped_records(folder, use_case), []
    return read_table(source, wanted)


def grouped_records(folder: Path, use_case: UseCase) -> RawTable:
    """The use case's records, made from the tables in the folder."""
    tables = tables_of(use_case)
    if not _is_folder(folder):
        raise DataRefused(f"There is no folder {folder}: name the one that holds {_listed(tables)}.")
    raw = {table.name: _read(folder, table) for table in tables.every}
    return grouped(raw, use_case)


def refuse_source(folder: Path, use_case: UseCase, output: Path) -> None:
    """Refuse to write to a file that the records are made from, or that would be taken for one the next time."""
    names = [table.name for table in tables_of(use_case).every]
    sources = {file.resolve() for name in names for file in _files(folder, name)}
    beside = output.resolve().parent == folder.resolve() and any(_is_named(output, name) for name in names)
    if beside or output.resolve() in sources:
        raise DataRefused(f"{output} is one of the tables in {folder}: name another file to write.")


def write_tables(folder: Path, tables: Mapping[str, RawTable]) -> None:
    """Write each table to a CSV file, whole or not at all; old ones go first, so that old and new are never mixed."""
    if format_of(folder):
        raise DataRefused(f"{folder}: these are {len(tables)} tables; name a folder to write them into.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in (file for name in tables for file in _files(folder, name)):
            old.unlink()
    except OSError as error:
        raise DataRefused(f"{folder} cannot be written: {error.strerror or error}.") from error
    for name, columns in tables.items():
        write_table(folder / f"{name}.csv", columns)


def _read(folder: Path, table: SourceTable) -> RawTable:
    files = _files(folder, table.name)
    if len(files) != 1:
        found = f"it holds {' and '.join(file.name for file in files)}" if files else "it holds neither"
        raise DataRefused(f"{folder} needs one table {table.name}, as {table.name}.csv or .parquet; {found}.")
    try:
        raw, unreadable = read_table(Source(str(files[0])), {each.name: each.kind for each in fields_of(table.record)})
    except DataRefused as error:
        raise DataRefused(f"Table {table.name}: {error.message}") from error
    refuse_rows(table.name, unreadable)
    return raw


def _files(folder: Path, name: str) -> list[Path]:
    if not _is_folder(folder):
        return []
    try:
        return [file for file in sorted(folder.iterdir()) if _is_named(file, name)]
    except OSError as error:
        raise _unreadable(folder, error) from error


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise _unreadable(path, error) from error


def _is_named(file: Path, table: str) -> bool:
    return file.name.startswith(table) and file.name[len(table) :].lower() in SUFFIXES


def _unreadable(folder: Path, error: OSError) -> DataRefused:
    return DataRefused(f"{folder} cannot be read: {error.strerror or error}.")


def _listed(tables: SourceTables) -> str:
    *others, last = (table.name for table in tables.every)
    return f"the tables {', '.join(others)} and {last}"
