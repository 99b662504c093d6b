"""Memory and Redis hold the same bytes after the same records, and both say what a stream of them would have said."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.features.histories import HistoryKernel, by_key
from fraud_detection_api.features.history_plan import RECEIVED
from fraud_detection_api.storage.histories.memory import MemoryStore
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.redis_store import RedisStore
from fraud_detection_api.storage.histories.store import Arrivals, HistoryStore, Known, WholeHistories
from tests.storage.histories.private_redis import PrivateRedis
from tests.storage.histories.records import HOUR, NO_LABEL, NOW, PLAN, arrivals, entry, rows, started, statistics, whole

TTL = 10**13  # the clock goes back to 1970 where nothing arrives
Record = tuple[int, list[int]]


@dataclass(frozen=True)
class Step:
    """What a store is given: records, for show or in earnest, or whole histories."""

    arrivals: Arrivals | None = None
    is_dry_run: bool = False
    whole: WholeHistories | None = None


@st.composite
def records(draw: st.DrawFn, fewest: int = 1) -> list[Record]:
    """Records of two keys: many at once, some late, some again and again; there are few ids."""
    found = []
    for _ in range(draw(st.integers(fewest, 8))):
        id_ = draw(st.integers(0, 15) | st.sampled_from([-(2**63), 2**63 - 1, -1]))
        time = draw(st.integers(0, 6))
        found.append((draw(st.integers(0, 1)), entry(id_, time, amount=draw(st.integers(0, 3)))))
    return found


@st.composite
def whole_histories(draw: st.DrawFn) -> WholeHistories:
    """Histories of one or two keys with labels, and times of arrival of their own."""
    found: dict[int, list[list[int]]] = {}
    for key in draw(st.sets(st.integers(0, 1), min_size=1)):
        ids = draw(st.sets(st.integers(0, 15), max_size=4))
        entries = [entry(each, draw(st.integers(0, 6)), NOW + draw(st.integers(0, 9)), draw(labels())) for each in ids]
        found[key] = sorted(entries)
    return whole(found, {0: NOW - draw(st.integers(0, 2)) * HOUR})


def labels() -> st.SearchStrategy[int]:
    """Nothing, or a minute at which it was known and whether it was a fraud."""
    minute = NOW - NOW % 60_000
    return st.just(NO_LABEL) | st.integers(0, 3).map(lambda each: 2 * (minute + each // 2 * 60_000) + each % 2)


def steps() -> st.SearchStrategy[list[Step]]:
    """What a store may be given, in any order."""
    some = st.builds(Step, records().map(lambda each: arrivals(*each)), st.booleans())
    return st.lists(some | st.builds(Step, whole=whole_histories()), max_size=12)


class Clock:
    """The time at which records arrived elsewhere, one after the other."""

    def __init__(self) -> None:
        self.times = [0]

    def __call__(self) -> int:
        """The next time, and the last one from then on."""
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


def assert_same(found: Known, expected: Known) -> None:
    assert found.values == expected.values
    np.testing.assert_array_equal(found.received, expected.received)


async def apply(store: HistoryStore, step: Step) -> Known | None:
    """Do a step; what was known of its records."""
    if step.arrivals is not None:
        return (await store.remember([step.arrivals], dry_run=step.is_dry_run))[0]
    assert step.whole is not None
    await store.fill(step.whole)
    return None


async def both(redis: PrivateRedis, given_steps: Sequence[Step]) -> None:
    clock = Clock()
    memory = MemoryStore(TTL, clock)
    async with started(RedisStore(HistoryOptions(redis.url))) as store:
        for step in given_steps:
            before = redis.packed() if step.is_dry_run else {}
            known = await apply(store, step)
            clock.times = [*known.received, 1] if known else [1]
            found = await apply(memory, step)
            if found and known:
                assert_same(found, known)
            assert {b"fraud:" + name: value for name, value in memory.packed().items()} == redis.packed()
            assert not step.is_dry_run or before == redis.packed()


@given(steps())
def test_memory_holds_and_says_what_redis_does(redis: PrivateRedis, given_steps: list[Step]) -> None:
    redis.ask("FLUSHALL")
    asyncio.run(both(redis, given_steps))


async def remembered(store: HistoryStore, requests: Sequence[Arrivals]) -> list[Known]:
    async with started(store):
        return [(await store.remember([each]))[0] for each in requests]


@given(st.lists(records(), min_size=1, max_size=8))
def test_both_say_what_a_stream_of_the_same_arrivals_says(redis: PrivateRedis, requests: list[list[Record]]) -> None:
    """Also of several records of a key in one request."""
    redis.ask("FLUSHALL")
    kernels = HistoryKernel(PLAN), HistoryKernel(PLAN, compiled=False)
    keys = np.array([key for each in requests for key, _ in each], np.int64)
    stream = rows(own for each in requests for _, own in each)
    for store in (MemoryStore(TTL), RedisStore(HistoryOptions(redis.url))):
        known = asyncio.run(remembered(store, [arrivals(*each) for each in requests]))
        stream[:, RECEIVED] = np.concatenate([each.received for each in known])
        order, ends = by_key(keys)
        offline = kernels[0].from_stream(stream[order], ends)
        for kernel in kernels:
            online = [statistics(each, kernel) for each in known]
            assert np.concatenate([values for values, _ in online])[order].tobytes() == offline[0].tobytes()
            assert np.concatenate([flags for _, flags in online])[order].tobytes() == offline[1].tobytes()


@given(st.permutations([0, 1, 2, 3]), st.lists(records(4), min_size=4, max_size=4))
def test_what_is_there_in_the_end_does_not_depend_on_the_order(order: list[int], requests: list[list[Record]]) -> None:
    """Ids are as different as their times: a record is never another one under the same id."""
    unique = [[(0, entry(own[1], own[1] % 7)) for _, own in each] for each in requests]

    async def ended(places: Sequence[int]) -> tuple[list[list[int]], int]:
        store = MemoryStore(TTL)
        for at in places:
            await store.remember([arrivals(*unique[at])])
        known = (await store.remember([arrivals((0, entry(99, 9)))], dry_run=True))[0]
        return np.delete(known.unpacked.entries, RECEIVED, axis=1).tolist(), int(known.unpacked.dropped[0])

    assert asyncio.run(ended(range(4))) == asyncio.run(ended(order))


@given(st.lists(whole_histories(), max_size=3), st.lists(records(), max_size=3))
def test_filling_in_again_or_later_changes_nothing(fills: list[WholeHistories], requests: list[list[Record]]) -> None:
    async def ended(*, is_twice: bool) -> dict[bytes, bytes]:
        store = MemoryStore(TTL, lambda: NOW)
        for each in (*fills, *(fills if is_twice else ())):
            await store.fill(each)
        for each in requests:
            await store.remember([arrivals(*each)])
        return store.packed()

    assert asyncio.run(ended(is_twice=False)) == asyncio.run(ended(is_twice=True))


def test_records_without_a_key_ask_for_nothing(redis: PrivateRedis) -> None:
    for store in (MemoryStore(TTL), RedisStore(HistoryOptions(redis.url))):
        known = asyncio.run(remembered(store, [arrivals()]))
        assert [len(statistics(each, HistoryKernel(PLAN))[0]) for each in known] == [0]
