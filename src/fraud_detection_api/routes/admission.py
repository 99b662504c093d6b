"""Admission: every request that costs passes here first, and nothing else knows limits.

It stands before FastAPI's routing: what is checked here is checked for the fast path as well, before a body is read.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fraud_detection_api.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    FraudError,
    TooBusy,
    UnsupportedMediaType,
)
from fraud_detection_api.routes.deadline import Deadline
from fraud_detection_api.routes.refusals import refusal_of

JSON = b"application/json"

Body = bytes | bytearray
Answering = Callable[[Scope, Body], Awaitable[list[Message]]]


class Places:
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
class Costly:
    """An address that costs: which places it needs, how large a body may be, and what answers, if not FastAPI."""

    places: Places
    most_bytes: int
    answer: Answering | None = None


class Admission:
    """Lets requests in as far as there is room; whatever costs nothing passes by."""

    def __init__(
        self, app: ASGIApp, posts: Mapping[str, Costly], pages: Mapping[str, Costly], deadline_seconds: float
    ) -> None:
        self._app = app
        self._posts = posts
        self._pages = pages  # GET, by the first part of the path
        self._seconds = deadline_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        costly = self._costly(scope) if scope["type"] == "http" else None
        if costly is None:
            await self._app(scope, receive, send)
            return
        try:
            messages = await self._admitted(costly, scope, receive)
        except FraudError as error:
            await refusal_of(error)(scope, receive, send)
        else:
            for message in messages:
                await send(message)

    def _costly(self, scope: Scope) -> Costly | None:
        if scope["method"] == "POST":
            return self._posts.get(path_of(scope))
        if scope["method"] in ("GET", "HEAD"):
            return self._pages.get(path_of(scope)[1:].partition("/")[0])
        return None

    async def _admitted(self, costly: Costly, scope: Scope, receive: Receive) -> list[Message]:
        with costly.places, Deadline(self._seconds) as deadline:
            body: Body = b""
            if scope["method"] == "POST":
                length, is_json = _length_and_kind(scope)
                if not is_json:
                    raise UnsupportedMediaType
                body = await _read(receive, length, costly.most_bytes)
            deadline.late = DeadlineExceeded
            if costly.answer:
                return await costly.answer(scope, body)
            return await self._by_fastapi(scope, body)

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


async def _read(receive: Receive, length: int, most: int) -> Body:
    """The whole body, refused as soon as it is known to be too large."""
    if length > most:
        raise BodyTooLarge(most)
    message = await receive()
    body: Body = message.get("body", b"")
    if message.get("more_body"):
        body = bytearray(body)
    while message["type"] != "http.disconnect" and message.get("more_body") and len(body) <= most:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    if len(body) > most:
        raise BodyTooLarge(most)
    return body


def _length_and_kind(scope: Scope) -> tuple[int, bool]:
    length, kind = 0, b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value)
        elif name == b"content-type":
            kind = value
    return length, kind == JSON or _is_json(kind)


def _is_json(kind: bytes) -> bool:
    main, _, sub = kind.partition(b";")[0].strip().lower().partition(b"/")
    return main == b"application" and (sub == b"json" or sub.endswith(b"+json"))
