"""Histories in the memory of this process: the default, for one worker without a server."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from loguru import logger

from fraud_detection_api.features.packed_records import Answer
from fraud_detection_api.storage.histories.latest import LatestPage, LatestRecords, Wanted
from fraud_detection_api.storage.histories.latest_memory import LatestInMemory
from fraud_detection_api.storage.histories.packed import merged, remembered
from fraud_detection_api.storage.histories.store import (
    Arrivals,
    Known,
    WholeHistories,
    packed_of,
)

MOST_KEYS = 1_000_000  # about a gigabyte: beyond that, what was not touched for the longest time is forgotten


def milliseconds() -> int:
    """Since 1970, by this machine's clock."""
    return time.time_ns() // 1_000_000


class MemoryStore:
    """Packed histories by their names, the longest untouched ones first."""

    def __init__(
        self, ttl_milliseconds: int, clock: Callable[[], int] = milliseconds, most_keys: int = MOST_KEYS
    ) -> None:
        self._ttl = ttl_milliseconds
        self._clock = clock
        self._most_keys = most_keys
        self._is_full = False
        self._values: dict[bytes, tuple[int, bytes]] = {}
        self._latest = defaultdict[bytes, LatestInMemory](lambda: LatestInMemory(ttl_milliseconds))

    async def start(self) -> None:
        """There is nothing to connect to."""

    async def stop(self) -> None:
        """Forget nothing: it may be started again."""

    async def remember(
        self, arrivals: Sequence[Arrivals], *, dry_run: bool = False, latest: LatestRecords | None = None
    ) -> list[Known]:
        """What was known of the records' keys, to which they are added in the same step; a dry run adds nothing."""
        if latest is not None and not dry_run:
            await self.fill_latest(latest)
        return [self._remember(each, {} if dry_run else None) for each in arrivals]

    async def fill(self, histories: WholeHistories) -> None:
        """Add whole histories to those that are there; repeated, it changes nothing."""
        layout, now = histories.layout, self._clock()
        for name, other in packed_of(histories):
            self._put(name, merged(layout, self._value(name, now), other), now)

    async def fill_latest(self, latest: LatestRecords) -> None:
        """Keep records, each unless a later one of the same key is kept; repeated, it changes nothing."""
        kept, now = self._latest[latest.name], self._clock()
        for each in latest.listed:
            kept.keep(each, now)

    async def latest_page(self, name: bytes, wanted: Wanted) -> LatestPage:
        """Some of the latest records of a use case, in the order of their keys."""
        return self._latest[name].page(wanted, self._clock())

    def packed(self) -> dict[bytes, bytes]:
        """All packed histories by their names."""
        return {name: value for name, (_, value) in self._values.items()}

    def _remember(self, arrivals: Arrivals, scratch: dict[bytes, bytes] | None) -> Known:
        """What was known; with a scratch, records see each other there, and nothing else changes."""
        answers = list[Answer]()
        for name, entry in zip(arrivals.names(), arrivals.entries, strict=True):
            now = self._clock()
            value = self._value(name, now) if scratch is None else scratch.get(name, self._value(name, now))
            arrived, changed = remembered(arrivals.layout, value, entry, now)
            answers.append((value, arrived))
            if changed is not None and scratch is not None:
                scratch[name] = changed
            elif changed is not None:
                self._put(name, changed, now)
        return Known(arrivals, answers)

    def _value(self, name: bytes, now: int) -> bytes | None:
        found = self._values.get(name)
        return found[1] if found and found[0] > now else None

    def _put(self, name: bytes, value: bytes, now: int) -> None:
        """Renew a history, and forget one that is out of date: those come first, since all last equally long."""
        self._values.pop(name, None)
        self._values[name] = now + self._ttl, value
        oldest = next(iter(self._values))
        if len(self._values) > self._most_keys:
            self._say_full()
        elif self._values[oldest][0] > now:
            return
        del self._values[oldest]

    def _say_full(self) -> None:
        if not self._is_full:  # once
            logger.warning(
                "{:,} histories are in memory, and the longest untouched ones are forgotten from here on: "
                "set FRAUD_HISTORIES to a Redis server",
                self._most_keys,
            )
        self._is_full = True
