"""The record reader: JSON bodies or records become columns."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import RecordsRefused
from fraud_detection_api.features.columns import Columns, Texts
from fraud_detection_api.features.json_values import Content
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind, Record, RecordField
from fraud_detection_api.schemas.times import day_number, time_number
from fraud_detection_api.schemas.use_case import UseCase

if TYPE_CHECKING:
    from fraud_detection_api.features._json_rows import Reader


class RecordReader:
    """Turns request bodies into columns; what it declines is for Pydantic to accept or to word the refusal."""

    def __init__(self, use_case: UseCase) -> None:
        self._use_case = use_case
        self._reader = _quick_reader(use_case)
        self._text_names = [field.name for field in use_case.fields if field.kind is Kind.CATEGORY]

    def read(self, body: Content, most_records: int) -> Columns | None:
        """The columns of a plain body, or None where Pydantic has to look at it."""
        found = self._reader.read(body, most_records) if self._reader else None
        if found is None:
            return None
        size, numbers, identifiers, listed = found
        texts = dict(zip(self._text_names, listed, strict=True))
        keys = self._keys(texts, identifiers, size)
        return Columns(keys, np.frombuffer(numbers).reshape(len(self._use_case.inputs), size), texts)

    def columns(self, records: Sequence[Record]) -> Columns:
        """The columns of records that Pydantic has accepted."""
        numbers = np.zeros((len(self._use_case.inputs), len(records)))
        texts: dict[str, Texts] = {}
        for index, field in enumerate(self._use_case.inputs):
            values = [getattr(record, field.attribute) for record in records]
            if field.kind is Kind.CATEGORY:
                texts[field.name] = values
            else:
                numbers[index] = [as_number(value) for value in values]
        return Columns(self._identifiers(records), numbers, texts)

    def _keys(self, texts: dict[str, Texts], identifiers: bytes, size: int) -> NDArray[np.int64] | list[str]:
        field = self._use_case.identifier_field
        if field is None:
            return np.arange(size)
        if field.kind is Kind.CATEGORY:
            return [text or "" for text in texts.pop(field.name)]
        return np.frombuffer(identifiers, dtype=np.int64)

    def _identifiers(self, records: Sequence[Record]) -> NDArray[np.int64] | list[str]:
        field = self._use_case.identifier_field
        if field is None:
            return np.arange(len(records))
        keys = [getattr(record, field.attribute) for record in records]
        if field.kind is Kind.CATEGORY:
            return keys
        outside = [row for row, key in enumerate(keys) if not -(2**63) <= key < 2**63]
        if outside:
            message = "Input should fit into 64 bits"
            raise RecordsRefused([Problem(row, field.name, message, str(keys[row])) for row in outside])
        return np.array(keys, dtype=np.int64)


def as_number(value: float | bool | date | datetime | None) -> float:
    """What a field's value is in a column: NaN for nothing, days since 1970 for a date, milliseconds for a time."""
    if value is None:
        return float("nan")
    if isinstance(value, datetime):
        return float(time_number(value))
    if isinstance(value, date):
        return float(day_number(value))
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _quick_reader(use_case: UseCase) -> "Reader | None":
    try:
        from fraud_detection_api.features._json_rows import Reader

        return Reader([_wire_field(field, use_case) for field in use_case.fields])
    except (ImportError, ValueError):  # no compiler, or too many fields: every body takes the way through Pydantic
        return None


def _wire_field(field: RecordField, use_case: UseCase) -> tuple[str, str, bool]:
    if field.kind is Kind.CATEGORY:
        return field.name, "text identifier" if field.name == use_case.identifier else "text", field.optional
    return field.name, "identifier" if field.name == use_case.identifier else str(field.kind), field.optional
