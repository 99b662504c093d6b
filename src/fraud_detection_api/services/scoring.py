"""Scoring: the one line from a request body, or from records, to the bytes of an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from fraud_detection_api.errors import RecordsRefused, TooManyRecords
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.schemas.reasons import ReasonsAsked
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import Scored, reasoned_answer
from fraud_detection_api.services.reasons import Reasons
from fraud_detection_api.services.served_models import ServedModel
from fraud_detection_api.services.single_answers import inlier_answer, scored_inlier_answer

AnswerWriter = Callable[[Scored], bytes]


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
        self.keep: Callable[[Scored], None] | None = None  # hears of every answer before it is given
        self._model = model
        self._write = write
        self._max_records = max_records
        self._reasons = reasons
        self._reader = RecordReader(use_case)
        self._check = RecordCheck(use_case)

    @property
    def is_quick(self) -> bool:
        """Whether the model that is served now scores hundreds of records in a fraction of a millisecond."""
        scorer = self._model.scorer
        return scorer is None or scorer.runtime.is_quick

    @property
    def gives_reasons(self) -> bool:
        """Whether this form of answer can hold reasons."""
        return self._reasons is not None

    def answer_body(self, body: bytes, asked: ReasonsAsked | None = None) -> Answer | None:
        """The answer to a plain and faultless body; None where Pydantic has to look at it."""
        columns = self._reader.read(body, self._max_records)
        if columns is None or self._check.problems(columns):
            return None
        return self._answer(columns, self._writer(asked))

    def answer_records(self, records: list[Record], asked: ReasonsAsked | None = None) -> Answer:
        """The answer to records that Pydantic has accepted; refuses broken rules and too many records."""
        self.refuse_too_many(records)
        columns = self._reader.columns(records)
        self._check.refuse(columns)
        return self._answer(columns, self._writer(asked))

    def refuse_too_many(self, records: object) -> None:
        """Count what may be a list of records before each of them is looked at."""
        if isinstance(records, list) and len(records) > self._max_records:
            raise TooManyRecords(self._max_records)

    def _writer(self, asked: ReasonsAsked | None) -> AnswerWriter:
        if asked is None or self._reasons is None:
            return self._write
        return partial(reasoned_answer, reasons=self._reasons, asked=asked)

    def _answer(self, columns: Columns, write: AnswerWriter) -> Answer:
        scorer = self._model.current()
        scored = Scored(self.use_case, columns, scorer, scorer.scores(columns))
        content = write(scored)
        if self.keep:
            self.keep(scored)
        return Answer(content, scorer.version)


class SingleScoring(Scoring):
    """Scores one record that stands alone in the body; the answer is one object, too."""

    def __init__(self, use_case: UseCase, model: ServedModel, write: AnswerWriter) -> None:
        super().__init__(use_case, model, write, max_records=1)

    def answer_body(self, body: bytes, asked: ReasonsAsked | None = None) -> Answer | None:
        """The answer to a plain and faultless body; None where Pydantic has to look at it."""
        return super().answer_body(b"[%b]" % body, asked) if body.strip() else None

    def answer_record(self, record: Record) -> Answer:
        """The answer to a record that Pydantic has accepted; refuses broken rules."""
        try:
            return self.answer_records([record])
        except RecordsRefused as error:
            raise RecordsRefused(error.problems, alone=True) from None


class VectorScoring(Scoring):
    """Scores one record that is sent as a bare vector of its features; FastAPI reads all of these bodies."""

    def __init__(self, use_case: UseCase, model: ServedModel) -> None:
        super().__init__(use_case, model, inlier_answer, max_records=1)

    def answer_body(self, body: bytes, asked: ReasonsAsked | None = None) -> Answer | None:  # noqa: ARG002
        """None: a vector is no record."""
        return None

    def answer_vector(self, vector: Sequence[float], *, with_score: bool) -> Answer:
        """The answer to a vector that Pydantic has accepted, in the order of the features."""
        columns = Columns([], np.array(vector, dtype=np.float64).reshape(-1, 1))  # it does not say who it is about
        try:
            self._check.refuse(columns)
        except RecordsRefused as error:
            raise RecordsRefused(error.problems, alone=True) from None
        return self._answer(columns, scored_inlier_answer if with_score else inlier_answer)
