"""Latest records as a store is given them, and what it says of them page by page."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.latest import LatestPage, LatestRecord, LatestRecords, Wanted
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore
from tests.storage.histories.records import NOW, started

NAME = b"orders"


def record(key: str | bytes, time: int = 0, id_: int = 1, says: object = None) -> LatestRecord:
    """A record of somebody, which says when it was unless it says something else."""
    text = json.dumps([time, id_] if says is None else says)
    return LatestRecord(key.encode() if isinstance(key, str) else key, NOW + time, id_, text.encode())


def latest(*records: LatestRecord) -> LatestRecords:
    """Records of this use case."""
    return LatestRecords(NAME, records)


def in_use(store: HistoryStore, work: Callable[[HistoryStore], Awaitable[None]]) -> None:
    """Do something with a store between its start and its end."""

    async def run() -> None:
        async with started(store):
            await work(store)

    asyncio.run(run())


def with_a_store(options: HistoryOptions, work: Callable[[HistoryStore], Awaitable[None]]) -> None:
    """The same with the store that the options name."""
    in_use(store_of(options), work)


async def every_page(store: HistoryStore, prefix: str = "", most: int = 1000) -> list[LatestPage]:
    """All that begins with a prefix, page by page."""
    pages = [await store.latest_page(NAME, Wanted(prefix.encode(), most=most))]
    while pages[-1].next is not None:
        pages.append(await store.latest_page(NAME, Wanted(prefix.encode(), pages[-1].next, most)))
    return pages


async def keys(store: HistoryStore, prefix: str = "", most: int = 1000) -> list[str]:
    """Whose records begin with a prefix."""
    return [each.key.decode() for page in await every_page(store, prefix, most) for each in page.found]


async def said(store: HistoryStore) -> dict[str, object]:
    """What each latest record says."""
    return {each.key.decode(): json.loads(each.record) for page in await every_page(store) for each in page.found}
