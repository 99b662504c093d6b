"""The fast path: a scoring address without FastAPI's routing, which costs more than the rest of a small request.

FastAPI knows these addresses all the same, and documents them (`routes/addresses.py`).
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Message, Scope

from fraud_detection_api.errors import InputRefused
from fraud_detection_api.features.validated import misfits_of
from fraud_detection_api.routes.admission import JSON_HEADER, Body, InFlightLimit
from fraud_detection_api.schemas.reasons import JUST_SCORES, MOST_REASONS, Question, ReasonsFor, reasons_query
from fraud_detection_api.services.fair_queue import FairQueue, awaited
from fraud_detection_api.services.scoring import Answer, Run, Scoring

INLINE_BYTES = 32_768  # about 250 records, 0.2 ms: handing over to a thread costs more below, stalls others above
SLOW_INLINE_BYTES = 1_024  # a record or a few of a model that takes its time, such as a support vector machine

Found = TypeVar("Found")


class NoParameters(BaseModel):
    """An address that knows no query."""

    model_config = ConfigDict(extra="forbid")

    def question(self) -> Question:
        """Scores and nothing else."""
        return JUST_SCORES


class ReasonsParameters(NoParameters):
    """What a query may ask for where the answer can hold reasons."""

    reasons: int = Field(default=0, ge=0, le=MOST_REASONS, description="Give up to so many reasons for a score")
    reasons_for: ReasonsFor = Field(
        default=ReasonsFor.FLAGGED, description="Give reasons for flagged records only, or for all"
    )

    def question(self) -> Question:
        """The reasons that are asked for, if any."""
        return Question(reasons_query(self.reasons, self.reasons_for))


class HistoryParameters(NoParameters):
    """What a query may ask for where records have histories."""

    dry_run: bool = Field(default=False, description="Read the histories, and leave no trace of the records in them")

    def question(self) -> Question:
        """Whether it is a trial."""
        return replace(super().question(), dry_run=self.dry_run)


class HistoryReasonsParameters(HistoryParameters, ReasonsParameters):
    """What a query may ask for where records have histories and the answer can hold reasons."""


@dataclass(frozen=True)
class Threads:
    """Where work goes that would hold the event loop; shared by all addresses of a worker."""

    quick: ThreadPoolExecutor
    patient: ThreadPoolExecutor  # two, for work that takes its time in slots: a short one need not wait for a long one
    queue: FairQueue
    in_flight: InFlightLimit  # for requests with reasons, most of them waiting for their slot


class FastPath:
    """Answers what is posted to one address."""

    def __init__(self, scoring: Scoring, query: type[NoParameters], threads: Threads) -> None:
        self._scoring = scoring
        self._query = query
        self._threads = threads

    async def __call__(self, scope: Scope, body: Body) -> Iterable[Message]:
        question = question_in(scope["query_string"], self._query) if scope["query_string"] else JUST_SCORES
        if question.reasons:
            with self._threads.in_flight:
                return messages_of(await self._apart(body, question))
        self._threads.queue.note_plain_request()
        scoring = self._scoring
        if len(body) > (INLINE_BYTES if scoring.is_quick else SLOW_INLINE_BYTES):
            return messages_of(await self._apart(body, question))
        if scoring.recall:
            return messages_of(await self._recalled(body, question))
        return messages_of(scoring.answer_plain(body, question) or scoring.answer_any(body, question))

    async def _apart(self, body: Body, question: Question) -> Answer:
        """Off the event loop; a deadline ends the wait, and with it the work."""
        scoring, threads = self._scoring, self._threads
        with awaited() as context:
            patiently = partial(_run, threads.patient, context)
            run = patiently if question.reasons else partial(_run, threads.quick, context)
            if scoring.recall:
                return await self._in_stages(body, question, run, patiently)
            answer = await run(partial(scoring.answer_plain, body, question))
            if answer is None:
                return await patiently(partial(scoring.answer_any, body, question, threads.queue.slot))
            return answer

    async def _recalled(self, body: Body, question: Question) -> Answer:
        """Where histories have to be waited for, on the event loop and without holding it."""
        scoring = self._scoring
        plain = scoring.reader.plain(body)
        columns, question = (plain, question) if plain is not None else scoring.reader.validated(body, question)
        return scoring.finish(await scoring.recalled(columns, question, _here), question)

    async def _in_stages(self, body: Body, question: Question, run: Run, patiently: Run) -> Answer:
        """The same off the event loop, stage by stage."""
        scoring = self._scoring
        plain = await run(partial(scoring.reader.plain, body))
        if plain is None:
            validated = partial(scoring.reader.validated, body, question, self._threads.queue.slot)
            columns, question = await patiently(validated)
        else:
            columns = plain
        columns = await scoring.recalled(columns, question, run)
        return await run(partial(scoring.finish, columns, question))


async def _run(pool: ThreadPoolExecutor, context: Context, work: Callable[[], Found], /) -> Found:
    return await asyncio.get_running_loop().run_in_executor(pool, context.run, work)


async def _here(work: Callable[[], Found], /) -> Found:
    return work()


def question_in(query: bytes, model: type[NoParameters]) -> Question:
    """What a query asks for; refused as FastAPI refuses it."""
    try:
        found = model.model_validate(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))
    except ValidationError as error:
        raise InputRefused(misfits_of(error, ("query",))) from None
    return found.question()


def messages_of(answer: Answer) -> Iterable[Message]:
    """An answer as ASGI sends it; a long one part by part, each made when the one before has been sent."""
    content = answer.content
    headers = [
        (b"content-length", b"%d" % len(content)),
        (b"content-type", JSON_HEADER),
        (b"x-model-version", answer.model_version.encode()),
    ]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    if isinstance(content, bytes):
        return [start, {"type": "http.response.body", "body": content}]
    parts = ({"type": "http.response.body", "body": part, "more_body": True} for part in content)
    return chain([start], parts, [{"type": "http.response.body"}])
