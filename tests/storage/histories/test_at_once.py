"""Many at once: processes that share a server never miss each other's records, nor those filled in meanwhile."""

import asyncio
from contextlib import AsyncExitStack

import numpy as np

from fraud_detection_api.features.history_plan import ID, RECEIVED
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore, Known
from tests.storage.histories.private_redis import PrivateRedis
from tests.storage.histories.records import NOW, PLAN, arrivals, entry, started, whole


async def stores(stack: AsyncExitStack, redis: PrivateRedis, count: int) -> list[HistoryStore]:
    """Stores with connections of their own, as several processes have them."""
    redis.ask("FLUSHALL")
    options = HistoryOptions(redis.url, timeout_seconds=20)
    return [await stack.enter_async_context(started(store_of(options))) for _ in range(count)]


def test_of_two_records_one_is_first_and_the_other_one_sees_it(redis: PrivateRedis) -> None:
    """Whichever processes they came to: what each sees is what arrived before it, to the millisecond."""

    async def run() -> list[Known]:
        async with AsyncExitStack() as stack:
            several = await stores(stack, redis, 4)
            asked = [several[each % 4].remember([arrivals((1, entry(each)))]) for each in range(PLAN.kept)]
            return [known for own in await asyncio.gather(*asked) for known in own]

    found = asyncio.run(run())
    arrived = {int(known.received[0]): set(known.unpacked.entries[:, ID].tolist()) for known in found}
    assert len(arrived) == PLAN.kept
    ids = {int(known.received[0]): each for each, known in enumerate(found)}
    for moment, seen in arrived.items():
        assert seen == {id_ for other, id_ in ids.items() if other < moment}


def test_whoever_fills_it_loses_nothing_of_what_arrives_meanwhile(redis: PrivateRedis) -> None:
    keys = range(800)  # more than go into one batch
    past = whole({key: [entry(1000 + key, -9, NOW)] for key in keys})

    async def run() -> tuple[Known, Known]:
        async with AsyncExitStack() as stack:
            live, filler = await stores(stack, redis, 2)
            filling = asyncio.create_task(filler.fill(past))
            first = [await live.remember([arrivals((key, entry(key)))]) for key in keys]
            await filling
            await filler.fill(past)
            known = await live.remember([arrivals(*((key, entry(2000 + key, 1)) for key in keys))], dry_run=True)
            repeated = await live.remember([arrivals(*((key, entry(key)) for key in keys))])
            moments = np.array([int(each[0].received[0]) for each in first])
            np.testing.assert_array_equal(repeated[0].received, moments)
            return known[0], repeated[0]

    known, _ = asyncio.run(run())
    own = np.split(known.unpacked.entries, known.unpacked.ends[:-1])
    assert [each[:, ID].tolist() for each in own] == [[1000 + key, key] for key in keys]
    assert all((each[:, RECEIVED] >= NOW).all() for each in own)


def test_a_label_that_is_filled_in_later_is_taken_and_an_earlier_one_stays(redis: PrivateRedis) -> None:
    label, later = 2 * NOW // 120_000 * 120_000 + 1, 2 * (NOW // 60_000 + 7) * 60_000

    async def run() -> list[int]:
        async with AsyncExitStack() as stack:
            (store,) = await stores(stack, redis, 1)
            await store.remember([arrivals((1, entry(1)))])
            for each in (label, later):
                await store.fill(whole({1: [entry(1, 0, NOW, each)]}))
            known = (await store.remember([arrivals((1, entry(2, 2)))], dry_run=True))[0]
            return [int(each) for each in known.unpacked.entries[0, 2:4]]

    received, found = asyncio.run(run())
    assert received > NOW  # when it arrived here, not when it did elsewhere
    assert found == label
