"""Request bodies become columns: a plain one in C, at once; every other one by Pydantic, in pieces."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Annotated, Protocol

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic_core import PydanticCustomError

from fraud_detection_api.errors import RecordsRefused
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.json_values import Content
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.features.validated import Slot, Validated, ValidatedRecords
from fraud_detection_api.schemas.address import BodyForm
from fraud_detection_api.schemas.reasons import Question
from fraud_detection_api.schemas.record import Kind, RecordField
from fraud_detection_api.schemas.use_case import UseCase


class BodyReader(Protocol):
    """Reads one form of body; what its question is may stand in the body, too."""

    def plain(self, body: Content) -> Columns | None:
        """The columns of a plain and faultless body; None where Pydantic has to look at it."""

    def validated(self, body: Content, question: Question, slot: Slot = nullcontext) -> tuple[Columns, Question]:
        """The columns of any body; refuses what is wrong. A long one takes a slot for each piece."""


class ListBody:
    """A list of records."""

    def __init__(self, use_case: UseCase, most_records: int) -> None:
        self._most = most_records
        self._reader = RecordReader(use_case)
        self._check = RecordCheck(use_case)
        self._records = ValidatedRecords(use_case, most_records)

    def plain(self, body: Content) -> Columns | None:
        """The columns of a plain and faultless body."""
        columns = self._reader.read(body, self._most)
        return None if columns is None or self._check.first_problems(columns) else columns

    def validated(self, body: Content, question: Question, slot: Slot = nullcontext) -> tuple[Columns, Question]:
        """The columns of any list; counted before it is parsed."""
        columns = self._records.read(body, slot)
        self._check.refuse(columns)
        return columns, question


class RecordBody:
    """One record."""

    def __init__(self, use_case: UseCase) -> None:
        self._reader = RecordReader(use_case)
        self._check = RecordCheck(use_case)
        self._record = Validated(use_case.record)

    def plain(self, body: Content) -> Columns | None:
        """The columns of one plain and faultless record."""
        columns = self._reader.read(b"[%b]" % bytes(body), 1) if body.strip() else None
        return None if columns is None or self._check.problems(columns) else columns

    def validated(self, body: Content, question: Question, slot: Slot = nullcontext) -> tuple[Columns, Question]:
        """The columns of any one record."""
        with slot(), _alone():
            columns = self._reader.columns([self._record.only(body)])
            self._check.refuse(columns)
        return columns, question


class VectorOfFeatures(BaseModel):
    """A vector in the order of the fields, and whether its score is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    feature_vector: tuple[float, ...]
    score: bool = Field(default=False, description="Answer the anomaly score, too")


class VectorBody:
    """The bare numbers of one record."""

    def __init__(self, use_case: UseCase) -> None:
        self._check = RecordCheck(use_case)
        self._vector = Validated(vector_of(use_case))

    def plain(self, body: Content) -> Columns | None:  # noqa: ARG002
        """None: a vector is no record."""
        return None

    def validated(self, body: Content, question: Question, slot: Slot = nullcontext) -> tuple[Columns, Question]:
        """The columns of a vector; it does not say who it is about."""
        with slot(), _alone():
            asked = self._vector.only(body)
            columns = Columns([], np.array(asked.feature_vector, dtype=np.float64).reshape(-1, 1))
            self._check.refuse(columns)
        return columns, replace(question, anomaly_score=asked.score)


def reader_of(body: BodyForm, use_case: UseCase, most_records: int) -> BodyReader:
    """What reads such bodies of this use case."""
    match body:
        case BodyForm.RECORDS:
            return ListBody(use_case, most_records)
        case BodyForm.RECORD:
            return RecordBody(use_case)
        case BodyForm.VECTOR:
            return VectorBody(use_case)


def vector_of(use_case: UseCase) -> type[VectorOfFeatures]:
    """A vector of this use case's length, each number within its field's bounds."""
    numbers = tuple(_number_of(field) for field in use_case.inputs)
    in_order = f"In this order: {', '.join(field.name for field in use_case.inputs)}"
    vector = Field(strict=False, description=in_order, json_schema_extra={"items": {"type": "number"}})
    found: type[VectorOfFeatures] = create_model(
        f"{use_case.record.__name__}Vector",
        __base__=VectorOfFeatures,
        feature_vector=(Annotated[tuple[numbers], vector], ...),  # type: ignore[arg-type, valid-type]  # known at run time
    )
    return found


def _number_of(field: RecordField) -> object:
    """A place of the vector: bounds as in the record, no halves of what is counted or true."""
    low, high = (0, 1) if field.kind is Kind.BOOLEAN else (field.low, field.high)
    bounded = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=low, le=high)]
    whole = Annotated[bounded, AfterValidator(_whole), Field(json_schema_extra={"multipleOf": 1})]
    return bounded if field.kind is Kind.NUMBER else whole


def _whole(value: float) -> float:
    if not value.is_integer():
        raise PydanticCustomError("int_from_float", "Input should be a whole number")
    return value


@contextmanager
def _alone() -> Iterator[None]:
    """What is wrong with a record that stands in no list is told without its row."""
    try:
        yield
    except RecordsRefused as error:
        raise RecordsRefused(error.problems, alone=True) from None
