"""The latest records of customers in Redis: nothing is left behind, processes share it, a cluster spreads it."""

import asyncio

import pytest

from fraud_detection_api.history_errors import HistoriesUnreadable
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.latest import Wanted
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore
from tests.storage.histories.latest_records import NAME, keys, latest, record, said, with_a_store
from tests.storage.histories.private_redis import PrivateRedis
from tests.storage.histories.records import arrivals, entry, soon, started
from tests.storage.histories.test_redis_servers import cluster


def test_redis_keeps_nothing_of_whom_it_forgets(redis: PrivateRedis) -> None:
    redis.ask("FLUSHALL")

    def size() -> int:
        names = redis.ask("KEYS", "*")
        assert isinstance(names, list)
        found = [redis.ask("HLEN" if b"records" in each else "ZCARD", each) for each in names]
        return sum(each for each in found if isinstance(each, int))

    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(*(record(str(each)) for each in range(100))))
        assert size() == 300
        for each in range(100):  # new ones take the places of old ones
            await asyncio.sleep(0.01)
            await store.remember([], latest=latest(record(f"another {each}")))
        assert size() < 600
        await soon(lambda: size() == 0)
        assert redis.ask("KEYS", "*") == []

    with_a_store(HistoryOptions(redis.url, ttl_days=500 / DAY, timeout_seconds=20), work)


def test_two_processes_share_what_redis_has(redis: PrivateRedis) -> None:
    redis.ask("FLUSHALL")
    options = HistoryOptions(redis.url, timeout_seconds=20)

    async def work(store: HistoryStore) -> None:
        async with started(store_of(options)) as other:
            both = [store, other]
            works = [
                both[each % 2].remember([], latest=latest(record(str(each % 20), each)))
                for each in (number * 37 % 200 for number in range(200))
            ]
            await asyncio.gather(*works)
            assert await said(store) == await said(other) == {str(each): [180 + each, 1] for each in range(20)}

    with_a_store(options, work)


def test_a_cluster_keeps_some_of_it_on_each_of_its_servers() -> None:
    ids = sorted(str(each) for each in range(500))

    with cluster() as servers:

        async def work(store: HistoryStore) -> None:
            await store.remember([arrivals((1, entry(1)))], latest=latest(*map(record, ids)))
            await store.fill_latest(latest(*map(record, ids)))
            assert await keys(store, most=30) == ids
            assert all(len(found_on(server)) >= 3 for server in servers)

        with_a_store(HistoryOptions(servers[0].url, timeout_seconds=20), work)


def found_on(server: PrivateRedis) -> list[bytes]:
    """The names of what one server has of it."""
    names = server.ask("KEYS", "*latest*")
    assert isinstance(names, list)
    return names


@pytest.mark.parametrize("kept", [b"", b"\x02" + bytes(40), b"\x01short", b"[1]"])
def test_what_was_never_written_there_is_refused(redis: PrivateRedis, kept: bytes) -> None:
    redis.ask("FLUSHALL")

    async def work(store: HistoryStore) -> None:
        await store.fill_latest(latest(record("kim")))
        (name,) = [each for each in found_on(redis) if each.endswith(b":records")]
        redis.ask("HSET", name, "kim", kept)
        with pytest.raises(HistoriesUnreadable, match="another format"):
            await store.latest_page(NAME, Wanted())
        if not kept.startswith(b"\x01"):
            await store.fill_latest(latest(record("kim", -5)))
            assert await keys(store) == ["kim"]

    with_a_store(HistoryOptions(redis.url, timeout_seconds=20), work)
