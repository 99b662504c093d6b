"""An address where records of a use case are scored: how its body is read and how its answer is written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from fraud_detection_api.errors import UseCaseInvalid


class BodyForm(StrEnum):
    """How a body is read."""

    RECORDS = "records"  # a list of records; the answer is a list in the same order
    RECORD = "record"  # one record; the answer is one object
    VECTOR = "vector"  # the numbers of one record in the order of the features


class AnswerForm(StrEnum):
    """An answer of the product's own."""

    SHORT = "short"  # identifier and score
    FULL = "full"  # with decision, warnings, model version, and reasons where they are asked for
    INLIER = "inlier"  # 1 or -1, and the anomaly score where it is asked for


Values = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True)
class Unknown:
    """What was not known of a record, by the names of its histories: nothing at all, or not as much as was asked for.

    Where histories could not be looked up, the record was scored as if nothing were known.
    """

    cold_start: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()
    is_degraded: bool = False


class RecordScore(NamedTuple):
    """What a model says of one record; numbers as numpy has them, so that their shortest text is written."""

    identifier: int | str | None
    score: np.float32
    flagged: bool
    threshold: np.float32
    anomaly_score: np.float64 | None
    model_version: str
    record: Callable[[], Values] = dict  # as it was sent
    features: Callable[[], Values] = dict  # as the model saw it
    unknown: Unknown = Unknown()


@dataclass(frozen=True)
class OwnAnswer:
    """An answer in a use case's own words: the class that documents it, and what fills it for one record."""

    model: type[BaseModel]
    write: Callable[[RecordScore], Mapping[str, object]]


@dataclass(frozen=True)
class Address:
    """A POST address of one use case."""

    path: str
    reads: BodyForm = BodyForm.RECORDS
    answer: AnswerForm | OwnAnswer = AnswerForm.SHORT
    summary: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(/[a-z][a-z0-9_]*)+", self.path):
            raise UseCaseInvalid(f"Address {self.path!r}: a path is /words of lower-case letters, digits, underscores.")
        if (self.reads is BodyForm.VECTOR) != (self.answer is AnswerForm.INLIER):
            raise UseCaseInvalid(f"Address {self.path}: a vector, and nothing else, is answered as an inlier or not.")


def vector_address(path: str) -> Address:
    """An address that takes the bare numbers of one record."""
    return Address(
        path,
        BodyForm.VECTOR,
        AnswerForm.INLIER,
        summary="Score a vector",
        description="A vector in, 1 for what is usual and -1 for an anomaly out, and the score if asked for.",
    )
