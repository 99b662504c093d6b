"""Scoring in stages: read a body, derive what the model sees, score it, write the answer; observers hear of each."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.json_values import Content
from fraud_detection_api.features.validated import Slot
from fraud_detection_api.schemas.reasons import JUST_SCORES, Question
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import AnswerWriter, LongAnswer, Observer, Scored
from fraud_detection_api.services.body_readers import BodyReader
from fraud_detection_api.services.served_models import ServedModel

Found = TypeVar("Found")


class Run(Protocol):
    """Where a stage of scoring runs."""

    async def __call__(self, work: Callable[[], Found], /) -> Found:
        """What the work gives."""


Recall = Callable[[Columns, Question, Run], Awaitable[Columns]]


@dataclass(frozen=True)
class Answer:
    """The bytes of an answer and the version of the model that gave it."""

    content: bytes | LongAnswer
    model_version: str


@dataclass(frozen=True)
class Scoring:
    """What one address does with a body; whoever observes hears of each answer before it is given."""

    use_case: UseCase
    model: ServedModel
    reader: BodyReader
    write: AnswerWriter
    observers: tuple[Observer, ...] = ()
    recall: Recall | None = None  # what has to be waited for before deriving: it runs on the event loop

    @property
    def is_quick(self) -> bool:
        """Whether the model that is served now scores hundreds of records in a fraction of a millisecond."""
        scorer = self.model.scorer
        return scorer is None or scorer.runtime.is_quick

    def answer_plain(self, body: Content, question: Question = JUST_SCORES) -> Answer | None:
        """The answer to a plain and faultless body; None where Pydantic has to look at it."""
        columns = self.reader.plain(body)
        return None if columns is None else self.finish(columns, question)

    def answer_any(self, body: Content, question: Question = JUST_SCORES, slot: Slot = nullcontext) -> Answer:
        """The answer to a body that Pydantic looks at; refuses what is wrong with it."""
        return self.finish(*self.reader.validated(body, question, slot))

    async def recalled(self, columns: Columns, question: Question, run: Run) -> Columns:
        """The records with their histories; nothing is remembered that no model could score."""
        if self.recall is None:
            return columns
        self.model.current()
        return await self.recall(columns, question, run)

    def finish(self, columns: Columns, question: Question) -> Answer:
        """The stages after reading."""
        features = derive(columns, self.use_case)
        scorer = self.model.current()
        scored = Scored(self.use_case, features, scorer, scorer.scores(features))
        content = self.write(scored, question)
        for hear in () if question.dry_run else self.observers:
            hear(scored)
        return Answer(content, scorer.version)
