"""Admission: every request that costs passes here first, and nothing else knows limits.

It stands before FastAPI's routing: what is checked here is checked for the fast path as well, before a body is read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fraud_detection_api.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    FraudError,
    QueryTooLong,
    TooBusy,
    UnsupportedMediaType,
)
from fraud_detection_api.routes.deadline import Deadline
from fraud_detection_api.routes.refusals import JSON, refusal_of

JSON_HEADER = JSON.encode()
MOST_QUERY = 2_000  # bytes: each of a thousand unknown names would be told apart before a hundred are answered

Body = bytes | bytearray
Answering = Callable[[Scope, Body], Awaitable[Iterable[Message]]]


class InFlightLimit:
    """How many requests of one kind a worker takes at once."""

    __slots__ = ("_most", "taken")

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    def __enter__(self) -> None:
        if self.taken >= self._most:
            raise TooBusy(self._most)
        self.taken += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.taken -= 1


@dataclass(frozen=True)
class Limits:
    """Of an address that costs: how many at once, how large a body may be; and what answers, if not FastAPI."""

    in_flight: InFlightLimit
    most_bytes: int
    answer: Answering | None = None


class Admission:
    """Lets requests in as far as there is room; whatever costs nothing passes by."""

    def __init__(
        self,
        app: ASGIApp,
        posts: Mapping[str, Limits],
        pages: Mapping[str, Limits],
        deadline_seconds: float,
        most_bytes_in_flight: int,
    ) -> None:
        self._app = app
        self._posts = posts  # by the path, or by its first part: of whatever lies below it
        self._pages = pages  # GET, by the first part of the path
        self._seconds = deadline_seconds
        self._most_bytes = most_bytes_in_flight
        self._bytes = 0  # held of bodies that come in several pieces; a single piece is small

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif len(scope["query_string"]) > MOST_QUERY:
            await refusal_of(QueryTooLong(MOST_QUERY))(scope, receive, send)
        elif (limits := self._limits(scope)) is None:
            await self._app(scope, receive, send)
        else:
            await self._answer(limits, scope, receive, send)

    async def _answer(self, limits: Limits, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            messages = await self._admitted(limits, scope, receive)
        except FraudError as error:
            await refusal_of(error)(scope, receive, send)
        else:
            for message in messages:
                await send(message)
                if message.get("more_body"):
                    await asyncio.sleep(0)  # sending need not wait, so that others would

    def _limits(self, scope: Scope) -> Limits | None:
        path = path_of(scope)
        if scope["method"] == "POST":
            return self._posts.get(path) or self._posts.get(_first_part(path))
        if scope["method"] in ("GET", "HEAD"):
            return self._pages.get(_first_part(path))
        return None

    async def _admitted(self, limits: Limits, scope: Scope, receive: Receive) -> Iterable[Message]:
        with limits.in_flight, Deadline(self._seconds) as deadline:
            pieces = bytearray()
            try:
                body = await self._body(limits, scope, receive, pieces) if scope["method"] == "POST" else b""
                deadline.late = DeadlineExceeded
                return await (limits.answer or self._by_fastapi)(scope, body)
            finally:
                self._bytes -= len(pieces)

    async def _body(self, limits: Limits, scope: Scope, receive: Receive, pieces: bytearray) -> Body:
        """The whole body, refused as soon as it is known to be too large; gathered in `pieces` where it is several."""
        length, is_json = _length_and_kind(scope)
        if not is_json:
            raise UnsupportedMediaType
        if length > limits.most_bytes:
            raise BodyTooLarge(limits.most_bytes)
        message = await receive()
        body: Body = message.get("body", b"")
        if message.get("more_body"):
            body = pieces
            self._gather(message, pieces)
        while message["type"] != "http.disconnect" and message.get("more_body") and len(body) <= limits.most_bytes:
            message = await receive()
            self._gather(message, pieces)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if len(body) > limits.most_bytes:
            raise BodyTooLarge(limits.most_bytes)
        return body

    def _gather(self, message: Message, pieces: bytearray) -> None:
        piece = message.get("body", b"")
        if self._bytes + len(piece) > self._most_bytes:
            raise TooBusy(self._most_bytes, "bytes of requests")
        pieces += piece
        self._bytes += len(piece)

    async def _by_fastapi(self, scope: Scope, body: Body) -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        return sent


def path_of(scope: Scope) -> str:
    """The path as the routing sees it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")).removesuffix("\n")  # the routing lets one newline pass


def _first_part(path: str) -> str:
    return path[1:].partition("/")[0]


def _length_and_kind(scope: Scope) -> tuple[int, bool]:
    length, kind = 0, b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value)
        elif name == b"content-type":
            kind = value
    return length, kind == JSON_HEADER or _is_json(kind)


def _is_json(kind: bytes) -> bool:
    main, _, sub = kind.partition(b";")[0].strip().lower().partition(b"/")
    return main == b"application" and (sub == b"json" or sub.endswith(b"+json"))
