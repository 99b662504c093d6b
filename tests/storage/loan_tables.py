"""The same rows in every form that a table may come in."""

import csv
import io
import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from tests.examples import Row, Value

ARROW_TYPES = {
    Kind.INTEGER: pa.float64(),
    Kind.NUMBER: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.CATEGORY: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.timestamp("ns", "Europe/Berlin"),
}


def wanted_of(use_case: UseCase) -> dict[str, Kind]:
    """Every field of a use case."""
    return {field.name: field.kind for field in use_case.fields}


def csv_of(rows: Sequence[Row], names: Sequence[str], line_end: str = "\n") -> bytes:
    """The rows as any other program would write them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(names)
    writer.writerows([["" if row[name] is None else row[name] for name in names] for row in rows])
    return text.getvalue().encode()


def write_parquet(path: Path, rows: Sequence[Row], use_case: UseCase) -> None:
    """The rows with the types that a data frame has: whole numbers are floats as soon as one is missing."""
    columns = {}
    for field in use_case.fields:
        values = [row[field.name] for row in rows]
        whole = field.kind is Kind.INTEGER and all(isinstance(value, int) for value in values)
        typed = [_typed(value, field.kind) for value in values]
        columns[field.name] = pa.array(typed, pa.int64() if whole else ARROW_TYPES[field.kind])
    parquet.write_table(pa.table(columns), path)


def _typed(value: Value, kind: Kind) -> Value | date:
    if value is None or kind not in (Kind.DATE, Kind.TIME):
        return value
    return date.fromisoformat(str(value)) if kind is Kind.DATE else datetime.fromisoformat(str(value))


def write_sqlite(path: Path, rows: Sequence[Row], names: Sequence[str], table: str = "records") -> None:
    """The rows in a table without types, as SQLite allows."""
    with sqlite3.connect(path) as connection:
        columns = ", ".join(f'"{name}"' for name in names)
        connection.execute(f'CREATE TABLE "{table}" ({columns})')
        places = ", ".join("?" for _ in names)
        insert = f'INSERT INTO "{table}" VALUES ({places})'  # noqa: S608 - the tests' own names
        connection.executemany(insert, [[row[name] for name in names] for row in rows])
    connection.close()
