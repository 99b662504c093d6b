"""The three ways in: the quick reader, Pydantic, and the columns of a table; each accepts or says where it refuses."""

import json
from importlib.util import find_spec

import numpy as np
from pydantic import TypeAdapter, ValidationError

from fraud_detection_api.errors import DataRefused, RecordsRefused
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.schemas.use_case import UseCase
from tests.examples import Row, raw_table

Places = set[tuple[int, str]]
Accepted = tuple[list[object], bytes, dict[str, list[str | None]]]


HAS_QUICK_WAY = find_spec("fraud_detection_api.features._json_rows") is not None


def quickly(body: bytes, use_case: UseCase) -> Accepted | None:
    """What the quick reader makes of a body, or None where it leaves it to Pydantic."""
    columns = RecordReader(use_case).read(body, 1_000)
    if columns is None or RecordCheck(use_case).problems(columns):
        return None
    return as_values(columns)


def by_pydantic(body: bytes, use_case: UseCase) -> Accepted | Places:
    """What the record class makes of a body."""
    try:
        adapter = TypeAdapter(list[use_case.record])  # type: ignore[name-defined]  # known at run time
        columns = RecordReader(use_case).columns(adapter.validate_python(json.loads(body)))
    except ValidationError as error:
        return {(int(each["loc"][0]), str(each["loc"][-1])) for each in error.errors()}
    except RecordsRefused as error:
        return {(problem.row, problem.field) for problem in error.problems}
    return _checked(columns, use_case, set())


def by_table(rows: list[Row], use_case: UseCase) -> Accepted | Places:
    """What the table reader makes of the same rows in a table; a column of another type is refused whole."""
    try:
        columns, problems = columns_of_table(raw_table(rows, use_case), use_case)
    except DataRefused as error:
        names = [field.name for field in use_case.fields if f"Column {field.name} holds" in error.message]
        return {(row, name) for name in names for row in range(len(rows))}
    return _checked(columns, use_case, {(problem.row, problem.field) for problem in problems})


def _checked(columns: Columns, use_case: UseCase, refused: Places) -> Accepted | Places:
    refused |= {(problem.row, problem.field) for problem in RecordCheck(use_case).problems(columns)}
    return refused or as_values(columns)


def as_values(columns: Columns) -> Accepted:
    """Columns as values that compare, numbers to the bit."""
    return list(columns.identifiers), np.ascontiguousarray(columns.numbers).tobytes(), columns.texts
