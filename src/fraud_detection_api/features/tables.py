"""The table reader: raw columns of a file or a database become the same columns as JSON records do."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns, Numbers, Texts
from fraud_detection_api.features.rows import as_number
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind, RecordField
from fraud_detection_api.schemas.times import NO_DATE, NO_TIME, as_numbers, iso_date, iso_time
from fraud_detection_api.schemas.use_case import UseCase

RawColumn = NDArray[np.generic] | NDArray[np.object_]
RawTable = Mapping[str, RawColumn]

# What a column of each kind of field may be: numpy's dtype kinds.
_FITTING = {
    Kind.INTEGER: "iuf",
    Kind.NUMBER: "iuf",
    Kind.BOOLEAN: "bf",
    Kind.CATEGORY: "O",
    Kind.DATE: "OM",
    Kind.TIME: "OM",
}
UNITS = {Kind.DATE: "D", Kind.TIME: "ms"}


def columns_of_table(raw: RawTable, use_case: UseCase) -> tuple[Columns, list[Problem]]:
    """The columns of a raw table, and what in its cells is not of the declared type."""
    absent = [field.name for field in use_case.fields if field.name not in raw and not field.optional]
    if absent:
        raise DataRefused(f"The table has no column {', '.join(absent)}; it has: {', '.join(raw)}.")
    size = len(next(iter(raw.values())))
    numbers = np.zeros((len(use_case.inputs), size))
    texts: dict[str, Texts] = {}
    problems: list[Problem] = []
    for index, field in enumerate(use_case.inputs):
        column = _fitting(raw.get(field.name, np.full(size, np.nan)), field)
        if field.kind is Kind.CATEGORY:
            texts[field.name] = _texts(column)
            problems += _missing_texts(texts[field.name], field)
        else:
            numbers[index], found = _numbers(column, field)
            problems += found
    key = use_case.identifier_field
    if key is None:
        return Columns(np.arange(size), numbers, texts), problems
    identifiers, found = _identifiers(raw[key.name], key)
    return Columns(identifiers, numbers, texts), problems + found


def _fitting(column: RawColumn, field: RecordField) -> RawColumn:
    if column.dtype.kind in _FITTING[field.kind]:
        return column
    if column.dtype.kind == "f" and np.isnan(column.astype(np.float64)).all():
        return np.full(len(column), None, dtype=object)
    raise DataRefused(f"Column {field.name} holds {column.dtype}, but the record says {field.kind}.")


def _numbers(column: RawColumn, field: RecordField) -> tuple[Numbers, list[Problem]]:
    if field.kind in UNITS:
        return _moments(column, field)
    values = column.astype(np.float64)
    if field.kind is Kind.INTEGER:
        values += 0.0  # as in the record reader, an integer has no negative zero
        wrong = np.isfinite(values) & (values != np.floor(values))
        message = "Input should be a valid integer, got a number with a fractional part"
    elif field.kind is Kind.BOOLEAN:
        wrong = ~np.isnan(values) & (values != 0) & (values != 1)
        message = "Input should be a valid boolean"
    else:
        return values, []
    return values, [Problem(int(row), field.name, message, float(values[row])) for row in np.flatnonzero(wrong)]


def _moments(column: RawColumn, field: RecordField) -> tuple[Numbers, list[Problem]]:
    """Days or milliseconds; a table's time without a zone is one in UTC."""
    if column.dtype.kind == "M":
        return as_numbers(column.astype("datetime64[us]"), UNITS[field.kind]), []
    texts = _texts(column)
    known = {text: _moment(text, field.kind) for text in set(texts)}
    wrong = [row for row, text in enumerate(texts) if known[text] is None]
    words = NO_DATE if field.kind is Kind.DATE else NO_TIME
    numbers = np.array([known[text] for text in texts], dtype=np.float64)
    return numbers, [Problem(row, field.name, words, texts[row]) for row in wrong]


def _moment(text: str | None, kind: Kind) -> float | None:
    if text is None:
        return float("nan")
    moment = iso_date(text) if kind is Kind.DATE else iso_time(text)
    if isinstance(moment, datetime) and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return None if isinstance(moment, str) else as_number(moment)


def _texts(column: RawColumn) -> Texts:
    return [value if isinstance(value, str) else None for value in column.tolist()]


def _missing_texts(texts: Texts, field: RecordField) -> list[Problem]:
    if field.optional:
        return []
    missing = [row for row, text in enumerate(texts) if text is None]
    return [Problem(row, field.name, "A value is required", None, "missing") for row in missing]


def _identifiers(column: RawColumn, field: RecordField) -> tuple[NDArray[np.int64] | list[str], list[Problem]]:
    if field.kind is Kind.CATEGORY and column.dtype.kind == "O":
        texts = _texts(column)
        return [text or "" for text in texts], _missing_texts(texts, field)
    if field.kind is Kind.INTEGER and column.dtype.kind == "i":
        return column.astype(np.int64), []
    if field.kind is Kind.INTEGER and column.dtype.kind == "f":
        return _whole_identifiers(column.astype(np.float64), field)
    raise DataRefused(f"Column {field.name} holds {column.dtype}, but identifies records as {field.kind}.")


def _whole_identifiers(values: Numbers, field: RecordField) -> tuple[NDArray[np.int64], list[Problem]]:
    fits = (np.abs(values) <= 2.0**53) & (values == np.floor(values))  # beyond, a float has lost the last digits
    problems = [
        Problem(int(row), field.name, "A value is required", None, "missing")
        if np.isnan(values[row])
        else Problem(
            int(row), field.name, "Input should be a whole number that a float holds exactly", float(values[row])
        )
        for row in np.flatnonzero(~fits)
    ]
    return np.where(fits, values, 0).astype(np.int64), problems
