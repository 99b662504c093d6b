"""Request ids and request logs, around every request."""

import asyncio
import os
import re
import time
import traceback
from urllib.parse import quote

from loguru import logger
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fraud_detection_api.errors import ShuttingDown
from fraud_detection_api.routes.refusals import refusal, refusal_of
from fraud_detection_api.services.answer_log.answer_log import REQUEST_ID

CLIENT_HUNG_UP = 499  # as other servers log it
PROBES = frozenset({"/ready"})  # asked every few seconds; what it answers 503 for has a line of its own

_HEADER = b"x-request-id"
_GOOD_ID = re.compile(rb"[\w.:-]{1,128}")


class RequestLog:
    """Takes over the caller's request id or makes one, gives it back, and logs what should be logged."""

    def __init__(self, app: ASGIApp, log_all: bool) -> None:
        self._app = app
        self._log_all = log_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        REQUEST_ID.set(exchange.request_id.decode())
        try:
            await self._app(scope, receive, exchange.send)
        except ClientDisconnect:
            exchange.status = exchange.status or CLIENT_HUNG_UP  # nobody is left to answer
        except asyncio.CancelledError:  # the bound on a shutdown has passed
            await exchange.answer(refusal_of(ShuttingDown()))
        except Exception as error:  # noqa: BLE001  # whatever it is: the caller gets an answer, the log its place
            exchange.log_unforeseen(error)
            await exchange.answer(refusal(500, "Internal error", "internal_error"))
        if self._log_all or (exchange.status >= 400 and scope["path"] not in PROBES):
            exchange.log()


class _Exchange:
    """One request and what became of it."""

    __slots__ = ("_receive", "_scope", "_send", "_started", "request_id", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._started = time.perf_counter()
        self.request_id = _request_id(scope)
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"].append((_HEADER, self.request_id))
        await self._send(message)

    async def answer(self, response: Response) -> None:
        if not self.status:  # else part of an answer is on its way already
            await response(self._scope, self._receive, self.send)

    def log(self) -> None:
        seconds = round(time.perf_counter() - self._started, 6)
        log = logger.bind(request_id=self.request_id.decode(), status=self.status, seconds=seconds)
        path = quote(self._scope["path"])  # a line break in it would forge a log line
        failed = self.status >= 500 and self._scope["path"] not in PROBES
        log.log("ERROR" if failed else "INFO", "{} {}", self._scope["method"], path)

    def log_unforeseen(self, error: Exception) -> None:
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
        log = logger.bind(request_id=self.request_id.decode(), error=type(error).__name__, frames=frames)
        log.log("ERROR", "Unforeseen error")  # without its message, which may hold a record's values


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == _HEADER and _GOOD_ID.fullmatch(value):
            given: bytes = value
            return given
    return os.urandom(8).hex().encode()
