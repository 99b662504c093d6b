"""The latest record of each customer, kept and found in memory and in Redis alike, one page after the other."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.storage.histories.latest import (
    MOST_KEY_BYTES,
    MOST_RECORD_BYTES,
    LatestRecord,
    LatestRecords,
    Wanted,
)
from fraud_detection_api.storage.histories.latest_memory import LatestInMemory
from fraud_detection_api.storage.histories.memory import MemoryStore
from fraud_detection_api.storage.histories.options import MEMORY, HistoryOptions
from fraud_detection_api.storage.histories.redis_store import RedisStore
from fraud_detection_api.storage.histories.store import HistoryStore
from tests.storage.histories.latest_records import NAME, every_page, in_use, keys, latest, record, said, with_a_store
from tests.storage.histories.private_redis import PrivateRedis
from tests.storage.histories.records import NOW, arrivals, entry

TEXTS = [
    "",
    " ",
    "*",
    "**",
    "*1",
    ".*",
    "1",
    "10",
    "12",
    "123",
    "2",
    "[",
    "[a",
    "(a",
    "+",
    "-",
    "a\\d",
    "a{b}",
    "\x00",
    "\x001",
]
UNICODE = ["kim", "kim@example.org", "Kim", "é", "éa", "e\u0301", "中", "中国", "😀", "😀a", "\uffff", "\U0010ffff"]
EVERY_TEXT = sorted([*TEXTS, *UNICODE], key=str.encode)
"""Whatever an id may be: nothing, what a pattern would be made of, and every kind of letter."""
LASTING = 1_000  # milliseconds until a forgetful store forgets


@pytest.fixture(params=["memory", "redis"])
def options(request: pytest.FixtureRequest) -> HistoryOptions:
    """Where records are kept, which is empty."""
    if request.param == "memory":
        return HistoryOptions(MEMORY)
    redis: PrivateRedis = request.getfixturevalue("redis")
    redis.ask("FLUSHALL")
    return HistoryOptions(redis.url, timeout_seconds=20)


class Forgetful(NamedTuple):
    """A store that forgets soon, and how time passes for it."""

    store: HistoryStore
    wait: Callable[[int], Awaitable[None]]  # so many milliseconds


@pytest.fixture
def forgetful(options: HistoryOptions) -> Forgetful:
    """In memory the clock is put forward; the one of a Redis server goes by itself."""
    now = NOW

    async def put_forward(milliseconds: int) -> None:
        nonlocal now
        now += milliseconds

    if options.url == MEMORY:
        return Forgetful(MemoryStore(LASTING, lambda: now), put_forward)
    store = RedisStore(replace(options, ttl_days=LASTING / DAY))
    return Forgetful(store, lambda milliseconds: asyncio.sleep(milliseconds / 1000))


def test_every_text_is_found_by_each_of_its_beginnings_and_by_no_pattern(options: HistoryOptions) -> None:
    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(*map(record, reversed(EVERY_TEXT))))
        assert await keys(store) == EVERY_TEXT
        for prefix in {each[:size] for each in EVERY_TEXT for size in range(len(each) + 1)} | {"nobody", ".", "k*"}:
            assert await keys(store, prefix) == [each for each in EVERY_TEXT if each.startswith(prefix)], prefix

    with_a_store(options, work)


@pytest.mark.parametrize("most", [1, 2, 7, 100])
def test_pages_of_any_size_give_everybody_once_and_in_order(options: HistoryOptions, most: int) -> None:
    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(*map(record, EVERY_TEXT)))
        pages = await every_page(store, most=most)
        assert [len(each.found) for each in pages[:-1]] == [most] * (len(pages) - 1)
        assert 0 < len(pages[-1].found) <= most
        assert [each.key.decode() for page in pages for each in page.found] == EVERY_TEXT

    with_a_store(options, work)


def test_ten_thousand_customers_are_found_by_what_their_ids_begin_with(options: HistoryOptions) -> None:
    ids = [str(each * 7919 % 100_003) for each in range(10_000)]

    async def work(store: HistoryStore) -> None:
        for _ in range(2):  # filled again, nothing changes
            for start in range(0, len(ids), 3_000):
                await store.fill_latest(latest(*map(record, ids[start : start + 3_000])))
            assert await keys(store) == sorted(ids)
        assert await keys(store, "12", 10) == sorted(each for each in ids if each.startswith("12"))
        middle = await store.latest_page(NAME, Wanted(after=b"5", most=3))
        assert [each.key.decode() for each in middle.found] == sorted(each for each in ids if each > "5")[:3]

    with_a_store(options, work)


@pytest.mark.parametrize(
    ("prefix", "after", "first"),
    [("2", "1", "2"), ("2", "2", "20"), ("2", "29", None), ("2", "3", None), ("", "", "0"), ("1", "1\uffff", None)],
)
def test_what_comes_after_a_key_still_begins_with_the_prefix(
    options: HistoryOptions, prefix: str, after: str, first: str | None
) -> None:
    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(*(record(str(each)) for each in range(30)), record("")))
        page = await store.latest_page(NAME, Wanted(prefix.encode(), after.encode()))
        assert next((each.key.decode() for each in page.found), None) == first

    with_a_store(options, work)


def test_a_late_record_does_not_replace_a_later_one_and_of_simultaneous_ones_the_highest_id_stays(
    options: HistoryOptions,
) -> None:
    async def work(store: HistoryStore) -> None:
        for time, id_, kept in [
            (5, 1, [5, 1]),
            (3, 9, [5, 1]),  # late
            (5, 0, [5, 1]),  # at the same time, with a lower id
            (5, 2**62 + 1, [5, 2**62 + 1]),
            (5, 2**62, [5, 2**62 + 1]),  # told apart by more digits than a float has
            (5, -(2**63), [5, 2**62 + 1]),
            (6, -(2**63), [6, -(2**63)]),
        ]:
            await store.remember([], latest=latest(record("kim", time, id_)))
            assert await said(store) == {"kim": kept}
        await store.remember([], latest=latest(record("kim", 6, -(2**63), "again")))
        assert await said(store) == {"kim": [6, -(2**63)]}

    with_a_store(options, work)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "ab", ""]), st.integers(-(2**40), 2**40) | st.integers(0, 2))
        .flatmap(lambda each: st.tuples(st.just(each[0]), st.just(each[1]), st.integers(-(2**63), 2**63 - 1)))
        .map(lambda each: record(*each)),
        max_size=20,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_order_in_which_records_arrive_the_same_are_the_latest(
    options: HistoryOptions, redis: PrivateRedis, records: list[LatestRecord]
) -> None:
    redis.ask("FLUSHALL")
    greatest = {each.key.decode(): each for each in sorted(records, key=lambda each: (each.time, each.id))}

    async def work(store: HistoryStore) -> None:
        for each in records:
            await store.remember([], latest=latest(each))
        assert await said(store) == {key: json.loads(each.record) for key, each in sorted(greatest.items())}

    with_a_store(options, work)


def test_it_is_said_when_a_record_was_received(options: HistoryOptions) -> None:
    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(record("filled")._replace(received=NOW - 1), record("live")))
        found = (await store.latest_page(NAME, Wanted())).found
        assert [(each.key, each.received < NOW) for each in found] == [(b"filled", True), (b"live", False)]
        assert found[0].received == NOW - 1

    with_a_store(options, work)


def test_a_dry_run_leaves_no_trace(options: HistoryOptions) -> None:
    async def work(store: HistoryStore) -> None:
        await store.remember([arrivals((1, entry(1)))], dry_run=True, latest=latest(record("kim")))
        assert await keys(store) == []
        await store.remember([arrivals((1, entry(1)))], latest=latest(record("kim")))
        assert await keys(store) == ["kim"]

    with_a_store(options, work)


def test_use_cases_do_not_see_each_other(options: HistoryOptions) -> None:
    async def work(store: HistoryStore) -> None:
        await store.fill_latest(LatestRecords(b"payments", [record("kim")]))
        assert await keys(store) == []

    with_a_store(options, work)


def test_whom_nothing_came_from_is_forgotten_and_whoever_is_heard_of_is_not(forgetful: Forgetful) -> None:
    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(record("kim", 5), *(record(str(each)) for each in range(500))))
        for _ in range(6):
            await forgetful.wait(LASTING // 5)
            await store.remember([], latest=latest(record("kim", 1, says="late")))
        assert await said(store) == {"kim": [5, 1]}
        await forgetful.wait(LASTING + LASTING // 5)
        await store.remember([], latest=latest(record("kim", 1, says="late, and nothing later is known")))
        assert await said(store) == {"kim": "late, and nothing later is known"}

    in_use(forgetful.store, work)


def test_nobody_is_listed_of_thousands_who_are_due_to_be_forgotten_at_once(forgetful: Forgetful) -> None:
    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(*(record(str(each)) for each in range(4_000))))
        await forgetful.wait(LASTING + LASTING // 5)
        await store.fill_latest(latest(record("kim")))
        assert await said(store) == {"kim": [0, 1]}

    in_use(forgetful.store, work)


def test_long_ids_are_not_listed_and_long_records_only_named(options: HistoryOptions) -> None:
    async def work(store: HistoryStore) -> None:
        longest, too_long = "é" * (MOST_KEY_BYTES // 2), "é" * (MOST_KEY_BYTES // 2) + "1"
        await store.fill_latest(
            latest(record(longest), record(too_long), record("wordy", says="a" * MOST_RECORD_BYTES))
        )
        assert await said(store) == {"wordy": None, longest: [0, 1]}
        assert await keys(store, too_long) == []

    with_a_store(options, work)


def test_memory_is_bounded_by_forgetting_whom_nothing_came_from_for_longest() -> None:
    kept = LatestInMemory(DAY, most_keys=3)
    for time, key in enumerate("abcadeb"):
        kept.keep(record(key, time), NOW)
    assert [each.key for each in kept.page(Wanted(), NOW).found] == [b"b", b"d", b"e"]
