"""Scoring: the one line from a request body, or from records, to the bytes of an answer."""

from collections.abc import Callable
from dataclasses import dataclass

from fraud_detection_api.errors import TooManyRecords
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.rows import RowsDoor
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.schemas.reasons import ReasonsAsked
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import reasoned_answer
from fraud_detection_api.services.reasons import Reasons
from fraud_detection_api.services.served_models import ServedModel

AnswerWriter = Callable[[str, Columns, Scorer], bytes]


@dataclass(frozen=True)
class Answer:
    """The bytes of an answer and the version of the model that gave it."""

    content: bytes
    model_version: str


class Scoring:
    """Scores the records of one use case and writes one form of answer."""

    def __init__(
        self,
        use_case: UseCase,
        model: ServedModel,
        write: AnswerWriter,
        max_records: int,
        reasons: Reasons | None = None,
    ) -> None:
        self.use_case = use_case
        self._model = model
        self._write = write
        self._max_records = max_records
        self._reasons = reasons
        self._door = RowsDoor(use_case)
        self._check = RecordCheck(use_case)

    @property
    def gives_reasons(self) -> bool:
        """Whether this form of answer can hold reasons."""
        return self._reasons is not None

    def answer_body(self, body: bytes, asked: ReasonsAsked | None = None) -> Answer | None:
        """The answer to a plain and faultless body; None where Pydantic has to look at it."""
        columns = self._door.read(body, self._max_records)
        if columns is None or self._check.problems(columns):
            return None
        return self._answer(columns, asked)

    def answer_records(self, records: list[Record], asked: ReasonsAsked | None = None) -> Answer:
        """The answer to records that Pydantic has accepted; refuses broken rules and too many records."""
        self.refuse_too_many(records)
        columns = self._door.columns(records)
        self._check.refuse(columns)
        return self._answer(columns, asked)

    def refuse_too_many(self, records: object) -> None:
        """Count what may be a list of records before each of them is looked at."""
        if isinstance(records, list) and len(records) > self._max_records:
            raise TooManyRecords(self._max_records)

    def _answer(self, columns: Columns, asked: ReasonsAsked | None) -> Answer:
        scorer, identifier = self._model.current(), self.use_case.identifier
        if asked and self._reasons:
            content = reasoned_answer(identifier, columns, scorer, self._reasons, asked)
        else:
            content = self._write(identifier, columns, scorer)
        return Answer(content, scorer.version)
