"""Scoring in stages: what has to be waited for comes between reading and scoring; observers hear of all."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import Message, Scope

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.routes.admission import InFlightLimit
from fraud_detection_api.routes.fast_path import FastPath, NoParameters, Threads
from fraud_detection_api.schemas.reasons import Question
from fraud_detection_api.services.answers import Scored, short_answer
from fraud_detection_api.services.body_readers import ListBody
from fraud_detection_api.services.fair_queue import FairQueue
from fraud_detection_api.services.scoring import Run, Scoring
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.examples import Row, body_of, good_rows, slow_body_of
from tests.services.test_single_scoring import served
from tests.small_models import SmallModel

ROWS = good_rows(CREDIT_ACCOUNTS, 400)
SCOPE: Scope = {"query_string": b""}


@pytest.fixture
def plain(credit_model: SmallModel, tmp_path: Path) -> Scoring:
    """Scoring that waits for nothing."""
    model, reader = served(credit_model, tmp_path), ListBody(CREDIT_ACCOUNTS, 1_000)
    return Scoring(CREDIT_ACCOUNTS, model, reader, short_answer)


def turned(columns: Columns) -> Columns:
    """The same records, each with the figures of another."""
    return replace(columns, numbers=columns.numbers[:, ::-1])


def answered(scoring: Scoring, body: bytes) -> list[dict[str, float]]:
    """What the fast path answers."""
    threads = Threads(ThreadPoolExecutor(1), ThreadPoolExecutor(2), FairQueue(), InFlightLimit(2))
    messages = list(asyncio.run(FastPath(scoring, NoParameters, threads)(SCOPE, body)))
    found: list[dict[str, float]] = json.loads(messages[1]["body"])
    return found


@pytest.mark.parametrize("size", [1, 20, 400])
@pytest.mark.parametrize("write", [body_of, slow_body_of], ids=["plain", "declined"])
def test_what_is_recalled_is_what_the_model_sees(
    plain: Scoring, size: int, write: Callable[[list[Row]], bytes]
) -> None:
    body = write(ROWS[:size])
    scores = [answer["fraud_probability"] for answer in answered(plain, body)]

    async def later(columns: Columns, _: Question, __: Run) -> Columns:
        await asyncio.sleep(0.01)
        return turned(columns)

    found = answered(replace(plain, recall=later), body)
    assert [answer["fraud_probability"] for answer in found] == scores[::-1]


def test_the_event_loop_goes_on_while_a_history_is_waited_for(plain: Scoring) -> None:
    arrived = asyncio.Event()

    async def later(columns: Columns, _: Question, __: Run) -> Columns:
        await arrived.wait()
        return columns

    async def both() -> list[Message]:
        threads = Threads(ThreadPoolExecutor(1), ThreadPoolExecutor(2), FairQueue(), InFlightLimit(2))
        waiting = asyncio.create_task(
            FastPath(replace(plain, recall=later), NoParameters, threads)(SCOPE, body_of(ROWS[:1]))
        )
        await FastPath(plain, NoParameters, threads)(SCOPE, body_of(ROWS[:1]))
        assert not waiting.done()
        arrived.set()
        return list(await waiting)

    assert asyncio.run(both())[0]["status"] == 200


def test_every_observer_hears_of_every_answer_and_of_no_refusal(plain: Scoring) -> None:
    first, second = list[Scored](), list[Scored]()
    watched = replace(plain, observers=(first.append, second.append))
    watched.answer_plain(body_of(ROWS[:3]))
    watched.answer_any(slow_body_of(ROWS[:2]))
    assert watched.answer_plain(b"[{}]") is None
    assert [len(each) for each in first] == [len(each) for each in second] == [3, 2]
