"""A request for reasons past its deadline: the work ends; a short one gets between the pieces of a long one."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import orjson
import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from fraud_detection_api.features.json_values import MOST_AT_ONCE
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.routes.admission import Admission, InFlightLimit, Limits
from fraud_detection_api.routes.fast_path import FastPath, ReasonsParameters, Threads
from fraud_detection_api.services.answers import full_answer
from fraud_detection_api.services.body_readers import ListBody
from fraud_detection_api.services.fair_queue import FairQueue
from fraud_detection_api.services.reasons import TOGETHER, Reasons
from fraud_detection_api.services.scoring import Scoring
from fraud_detection_api.services.served_models import ServedModels
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.conftest import Shop
from tests.examples import Row, body_of, good_rows, slow_body_of

PATH = f"/score/{CREDIT_ACCOUNTS.name}"
ROWS = good_rows(CREDIT_ACCOUNTS, 100) * 40
SECONDS = 1.0


class Slow(FairQueue):
    """A queue that counts its pieces and makes each of them long."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = 0
        self.begun = threading.Event()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """A piece of a twentieth of a second at least."""
        with super().slot():
            self.pieces += 1
            self.begun.set()
            time.sleep(0.05)
            yield


def admission_of(shop: Shop, queue: FairQueue) -> tuple[Admission, Threads]:
    """One address with a short deadline."""
    served = ServedModels({CREDIT_ACCOUNTS.name: CREDIT_ACCOUNTS}, Registry(shop.folder / "models"))
    served.refresh()
    reader, write = (
        ListBody(CREDIT_ACCOUNTS, 100_000),
        partial(full_answer, reasons=Reasons(CREDIT_ACCOUNTS, queue.slot)),
    )
    scoring = Scoring(CREDIT_ACCOUNTS, served.by_use_case[CREDIT_ACCOUNTS.name], reader, write)
    threads = Threads(ThreadPoolExecutor(1), ThreadPoolExecutor(2), queue, InFlightLimit(8))
    limits = Limits(InFlightLimit(8), 10**8, FastPath(scoring, ReasonsParameters, threads))
    return Admission(FastAPI(), {PATH: limits}, {}, SECONDS, 10**8), threads


async def asked(admission: Admission, body: bytes, query: bytes = b"reasons=4&reasons_for=all") -> tuple[int, bytes]:
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
    await admission(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("written", [body_of, slow_body_of], ids=["plain", "declined"])
def test_what_comes_too_late_is_not_worked_on(shop: Shop, written: Callable[[list[Row]], bytes]) -> None:
    queue = Slow()
    admission, threads = admission_of(shop, queue)
    status, answer = asyncio.run(asked(admission, written(ROWS)))
    assert (status, orjson.loads(answer)["code"]) == (503, "deadline_exceeded")
    for pool in (threads.quick, threads.patient):
        pool.shutdown(wait=True)
    assert queue.pieces < len(ROWS) / TOGETHER / 2


def test_a_short_question_is_answered_while_a_long_one_is_worked_on(shop: Shop) -> None:
    queue = Slow()
    admission, _ = admission_of(shop, queue)

    async def both() -> list[int]:
        long = asyncio.create_task(asked(admission, body_of(ROWS)))
        await asyncio.to_thread(queue.begun.wait)
        status, answer = await asked(admission, body_of(ROWS[:1]))
        assert not long.done()
        assert len(orjson.loads(answer)[0]["reasons"]) == 4
        return [status, (await long)[0]]

    assert asyncio.run(both()) == [200, 503]


def test_of_large_bodies_that_pydantic_looks_at_there_is_one_piece_at_a_time(shop: Shop) -> None:
    queue = FairQueue()
    admission, _ = admission_of(shop, queue)

    async def large_and_small() -> tuple[int, int]:
        with queue.slot():
            large = asyncio.create_task(asked(admission, slow_body_of(ROWS[:300]), b""))
            small, _ = await asked(admission, slow_body_of(ROWS[:1]), b"")
            assert not large.done()
            return small, (await large)[0]

    assert asyncio.run(large_and_small()) == (200, 503)


def test_what_is_declined_and_comes_too_late_is_not_read_on(shop: Shop) -> None:
    queue = Slow()
    admission, threads = admission_of(shop, queue)
    status, answer = asyncio.run(asked(admission, slow_body_of(ROWS * 3), b""))
    assert (status, orjson.loads(answer)["code"]) == (503, "deadline_exceeded")
    threads.patient.shutdown(wait=True)
    assert 0 < queue.pieces < len(ROWS) * 3 / MOST_AT_ONCE
