"""Scores as they are stored and read back: what /insert takes, what a page of them holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError

SAFE_NAME = "^[a-z][a-z0-9_]{0,62}$"
LEAST_ID, MOST_ID = -(2**63), 2**63 - 1
EXACT = 2**53  # below it a float names one whole number
MOST_SCORES_ON_A_PAGE = 10_000

FraudClass = Literal["fraud", "nonfraud"]
ScoreColumn = NDArray[np.int64] | NDArray[np.float64] | NDArray[np.object_]
FRAUD_CLASSES: tuple[FraudClass, ...] = get_args(FraudClass)


@dataclass(frozen=True)
class StoredScores:
    """Scores column by column, in any order; of an id that comes twice the last one counts."""

    ids: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    classes: Sequence[str]

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.probabilities) == len(self.classes):
            raise ValueError("columns of different lengths")

    def __len__(self) -> int:
        return len(self.ids)


def _whole_numbers(values: object) -> object:
    """23.0 is 23, as long as a float names one whole number."""
    if not isinstance(values, list) or float not in set(map(type, values)):
        return values
    return [
        int(each) if isinstance(each, float) and each.is_integer() and abs(each) < EXACT else each for each in values
    ]


def _read_already(values: object, read: ValidatorFunctionWrapHandler) -> object:
    """An array is made of values that were read piece by piece."""
    return values if isinstance(values, np.ndarray) else read(values)


def _one_or_many(**item: object) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item}]})


Id = Annotated[int, Field(ge=LEAST_ID, le=MOST_ID)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
# each list is read up to its first wrong value: a long list of wrong ones must not make a long list of errors
Ids = Annotated[
    list[Id],
    Field(fail_fast=True),
    BeforeValidator(_whole_numbers),
    WrapValidator(_read_already),
    _one_or_many(type="integer", format="int64"),
]
Probabilities = Annotated[
    list[Probability],
    Field(fail_fast=True),
    WrapValidator(_read_already),
    _one_or_many(type="number", minimum=0, maximum=1),
]
Classes = Annotated[
    list[FraudClass],
    Field(fail_fast=True),
    WrapValidator(_read_already),
    _one_or_many(type="string", enum=list(FRAUD_CLASSES)),
]


class Insertion(BaseModel):
    """One score, or lists of one length: row by row what belongs together."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "id": [1, 2, 3],
                    "outlier_prob": [0.93, 0.02, 0.5],
                    "class_pred": ["fraud", "nonfraud", "nonfraud"],
                    "project_name": "raizen_gasoline",
                    "table_name": "fraud",
                }
            ]
        },
    )

    id: Ids = Field(description="Whole numbers of 64 bits; an id that is there already is updated")
    outlier_prob: Probabilities = Field(description="From 0 to 1")
    class_pred: Classes
    project_name: str = Field(max_length=63, description="One of the projects that the settings allow")
    table_name: str = Field(description="Made on first use; a lower-case letter, then lower-case letters, digits and _")

    @field_validator("outlier_prob", "class_pred")
    @classmethod
    def as_many_as_ids(cls, values: list[object], info: ValidationInfo) -> list[object]:
        """Every column has as many values as id."""
        rows = len(info.data.get("id", values))
        if len(values) != rows:
            words = "Input should have as many values as id, {rows} and not {values}"
            raise PydanticCustomError("unequal_lengths", words, {"rows": rows, "values": len(values)})
        return values

    @property
    def scores(self) -> StoredScores:
        """The columns as they are stored."""
        probabilities = np.asarray(self.outlier_prob, np.float64)
        probabilities += 0.0  # -0.0 is 0.0
        return StoredScores(np.asarray(self.id, np.int64), probabilities, self.class_pred)


@dataclass(frozen=True)
class StoredScore:
    """One score as it was stored."""

    id: int
    outlier_prob: Annotated[float, Field(ge=0, le=1, examples=[0.93])]
    class_pred: FraudClass
    inserted_at: Annotated[datetime, Field(description="When it was written last, in UTC")]


@dataclass(frozen=True)
class ScoresPage:
    """Scores in the order of their ids."""

    scores: list[StoredScore]
    next: Annotated[
        int | None, Field(description="What to send as `after` for the page that follows; null on the last page")
    ]


class ScoresQuery(BaseModel):
    """Which scores of a table are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    class_pred: FraudClass | None = None
    min_prob: float | None = Field(default=None, ge=0, le=1, description="Scores of at least this probability only")
    after: int | None = Field(default=None, ge=LEAST_ID, le=MOST_ID, description="`next` of the page before")
    limit: int = Field(default=100, ge=1, le=MOST_SCORES_ON_A_PAGE, description="How many scores a page holds")
