"""Of a request of many records the event loop sees some at a time, and what was given up goes on where it stopped."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import numpy as np
import pytest

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.history_numpy import COLD, TRUNCATED
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.schemas.reasons import JUST_SCORES
from fraud_detection_api.services.recalling import AT_ONCE, Recalling
from fraud_detection_api.storage.histories.latest import LatestRecords
from fraud_detection_api.storage.histories.memory import MemoryStore
from fraud_detection_api.storage.histories.store import Arrivals, Known
from tests.services.test_recalling import PAYMENTS, YEAR, Payment, here

Found = TypeVar("Found")
SIZE = 2 * AT_ONCE + 200


def payments() -> Columns:
    """Two payments with each of many cards, one soon after the other."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        Payment(
            payment=row, paid_at=began + timedelta(minutes=row), card=f"card-{row // 2}", terminal=row % 500, amount=row
        )
        for row in range(SIZE)
    ]
    return RecordReader(PAYMENTS).columns(rows)


class StoreThatStops(MemoryStore):
    """A store in memory that takes so many requests and leaves the next one waiting for ever."""

    def __init__(self, takes: int) -> None:
        super().__init__(YEAR)
        self.takes = takes
        self.sizes: list[int] = []
        self.is_waited_for = asyncio.Event()

    async def remember(
        self, arrivals: Sequence[Arrivals], *, dry_run: bool = False, latest: LatestRecords | None = None
    ) -> list[Known]:
        """What the store knew, as long as it answers."""
        if len(self.sizes) == self.takes:
            self.is_waited_for.set()
            await asyncio.Event().wait()
        self.sizes.append(max(len(each.keys) for each in arrivals))
        return await super().remember(arrivals, dry_run=dry_run, latest=latest)


def test_what_was_given_up_half_way_is_completed_by_the_same_request_again() -> None:
    columns = payments()

    async def given_up() -> StoreThatStops:
        store = StoreThatStops(2)
        task = asyncio.create_task(Recalling(Remembering(PAYMENTS, b"s"), store)(columns, JUST_SCORES, here))
        await store.is_waited_for.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return store

    store = asyncio.run(given_up())
    assert store.sizes == [AT_ONCE, AT_ONCE]
    store.takes = 100
    again = asyncio.run(Recalling(Remembering(PAYMENTS, b"s"), store)(columns, JUST_SCORES, here)).remembered
    whole = asyncio.run(
        Recalling(Remembering(PAYMENTS, b"s"), MemoryStore(YEAR))(columns, JUST_SCORES, here)
    ).remembered
    assert again is not None
    assert whole is not None
    assert not ((again.flags | whole.flags) & TRUNCATED).any()
    assert (whole.flags & COLD).any()
    assert not (whole.flags & COLD).all()
    np.testing.assert_array_equal(again.values, whole.values)


def test_all_that_takes_long_runs_where_others_are_not_held_up() -> None:
    """The service hands a thread what is to run; between two parts of a long request others are answered."""
    columns, turns = payments(), list[str]()

    async def elsewhere(work: Callable[[], Found], /) -> Found:
        turns.append("long")
        return await asyncio.to_thread(work)

    async def both() -> None:
        long = asyncio.create_task(
            Recalling(Remembering(PAYMENTS, b"s"), MemoryStore(YEAR))(columns, JUST_SCORES, elsewhere)
        )
        while not long.done():
            turns.append("others")
            await asyncio.sleep(0)

    asyncio.run(both())
    parts = -(-SIZE // AT_ONCE)
    assert (
        turns.count("long") == 2 + 2 * parts
    )  # the order, what is asked and what is said of each part, and their whole
    others = [at for at, who in enumerate(turns) if who == "others"]
    long = [at for at, who in enumerate(turns) if who == "long"]
    assert all(any(before < at < after for at in others) for before, after in pairwise(long))
