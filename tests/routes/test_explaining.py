"""A request for reasons past its deadline: the work ends; a short one gets between the pieces of a long one."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import orjson
import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.routes.score import score_router
from fraud_detection_api.routes.scoring_lane import Limits, ScoringLane
from fraud_detection_api.schemas.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.services.answers import full_answer
from fraud_detection_api.services.pace import Pace
from fraud_detection_api.services.reasons import TOGETHER, Reasons
from fraud_detection_api.services.scoring import Scoring
from fraud_detection_api.services.served_models import ServedModels
from tests.conftest import Shop
from tests.examples import Row, body_of, good_rows, slow_body_of

PATH = f"/score/{CREDIT_ACCOUNTS.name}"
ROWS = good_rows(CREDIT_ACCOUNTS, 100) * 40
SECONDS = 1.0


class Slow(Pace):
    """A pace that counts its pieces and makes each of them long."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = 0
        self.begun = threading.Event()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A piece of a twentieth of a second at least."""
        with super().turn():
            self.pieces += 1
            self.begun.set()
            time.sleep(0.05)
            yield


def lane_of(shop: Shop, pace: Pace) -> tuple[ScoringLane, Limits]:
    """The lane of one use case before FastAPI's own route, with a short deadline."""
    served = ServedModels({CREDIT_ACCOUNTS.name: CREDIT_ACCOUNTS}, Registry(shop.folder / "models"))
    served.refresh()
    model, reasons = served.by_use_case[CREDIT_ACCOUNTS.name], Reasons(CREDIT_ACCOUNTS, pace)
    scoring = Scoring(CREDIT_ACCOUNTS, model, full_answer, 100_000, reasons)
    app = FastAPI()
    app.include_router(score_router(scoring))
    threads, declined, explaining = (ThreadPoolExecutor(count) for count in (1, 1, 2))
    limits = Limits(10**8, 8, SECONDS, threads, declined, explaining, pace)
    return ScoringLane(app, {PATH: scoring}, limits), limits


async def asked(lane: ScoringLane, body: bytes, query: bytes = b"reasons=4&reasons_for=all") -> tuple[int, bytes]:
    """Status and body of the answer to a question for reasons."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": query,
        "headers": headers,
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
    }
    await lane(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("written", [body_of, slow_body_of], ids=["plain", "declined"])
def test_what_comes_too_late_is_not_worked_on(shop: Shop, written: Callable[[list[Row]], bytes]) -> None:
    pace = Slow()
    lane, limits = lane_of(shop, pace)
    status, answer = asyncio.run(asked(lane, written(ROWS)))
    assert (status, orjson.loads(answer)["code"]) == (503, "deadline_exceeded")
    for threads in (limits.explaining, limits.declined):
        threads.shutdown(wait=True)
    assert pace.pieces < len(ROWS) / TOGETHER / 2


def test_a_short_question_is_answered_while_a_long_one_is_worked_on(shop: Shop) -> None:
    pace = Slow()
    lane, _ = lane_of(shop, pace)

    async def both() -> list[int]:
        long = asyncio.create_task(asked(lane, body_of(ROWS)))
        await asyncio.to_thread(pace.begun.wait)
        status, answer = await asked(lane, body_of(ROWS[:1]))
        assert not long.done()
        assert len(orjson.loads(answer)[0]["reasons"]) == 4
        return [status, (await long)[0]]

    assert asyncio.run(both()) == [200, 503]


def test_of_large_bodies_that_fastapi_looks_at_there_is_one_at_a_time(shop: Shop) -> None:
    lane, limits = lane_of(shop, Pace())
    held = threading.Event()
    limits.declined.submit(held.wait)

    async def large_and_small() -> tuple[int, int]:
        large = asyncio.create_task(asked(lane, slow_body_of(ROWS[:300])))
        small, _ = await asked(lane, slow_body_of(ROWS[:1]))
        assert not large.done()
        return small, (await large)[0]

    try:
        assert asyncio.run(large_and_small()) == (200, 503)
    finally:
        held.set()
