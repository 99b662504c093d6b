"""Records of a small history, as they arrive at a store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

from fraud_detection_api.features.entry_layout import EntryLayout
from fraud_detection_api.features.histories import HistoryKernel
from fraud_detection_api.features.history_numpy import Flags, Numbers, Whole
from fraud_detection_api.features.history_plan import MISSING, Plan
from fraud_detection_api.features.packed_records import packed_records
from fraud_detection_api.history_errors import HistoriesAway
from fraud_detection_api.schemas.histories import History, Remembered, Statistic, Window
from fraud_detection_api.storage.histories.store import Arrivals, HistoryStore, Known, WholeHistories
from tests.running_service import LONGEST_WAIT

LAST_3 = Window(records=3)
ASKED = (
    Remembered(Statistic.SUM, "amount", LAST_3),
    Remembered(Statistic.COUNT, over=Window(hours=2)),
    Remembered(Statistic.KNOWN, "email"),
    Remembered(Statistic.DISTINCT, "address", LAST_3),
    Remembered(Statistic.SINCE),
    Remembered(Statistic.FRAUDS),
)
PLAN = Plan(History("customer", ("customer_id",), ASKED, kept=4))
LAYOUT = EntryLayout.of(PLAN)
NAME = b"orders:customer"
NOW = 1_700_000_000_000  # milliseconds
HOUR = 3_600_000
TRIES = 1_500
NO_LABEL = int(MISSING)


def entry(id_: int, time: int = 0, received: int = 0, label: int = NO_LABEL, amount: int = 100) -> list[int]:
    """An entry of this history, at a time in hours."""
    return [NOW + time * HOUR, id_, received, label, amount, 7, id_ % 3]


def arrivals(*records: tuple[int, list[int]], name: bytes = NAME) -> Arrivals:
    """Records and the keys that they arrive at."""
    keys = np.array([key for key, _ in records], np.int64)
    return arriving(LAYOUT, name, keys, rows(own for _, own in records))


def arriving(layout: EntryLayout, name: bytes, keys: Whole, entries: Whole) -> Arrivals:
    """Entries and the keys that they arrive at."""
    packed = packed_records(layout, keys, entries)
    return Arrivals(layout, name, [key for key in packed.keys if key is not None], packed.entries)


def statistics(known: Known, kernel: HistoryKernel) -> tuple[Numbers, Flags]:
    """What a history says of records, a row for each, and flags."""
    arrivals = known.arrivals
    with suppress(ValueError):  # as a service does
        if kernel.compiled:
            keys: list[bytes | None] = [*arrivals.keys]
            found = kernel.compiled.recalled([kernel.compiled], [keys], [arrivals.entries], [known.answers])
            values, flags, received = found
            assert np.frombuffer(received, np.int64).tolist() == known.received
            by_statistic = np.frombuffer(values).reshape(len(kernel.plan.statistics), len(known.answers))
            return by_statistic.T, np.frombuffer(flags, np.uint8)
    return known.statistics(kernel)


def whole(histories: dict[int, list[list[int]]], dropped: dict[int, int] | None = None) -> WholeHistories:
    """All that is known of some keys."""
    ends = np.cumsum([len(each) for each in histories.values()]).astype(np.int64)
    gone = np.array([(dropped or {}).get(key, MISSING) for key in histories], np.int64)
    keys = np.array([*histories], np.int64)
    return WholeHistories(LAYOUT, NAME, keys, rows(each for own in histories.values() for each in own), ends, gone)


def rows(entries: Iterable[list[int]]) -> Whole:
    """Entries as the kernel has them."""
    return np.array([*entries], np.int64).reshape(-1, PLAN.width)


@asynccontextmanager
async def started(store: HistoryStore) -> AsyncIterator[HistoryStore]:
    """A store as the service has it between its start and its end."""
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def soon(happens: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of."""
    for _ in range(TRIES):
        if happens():
            return
        await asyncio.sleep(LONGEST_WAIT / TRIES)
    pytest.fail(f"not within {LONGEST_WAIT} s")


async def once_it_is_back(store: HistoryStore, asked: Sequence[Arrivals]) -> list[int]:
    """How many entries each record's key has, asked again and again until somebody knows."""
    for _ in range(TRIES):
        try:
            return [int(each) for each in np.diff((await store.remember(asked))[0].unpacked.ends, prepend=0)]
        except HistoriesAway:
            await asyncio.sleep(LONGEST_WAIT / TRIES)
    pytest.fail(f"not back within {LONGEST_WAIT} s")
