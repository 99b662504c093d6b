"""The answer log: what is written down of an answer, use case by use case, and how it is read back."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fraud_detection_api.schemas.answers import Reason

MOST_ANSWERS_ON_A_PAGE = 1_000
PLACE = r"^\d{1,18}\.[0-9a-z-]{1,40}\.\d{1,9}$"


class AnswerLogMode(StrEnum):
    """How much of an answer is kept: nothing, the scores, the records, too, or the reasons of flagged ones as well."""

    OFF = "off"
    SCORES = "scores"
    FULL = "full"
    FULL_REASONS = "full+reasons"

    @property
    def keeps_records(self) -> bool:
        """Whether records are kept, so that no answer is given without."""
        return self in (AnswerLogMode.FULL, AnswerLogMode.FULL_REASONS)


class AnswerPlace(NamedTuple):
    """Where an answer stands in the log: in the order in which answers were written to it."""

    number: int
    entry_id: str
    position: int

    @classmethod
    def read(cls, text: str) -> "AnswerPlace":
        """The place that an answer's `id` names."""
        number, entry_id, position = text.split(".")
        return cls(int(number), entry_id, int(position))

    def __str__(self) -> str:
        return f"{self.number}.{self.entry_id}.{self.position}"


Place = Annotated[str, Field(pattern=PLACE, examples=["42.0193a5c1e2f7a1b2c3d4e5f6-0000002a.0"])]


class AnswersQuery(BaseModel):
    """Which answers of a use case are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Place | None = Field(default=None, description="Only answers after this one: its `id`, or `next` of a page")
    limit: int = Field(default=100, ge=1, le=MOST_ANSWERS_ON_A_PAGE, description="How many answers a page holds")
    decision: Literal["flagged", "passed"] | None = None
    since: AwareDatetime | None = Field(default=None, alias="from", description="Answered at this moment or later")
    until: AwareDatetime | None = Field(default=None, alias="to", description="Answered before this moment")
    key: str | None = Field(default=None, max_length=10_000, description="The record's identifier")
    model_version: str | None = Field(default=None, max_length=255)


class LoggedKey(BaseModel):
    """What was known of one of a record's keys."""

    flags: int = Field(description="1 truncated, 2 nothing known, 4 the record had been here before, 8 degraded")
    received: int = Field(description="When the record arrived at the key, in milliseconds since 1970")


class LoggedHistories(BaseModel):
    """What histories said of a record: the features that the model saw, and of each key what was known."""

    features: dict[str, float | None]
    keys: dict[str, LoggedKey]


class LoggedAnswer(BaseModel):
    """What was answered for one record."""

    id: Place
    key: str = Field(description="The record's identifier; without one, the request's id and the place in it")
    score: float = Field(description="The fraud probability or anomaly percentile, as it was answered", examples=[0.93])
    anomaly_score: float | None = Field(description="What lies behind a percentile")
    decision: Literal["flagged", "passed"]
    model_version: str
    answered_at: datetime = Field(description="In UTC")
    address: str = Field(description="Where it was asked", examples=["/fraud_detection"])
    request_id: str | None = Field(description="The `X-Request-ID` of the answer")
    record: dict[str, str | int | float | bool | None] | None = Field(description="Kept on `full`")
    reasons: list[Reason] | None = Field(description="Kept of flagged records on `full+reasons`")
    histories: LoggedHistories | None = Field(description="Kept on `full` where a use case has histories")


class AnswerPage(BaseModel):
    """Answers in the order in which they were written to the log."""

    answers: list[LoggedAnswer]
    next: Place | None = Field(description="What to send as `after` for the page that follows; null on the last page")
