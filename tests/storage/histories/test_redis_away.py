"""Redis that is away, in every way that it has: what waits fails at once, and nothing needs a restart afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from fraud_detection_api.history_errors import HistoriesAway
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore
from tests.storage.histories.private_redis import PrivateRedis, private_redis
from tests.storage.histories.records import arrivals, entry, once_it_is_back, started

ONE, NEXT = [arrivals((1, entry(1)))], [arrivals((1, entry(9)))]


@asynccontextmanager
async def store_at(redis: PrivateRedis, patience: float = 20) -> AsyncIterator[HistoryStore]:
    """A store as the service has it."""
    async with started(store_of(HistoryOptions(redis.url, timeout_seconds=patience))) as store:
        yield store


async def refusal(ask: Callable[[], Awaitable[object]]) -> str:
    """Why histories are away."""
    with pytest.raises(HistoriesAway) as caught:
        await ask()
    assert caught.value.status == 503
    return caught.value.why


def test_a_server_that_comes_later_is_found() -> None:
    with private_redis() as later:
        later.stop()

        async def run() -> int:
            async with store_at(later) as store:
                assert "refused" in await refusal(lambda: store.remember(ONE))
                later.start()
                return (await once_it_is_back(store, NEXT))[0]

        assert asyncio.run(run()) == 0


def test_all_that_waits_fails_when_the_server_dies_and_all_is_well_once_it_is_back() -> None:
    with private_redis() as server:

        async def run() -> int:
            async with store_at(server) as store:
                await store.remember(ONE)
                with server.silent():
                    waiting = [asyncio.create_task(store.remember(ONE)) for _ in range(5)]
                    await asyncio.sleep(0.05)
                    server.stop()
                found = await asyncio.gather(*waiting, return_exceptions=True)
                assert [type(each) for each in found] == [HistoriesAway] * 5
                server.start()
                return (await once_it_is_back(store, NEXT))[0]

        assert asyncio.run(run()) == 0  # it keeps nothing on a disk, and its scripts are gone, too


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_allowed(redis: PrivateRedis) -> None:
    redis.ask("FLUSHALL")

    async def run() -> int:
        async with store_at(redis, 0.2) as store:
            await store.remember(ONE)
            with redis.silent():
                assert "within 0.2 seconds" in await refusal(lambda: store.remember(ONE))
                await refusal(lambda: store.remember(ONE))
            return (await once_it_is_back(store, NEXT))[0]

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize(
    ("trouble", "cure", "code"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OOM"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "READONLY"),
    ],
)
def test_a_server_that_takes_nothing_is_away(
    redis: PrivateRedis, trouble: tuple[str, ...], cure: tuple[str, ...], code: str
) -> None:
    redis.ask("FLUSHALL")

    async def run() -> int:
        async with store_at(redis) as store:
            await store.remember(ONE)
            redis.ask(*trouble)
            try:
                assert code in await refusal(lambda: store.remember([arrivals((1, entry(2)))]))
            finally:
                redis.ask(*cure)
            return (await once_it_is_back(store, NEXT))[0]

    assert asyncio.run(run()) == 1


def test_a_server_that_still_loads_is_waited_for() -> None:
    with private_redis("--save", "3600 1", "--dbfilename", "dump.rdb") as server:
        server.ask("EVAL", "for key = 1, 1000 do redis.call('SET', key, 'value of ' .. key) end", 0)
        server.ask("SAVE")
        server.stop()
        server.settings = (
            *server.settings,
            "--key-load-delay",
            "2000",
            "--loading-process-events-interval-bytes",
            "1024",
        )
        server.start()

        async def run() -> int:
            async with store_at(server) as store:
                assert "LOADING" in await refusal(lambda: store.remember(ONE))
                return (await once_it_is_back(store, NEXT))[0]

        assert asyncio.run(run()) == 0


def test_scripts_that_are_gone_are_brought_again(redis: PrivateRedis) -> None:
    async def run() -> list[int]:
        async with store_at(redis) as store:
            await store.remember(ONE)
            redis.ask("SCRIPT", "FLUSH")
            many = [(2, entry(each, each)) for each in range(3)]
            return [int(each) for each in (await store.remember([arrivals(*many)]))[0].unpacked.ends]

    redis.ask("FLUSHALL")
    assert asyncio.run(run()) == [0, 1, 3]


def test_a_store_that_is_not_started_or_ended_says_so(redis: PrivateRedis) -> None:
    async def run() -> None:
        store = store_of(HistoryOptions(redis.url))
        assert "not started" in await refusal(lambda: store.remember(ONE))
        async with started(store):
            await store.remember(ONE)
        assert "ending" in await refusal(lambda: store.remember(ONE))

    asyncio.run(run())
