"""A route that scores: limits first, then the plain body's short way, else FastAPI's own handler."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message

from fraud_detection_api.errors import BodyTooLarge, BodyTooSlow, DeadlineExceeded, TooBusy
from fraud_detection_api.services.scoring import Answer, Scoring

Handler = Callable[[Request], Awaitable[Response]]

INLINE_BYTES = 32_768  # about 250 records, 0.2 ms: handing over to a thread costs more below, stalls others above


@dataclass
class Limits:
    """What a worker takes; shared by all of its scoring routes."""

    max_body_bytes: int
    max_in_flight: int
    deadline_seconds: float
    threads: ThreadPoolExecutor
    in_flight: int = 0


def scoring_route(scoring: Scoring, limits: Limits) -> type[APIRoute]:
    """A route class for one use case's scoring address."""

    class ScoringRoute(APIRoute):
        def get_route_handler(self) -> Handler:  # type: ignore[override]  # an Awaitable is all that is awaited
            by_fastapi = super().get_route_handler()

            async def handle(request: Request) -> Response:
                if limits.in_flight >= limits.max_in_flight:
                    raise TooBusy(limits.max_in_flight)
                limits.in_flight += 1
                body: bytes | None = None
                try:
                    async with asyncio.timeout(limits.deadline_seconds):
                        body = await read_body(request, limits.max_body_bytes)
                        return await _respond(request, body, scoring, limits.threads, by_fastapi)
                except TimeoutError:
                    late = BodyTooSlow if body is None else DeadlineExceeded
                    raise late(limits.deadline_seconds) from None
                finally:
                    limits.in_flight -= 1

            return handle

    return ScoringRoute


def response_of(answer: Answer) -> Response:
    """An answer as HTTP."""
    return Response(answer.content, media_type="application/json", headers={"X-Model-Version": answer.model_version})


async def read_body(request: Request, most: int) -> bytes:
    """The whole body, refused as soon as it is known to be too large."""
    if int(request.headers.get("content-length", 0)) > most:
        raise BodyTooLarge(most)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await _next_part(request)
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > most:
            raise BodyTooLarge(most)
    return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)


async def _next_part(request: Request) -> Message:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message


async def _respond(
    request: Request, body: bytes, scoring: Scoring, threads: ThreadPoolExecutor, by_fastapi: Handler
) -> Response:
    if len(body) <= INLINE_BYTES:
        answer = scoring.answer_body(body) if _is_json(request) else None
        return response_of(answer) if answer else await by_fastapi(_with_body(request, body))
    loop = asyncio.get_running_loop()
    answer = await loop.run_in_executor(threads, scoring.answer_body, body) if _is_json(request) else None
    if answer:
        return response_of(answer)
    return await loop.run_in_executor(threads, _in_own_loop, by_fastapi, _with_body(request, body))


def _in_own_loop(handler: Handler, request: Request) -> Response:
    # a large body that FastAPI has to parse would hold the service's event loop for seconds
    async def run() -> Response:
        return await handler(request)

    return asyncio.run(run())


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _with_body(request: Request, body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)
