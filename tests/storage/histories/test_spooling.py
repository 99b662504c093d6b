"""Degraded: with the server away records are scored as if nothing were known, and remembered once it is back."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.history_errors import HistoriesAway, HistoriesUnreadable
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore
from tests.running_service import PROJECT
from tests.storage.histories.private_redis import PrivateRedis, private_redis
from tests.storage.histories.records import PLAN, arrivals, entry, soon, started

EMPTY_BYTES = 60
KILLED = """
import asyncio, sys
from pathlib import Path
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import HistoryOptions
from tests.storage.histories.records import arrivals, entry

async def run():
    store = store_of(HistoryOptions(sys.argv[1], away="degrade", spool=Path(sys.argv[2])))
    await store.start()
    for each in range(40):
        known = await store.remember([arrivals((1, entry(each, each)), (2, entry(each, each)))])
        assert known[0].is_degraded
    print("remembered", flush=True)
    await asyncio.sleep(600)

asyncio.run(run())
"""


@asynccontextmanager
async def store_at(redis: PrivateRedis, folder: Path, most_bytes: int = 1_000_000) -> AsyncIterator[HistoryStore]:
    """A store that spools, as a worker of the service has it."""
    options = HistoryOptions(redis.url, away="degrade", timeout_seconds=20, spool=folder, spool_max_bytes=most_bytes)
    async with started(store_of(options)) as store:
        yield store


async def applied(redis: PrivateRedis, keys: int, folder: Path) -> None:
    """Wait until so many keys are in the server, and nothing waits for it."""
    await soon(lambda: len(redis.packed()) >= keys and not waiting(folder))


def waiting(folder: Path) -> int:
    """How many files have records; each worker has one without."""
    return sum(path.stat().st_size > EMPTY_BYTES for path in folder.glob("*.spool"))


async def tried(store: HistoryStore, id_: int) -> str:
    """Why a record is refused, where it is."""
    try:
        await store.remember([arrivals((1, entry(id_)))])
    except HistoriesAway as away:
        return away.why
    return ""


async def entries_of(store: HistoryStore, keys: Sequence[int]) -> list[list[int]]:
    """The ids that each key has."""
    known = (await store.remember([arrivals(*((key, entry(999, 999)) for key in keys))], dry_run=True))[0]
    return [own[:, 1].tolist() for own in np.split(known.unpacked.entries, known.unpacked.ends[:-1])]


def test_records_that_came_meanwhile_are_there_afterwards_as_if_nothing_had_been(tmp_path: Path) -> None:
    with private_redis() as server:

        async def run() -> list[list[int]]:
            async with store_at(server, tmp_path) as store:
                server.stop()
                known = await store.remember([arrivals((1, entry(1)), (2, entry(2))), arrivals((3, entry(3)))])
                assert [each.is_degraded for each in known] == [True, True]
                assert [each.unpacked.ends.tolist() for each in known] == [[0, 0], [0]]
                assert (await store.remember([arrivals((9, entry(9)))], dry_run=True))[0].is_degraded
                await store.remember([arrivals((1, entry(5, 5)), (1, entry(3, 3)))])
                server.start()
                await applied(server, 3, tmp_path)
                return await entries_of(store, [1, 2, 3, 9])

        assert asyncio.run(run()) == [[1, 3, 5], [2], [3], []]


def test_records_of_a_killed_worker_are_applied_by_the_next_one(tmp_path: Path) -> None:
    with private_redis() as server:
        server.stop()
        command = [sys.executable, "-c", KILLED, server.url, str(tmp_path)]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"remembered\n"
            worker.send_signal(signal.SIGKILL)
        server.start()

        async def run() -> list[list[int]]:
            async with store_at(server, tmp_path) as store:
                await applied(server, 2, tmp_path)
                return await entries_of(store, [1, 2])

        last = [*range(40 - PLAN.kept, 40)]
        assert asyncio.run(run()) == [last, last]
        assert list(tmp_path.iterdir()) == []


def test_what_is_applied_twice_or_by_two_workers_is_there_once(tmp_path: Path) -> None:
    with private_redis() as server:

        async def run() -> list[list[int]]:
            async with store_at(server, tmp_path) as one, store_at(server, tmp_path) as other:
                await one.remember([arrivals((1, entry(1)))])
                server.stop()
                for each in range(3):  # one that the caller sends to both
                    await one.remember([arrivals((1, entry(each, each)))])
                    await other.remember([arrivals((1, entry(each, each)))])
                server.start()
                await applied(server, 1, tmp_path)
                return await entries_of(one, [1])

        assert asyncio.run(run()) == [[0, 1, 2]]


def test_a_full_spool_takes_no_more_and_says_so(tmp_path: Path) -> None:
    with private_redis() as server:
        server.stop()

        async def run() -> None:
            async with store_at(server, tmp_path, most_bytes=2_000) as store:
                found = [await tried(store, each) for each in range(100)]
            assert "the spool is full" in found[-1]
            assert found.count("") == len([each for each in found if "full" not in each]) > 5

        asyncio.run(run())


def test_a_damaged_file_is_set_aside_and_the_rest_is_applied(tmp_path: Path) -> None:
    with private_redis() as server:
        server.stop()

        async def spool() -> None:
            async with store_at(server, tmp_path) as store:
                await store.remember([arrivals((1, entry(1)))])
                await store.remember([arrivals((2, entry(2)))])

        asyncio.run(spool())
        path = next(tmp_path.glob("*.spool"))
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        server.start()

        async def run() -> list[list[int]]:
            async with store_at(server, tmp_path) as store:
                await applied(server, 1, tmp_path)
                return await entries_of(store, [1, 2])

        assert asyncio.run(run()) == [[1], []]
        assert [each.suffix for each in tmp_path.iterdir()] == [".refused"]


@pytest.mark.parametrize("there", [("LPUSH", "a list"), ("SET", "\x01written for another declaration")])
def test_a_key_that_cannot_be_read_does_not_hold_the_others_up(tmp_path: Path, there: tuple[str, str]) -> None:
    with private_redis() as server:

        async def run() -> list[list[int]]:
            async with store_at(server, tmp_path) as store:
                server.stop()
                await store.remember([arrivals((1, entry(1)), (2, entry(2)))])
                server.start()
                server.ask(there[0], b"fraud:orders:customer:" + bytes(7) + b"\x01", there[1])
                await soon(lambda: not waiting(tmp_path))
                with pytest.raises(HistoriesUnreadable):
                    await entries_of(store, [1])
                return await entries_of(store, [2])

        assert asyncio.run(run()) == [[2]]
        assert [each.suffix for each in tmp_path.iterdir()] == [".refused"]
