"""Scores as they are stored and read back: what /insert takes, what a page of them holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

SAFE_NAME = "^[a-z][a-z0-9_]{0,62}$"
LEAST_ID, MOST_ID = -(2**63), 2**63 - 1
MOST_ON_A_PAGE = 10_000

FraudClass = Literal["fraud", "nonfraud"]
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


class Insertion(BaseModel):
    """One score, or lists of one length: row by row what belongs together."""

    model_config = ConfigDict(
        extra="forbid",
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

    id: int | list[int] = Field(description="Whole numbers of 64 bits; an id that is there already is updated")
    outlier_prob: float | list[float] = Field(description="From 0 to 1")
    class_pred: FraudClass | list[FraudClass]
    project_name: str = Field(description="One of the projects that the settings allow", pattern=SAFE_NAME)
    table_name: str = Field(description="Made on first use", pattern=SAFE_NAME)


class StoredScore(BaseModel):
    """One score as it was stored."""

    id: int
    outlier_prob: float = Field(ge=0, le=1, examples=[0.93])
    class_pred: FraudClass
    inserted_at: datetime = Field(description="When it was written last, in UTC")


class ScoresPage(BaseModel):
    """Scores in the order of their ids."""

    scores: list[StoredScore]
    next: int | None = Field(description="What to send as `after` for the page that follows; null on the last page")


class PageAsked(BaseModel):
    """Which scores of a table are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    class_pred: FraudClass | None = None
    min_prob: float | None = Field(default=None, ge=0, le=1, description="Scores of at least this probability only")
    after: int | None = Field(default=None, ge=LEAST_ID, le=MOST_ID, description="`next` of the page before")
    limit: int = Field(default=100, ge=1, le=MOST_ON_A_PAGE, description="How many scores a page holds")


@dataclass(frozen=True)
class PageRow:
    """One stored score, ready to be written as an answer."""

    id: int
    outlier_prob: float
    class_pred: str
    inserted_at: datetime
