"""The online store of histories in Redis: `python -m benchmarks.history_store`.

A server of its own, without a file of its data. First what a key costs: so many keys are filled with as many records as
are kept, and Redis says how its memory grew. Then orders that arrive, each at its customer and its e-mail: one a
request, one after the other and 16 at once, and 100 a request; processor times are the client's (packing, the round
trip, and the statistics of both histories) and the server's own. Reads are counted by Redis: a request of one order is
one read, longer ones come in pieces of 16 KB. With redis-py installed, the same script calls are sent through its
pipelines, without packing and statistics, beside our client doing the same.
"""

import argparse
import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeVar

import numpy as np
import uvloop
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.neighbours import moment, processor_seconds, share_of_others
from fraud_detection_api.features.entry_layout import EntryLayout
from fraud_detection_api.features.histories import HistoryKernel
from fraud_detection_api.features.history_plan import MISSING, Plan
from fraud_detection_api.schemas.histories import History, Remembered, Statistic, Window
from fraud_detection_api.storage.histories.options import HistoryOptions, address_of
from fraud_detection_api.storage.histories.redis_connection import command
from fraud_detection_api.storage.histories.redis_servers import RedisServers
from fraud_detection_api.storage.histories.redis_store import REMEMBER, SCRIPTS, RedisStore
from fraud_detection_api.storage.histories.store import Arrivals, WholeHistories
from tests.storage.histories.private_redis import PrivateRedis, private_redis
from tests.storage.histories.records import arriving, statistics

LAST_10 = Window(records=10)
AMOUNTS = (Statistic.MEAN, Statistic.DEVIATION, Statistic.SMALLEST, Statistic.LARGEST, Statistic.SUM)
OTHERS = (Statistic.DISTINCT, Statistic.SAME, Statistic.KNOWN)
ASKED = (
    *(Remembered(each, "amount", LAST_10) for each in AMOUNTS),
    *(Remembered(each, name, LAST_10) for each in OTHERS for name in ("email", "address")),
)
PLAN = Plan(History("customer", ("customer",), ASKED))
LAYOUT, KERNEL = EntryLayout.of(PLAN), HistoryKernel(PLAN)
NOW, DAY = 1_760_000_000_000, 86_400_000
SPREAD = 0x9E3779B97F4A7  # keys are hashes
KEYS_AT_ONCE, MOST_BYTES = 20_000, 1_024
T = TypeVar("T")
NAMES = (b"orders:customer", b"orders:email")


@dataclass(frozen=True)
class Spent:
    """What orders took: seconds, the client's and the server's processor time, and reads of the server."""

    seconds: float
    client: float
    server: float
    reads: int


def main() -> None:
    """Print bytes a key, then orders a second."""
    options = _options()
    before = moment([])
    with private_redis("--io-threads", "1") as server:
        console = Console(width=120)
        uvloop.run(_keys(server, options.keys, console))
        uvloop.run(_orders(server, options.orders, options.keys, console))
    print(f"Other processes took {share_of_others(before, moment([])):.0%} of the processors meanwhile.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history_store", description=__doc__)
    parser.add_argument("--keys", type=int, default=2_000_000, help="keys that are filled (default 2,000,000)")
    parser.add_argument("--orders", type=int, default=20_000, help="orders that arrive each time (default 20,000)")
    return parser.parse_args()


async def _keys(server: PrivateRedis, count: int, console: Console) -> None:
    """Fill every key with as many records as are kept."""
    random, store = np.random.default_rng(3), RedisStore(HistoryOptions(server.url, timeout_seconds=30))
    await store.start()
    empty, began = _stat(server, "memory", "used_memory"), time.perf_counter()
    for first in range(0, count, KEYS_AT_ONCE):
        keys = np.arange(first, min(first + KEYS_AT_ONCE, count)) * SPREAD
        await store.fill(_whole(keys, random))
    seconds = time.perf_counter() - began
    await store.stop()
    bytes_a_key = (_stat(server, "memory", "used_memory") - empty) / count
    table = Table("keys", "kept", "packed", "bytes a key", "target", "filled keys/s", box=MARKDOWN)
    reached = f"<= {MOST_BYTES:,} {'reached' if bytes_a_key <= MOST_BYTES else 'MISSED'}"
    packed = str(22 + PLAN.kept * LAYOUT.size)
    table.add_row(f"{count:,}", str(PLAN.kept), packed, f"{bytes_a_key:,.0f}", reached, f"{count / seconds:,.0f}")
    console.print(table)


def _whole(keys: NDArray[np.int64], random: np.random.Generator) -> WholeHistories:
    shape = len(keys), PLAN.kept
    entries = np.empty((*shape, PLAN.width), np.int64)
    entries[:, :, 0] = NOW - np.arange(PLAN.kept, 0, -1) * DAY
    entries[:, :, 1] = random.integers(0, 2**62, shape)
    entries[:, :, 2], entries[:, :, 3] = entries[:, :, 0], MISSING
    entries[:, :, 4] = random.integers(0, 100_000, shape)
    entries[:, :, 5:] = random.integers(-(2**46), 2**46, (*shape, 2))
    ends = np.arange(1, len(keys) + 1) * PLAN.kept
    return WholeHistories(LAYOUT, NAMES[0], keys, entries.reshape(-1, PLAN.width), ends, np.full(len(keys), MISSING))


async def _orders(server: PrivateRedis, count: int, keys: int, console: Console) -> None:
    random, store = np.random.default_rng(4), RedisStore(HistoryOptions(server.url, timeout_seconds=30))
    table = Table("orders", "at once", "orders/s", "client, us", "Redis, us", "reads a request", box=MARKDOWN)
    await store.start()
    for size, at_once in ((1, 1), (1, 16), (100, 1), (100, 4)):
        requests = [_arrivals(size, keys, random) for _ in range(count // size)]
        spent = await _spent(server, requests, at_once, lambda each: _remember(store, each))
        _add_row(table, str(size), at_once, size * len(requests), len(requests), spent)
    await store.stop()
    requests = [_arrivals(1, keys, random) for _ in range(count)]
    await _clients(server, requests, table)
    console.print(table)


def _arrivals(size: int, keys: int, random: np.random.Generator) -> list[Arrivals]:
    """Orders at random customers, most of whom are known."""
    found = []
    for name in NAMES:
        entries = np.empty((size, PLAN.width), np.int64)
        entries[:, 0] = NOW + random.integers(0, DAY, size)
        entries[:, 1] = random.integers(0, 2**62, size)
        entries[:, 2], entries[:, 3] = 0, MISSING
        entries[:, 4:] = random.integers(0, 100_000, (size, 3))
        places = random.integers(0, keys, size) * SPREAD
        found.append(arriving(LAYOUT, name, places, entries))
    return found


async def _remember(store: RedisStore, arrivals: Sequence[Arrivals]) -> None:
    for known in await store.remember(arrivals):
        statistics(known, KERNEL)


async def _spent(
    server: PrivateRedis, requests: Sequence[T], at_once: int, ask: Callable[[T], Awaitable[object]]
) -> Spent:
    async def caller(place: int) -> None:
        for each in requests[place::at_once]:
            await ask(each)

    question = -(_reads(server) - _reads(server))  # our own one
    before, redis, began, own = _reads(server), _processor(server), time.perf_counter(), time.process_time()
    await asyncio.gather(*map(caller, range(at_once)))
    seconds, own = time.perf_counter() - began, time.process_time() - own
    return Spent(seconds, own, _processor(server) - redis, _reads(server) - before - 2 * question)


async def _clients(server: PrivateRedis, requests: Sequence[Sequence[Arrivals]], table: Table) -> None:
    """Our client and redis-py with the same commands, and nothing around them."""
    words = [[*_words(each)] for each in requests]
    servers = RedisServers(address_of(server.url), 30, SCRIPTS)
    await servers.start()
    asked = [([own[3] for own in each], [command(*own) for own in each]) for each in words]
    spent = await _spent(server, asked, 16, lambda each: servers.call(lambda: each[0], each[1]))
    await servers.stop()
    _add_row(table, "1, our client alone", 16, len(requests), len(requests), spent)
    if find_spec("redis") is None:
        return
    other = importlib.import_module("redis.asyncio").Redis(port=server.port, max_connections=16)

    async def ask(each: list[tuple[bytes, ...]]) -> None:
        async with other.pipeline(transaction=False) as pipeline:
            for own in each:
                pipeline.execute_command(*own)
            await pipeline.execute()

    spent = await _spent(server, words, 16, ask)
    await other.aclose()
    _add_row(table, "1, redis-py alone", 16, len(requests), len(requests), spent)


def _words(request: Sequence[Arrivals]) -> Iterator[tuple[bytes, ...]]:
    for each in request:
        for name, entry in zip(each.names(b"fraud:"), each.entries, strict=True):
            yield b"EVALSHA", REMEMBER, b"1", name, entry, LAYOUT.mark, b"%d" % PLAN.kept, b"100000000"


def _add_row(table: Table, what: str, at_once: int, orders: int, requests: int, spent: Spent) -> None:
    client, redis = (f"{1e6 * seconds / orders:.1f}" for seconds in (spent.client, spent.server))
    table.add_row(what, str(at_once), f"{orders / spent.seconds:,.0f}", client, redis, f"{spent.reads / requests:.2f}")


def _reads(server: PrivateRedis) -> int:
    return _stat(server, "stats", "total_reads_processed")


def _processor(server: PrivateRedis) -> float:
    return processor_seconds(server.pid)


def _stat(server: PrivateRedis, section: str, name: str) -> int:
    found = server.ask("INFO", section)
    assert isinstance(found, bytes)
    return int(found.split(name.encode() + b":")[1].split()[0])


if __name__ == "__main__":
    main()
