"""The lane of scoring requests: limits first, then the plain body's short way, else FastAPI's own route.

It lies before FastAPI's routing, which costs more than all the rest of a small request. FastAPI still knows the routes
behind it, words the refusal of a record and answers whatever is not plain.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fraud_detection_api.errors import BodyTooLarge, DeadlineExceeded, FraudError, TooBusy
from fraud_detection_api.routes.deadline import Deadline
from fraud_detection_api.routes.refusals import refusal_of
from fraud_detection_api.schemas.reasons import MOST_REASONS, ReasonsAsked, ReasonsFor, reasons_asked
from fraud_detection_api.services.pace import Pace, waited_for
from fraud_detection_api.services.scoring import Answer, Scoring

INLINE_BYTES = 32_768  # about 250 records, 0.2 ms: handing over to a thread costs more below, stalls others above
SLOW_INLINE_BYTES = 1_024  # a record or a few of a model that takes its time, such as a support vector machine
JSON = b"application/json"


class Question(BaseModel):
    """What a query asks for, read as FastAPI reads it for the route."""

    reasons: int = Field(default=0, ge=0, le=MOST_REASONS)
    reasons_for: ReasonsFor = ReasonsFor.FLAGGED


@dataclass
class Limits:
    """What a worker takes; shared by all of its scoring addresses."""

    max_body_bytes: int
    max_in_flight: int
    deadline_seconds: float
    threads: ThreadPoolExecutor
    declined: ThreadPoolExecutor  # of one thread: FastAPI holds ten times a large body's bytes while it looks at it
    explaining: ThreadPoolExecutor  # of two threads that take turns: a short question need not wait for a long one
    pace: Pace
    in_flight: int = 0
    explained: int = 0

    @property
    def most_explained(self) -> int:
        """Requests with reasons that may be in flight, most of them waiting for their turn."""
        return max(1, self.max_in_flight // 4)


class ScoringLane:
    """Answers what is posted to the scoring addresses; lets everything else pass."""

    def __init__(self, app: ASGIApp, scorings: Mapping[str, Scoring], limits: Limits) -> None:
        self._app = app
        self._scorings = scorings
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scoring = self._scorings.get(_path(scope)) if scope["type"] == "http" and scope["method"] == "POST" else None
        if scoring is None:
            await self._app(scope, receive, send)
            return
        try:
            messages = await self._within_limits(scoring, scope, receive)
        except FraudError as error:
            await refusal_of(error)(scope, receive, send)
        else:
            for message in messages:
                await send(message)

    async def _within_limits(self, scoring: Scoring, scope: Scope, receive: Receive) -> list[Message]:
        limits = self._limits
        if limits.in_flight >= limits.max_in_flight:
            raise TooBusy(limits.max_in_flight)
        limits.in_flight += 1
        try:
            with Deadline(limits.deadline_seconds) as deadline:
                length, is_json = _length_and_kind(scope)
                body = await read_body(receive, length, limits.max_body_bytes)
                deadline.late = DeadlineExceeded
                return await self._answer(scoring, body, is_json, scope)
        finally:
            limits.in_flight -= 1

    async def _answer(self, scoring: Scoring, body: bytes, is_json: bool, scope: Scope) -> list[Message]:
        query = scope["query_string"]
        if query and scoring.gives_reasons:
            try:
                asked = asked_in(query)
            except ValidationError:
                asked, is_json = None, False  # FastAPI words the mistake
            if asked:
                return await self._in_turn(scoring, asked, body, is_json, scope)
        self._limits.pace.another()
        if len(body) <= (INLINE_BYTES if scoring.is_quick else SLOW_INLINE_BYTES):
            answer = scoring.answer_body(body) if is_json else None
            return _messages_of(answer) if answer else await self._by_fastapi(scope, body)
        loop, limits, run = asyncio.get_running_loop(), self._limits, copy_context().run
        answer = await loop.run_in_executor(limits.threads, run, scoring.answer_body, body) if is_json else None
        if answer:
            return _messages_of(answer)
        # a large body that FastAPI has to parse would hold the service's event loop for seconds
        return await loop.run_in_executor(limits.declined, run, self._by_fastapi_apart, scope, body)

    async def _in_turn(
        self, scoring: Scoring, asked: ReasonsAsked, body: bytes, is_json: bool, scope: Scope
    ) -> list[Message]:
        limits = self._limits
        if limits.explained >= limits.most_explained:
            raise TooBusy(limits.most_explained)
        limits.explained += 1
        try:
            return await self._explained(scoring, asked, body, is_json, scope)
        finally:
            limits.explained -= 1

    async def _explained(
        self, scoring: Scoring, asked: ReasonsAsked, body: bytes, is_json: bool, scope: Scope
    ) -> list[Message]:
        loop, limits = asyncio.get_running_loop(), self._limits
        with waited_for() as context:  # a deadline ends the wait, and with it the work
            answer = None
            if is_json:
                work = partial(context.run, scoring.answer_body, body, asked)
                answer = await loop.run_in_executor(limits.explaining, work)
            if answer:
                return _messages_of(answer)
            threads = limits.explaining if len(body) <= INLINE_BYTES else limits.declined
            return await loop.run_in_executor(threads, partial(context.run, self._by_fastapi_apart, scope, body))

    def _by_fastapi_apart(self, scope: Scope, body: bytes) -> list[Message]:
        return asyncio.run(self._by_fastapi(scope, body))

    async def _by_fastapi(self, scope: Scope, body: bytes) -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        return sent


def asked_in(query: bytes) -> ReasonsAsked | None:
    """The reasons that a query asks for, if any; raises ValidationError where FastAPI refuses it."""
    question = Question.model_validate(dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))
    return reasons_asked(question.reasons, question.reasons_for)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).removesuffix("\n")  # the routing lets one newline pass


async def read_body(receive: Receive, length: int, most: int) -> bytes:
    """The whole body, refused as soon as it is known to be too large."""
    if length > most:
        raise BodyTooLarge(most)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > most:
            raise BodyTooLarge(most)
    return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)


def _length_and_kind(scope: Scope) -> tuple[int, bool]:
    length, kind = 0, b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value)
        elif name == b"content-type":
            kind = value
    return length, kind == JSON or kind.partition(b";")[0].strip().lower() == JSON


def _messages_of(answer: Answer) -> list[Message]:
    headers = [
        (b"content-length", b"%d" % len(answer.content)),
        (b"content-type", JSON),
        (b"x-model-version", answer.model_version.encode()),
    ]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    return [start, {"type": "http.response.body", "body": answer.content}]
