"""Histories in Redis: one packed value a key, and one script call a record: it adds it and returns what was before."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha1
from importlib.resources import files
from itertools import chain, islice

import numpy as np

from fraud_detection_api.history_errors import HistoriesUnreadable
from fraud_detection_api.storage.histories.latest import LatestPage, LatestRecords, Wanted
from fraud_detection_api.storage.histories.latest_redis import LATEST_SCRIPTS, LatestInRedis
from fraud_detection_api.storage.histories.layout import MOST_RECEIVED, EntryLayout
from fraud_detection_api.storage.histories.options import HistoryOptions, address_of
from fraud_detection_api.storage.histories.packed import may_be, remembered
from fraud_detection_api.storage.histories.redis_connection import Reply, command
from fraud_detection_api.storage.histories.redis_servers import RedisServers
from fraud_detection_api.storage.histories.store import (
    Arrivals,
    Known,
    WholeHistories,
    entries_of,
    names_of,
    packed_of,
)

ANSWERED = 2  # by the script: the packed history, and when the record arrived
KEYS_AT_ONCE = 500  # of whole histories: live records wait no longer than these take
SCRIPTS = [files(__package__).joinpath(f"{name}.lua").read_bytes() for name in ("remember", "merge")]
REMEMBER, MERGE = (sha1(script, usedforsecurity=False).hexdigest().encode() for script in SCRIPTS)


class RedisStore:
    """One server or a cluster, shared by all processes of the service; the time of arrival is the server's."""

    def __init__(self, options: HistoryOptions) -> None:
        self._servers = RedisServers(address_of(options.url), options.timeout_seconds, [*SCRIPTS, *LATEST_SCRIPTS])
        self._prefix = options.prefix.encode() + b":"
        self._ttl = b"%d" % options.ttl_milliseconds
        self._latest = LatestInRedis(self._servers, self._prefix, self._ttl)

    async def start(self) -> None:
        """Connect; a server that is away does not end the start, one that refuses the service does."""
        await self._servers.start()

    async def stop(self) -> None:
        """Hang up."""
        await self._servers.stop()

    async def remember(
        self, arrivals: Sequence[Arrivals], *, dry_run: bool = False, latest: LatestRecords | None = None
    ) -> list[Known]:
        """What was known of the records' keys, to which they are added in the same step; a dry run adds nothing."""
        names = [names_of(self._prefix + each.name, each.keys) for each in arrivals]
        entries = [entries_of(each) for each in arrivals]
        ttl = b"0" if dry_run else self._ttl
        own = zip(arrivals, names, entries, strict=True)
        orders = [_remember(each.layout, its_names, its_entries, ttl) for each, its_names, its_entries in own]
        kept = self._latest.calls(latest) if latest is not None and not dry_run else []
        keys = [*chain(*names), *(each.key for each in kept)]
        replies = iter(await self._servers.call(keys, [*chain(*orders), *(each.command for each in kept)]))
        found = []
        for each, its_names, its_entries in zip(arrivals, names, entries, strict=True):
            values, received = _values(each, islice(replies, len(its_names)))
            if dry_run:
                _see_each_other(each.layout, list(zip(its_names, its_entries, strict=True)), values, received)
            found.append(Known(each, values, np.array(received, np.int64)))
        return found

    async def fill(self, histories: WholeHistories) -> None:
        """Add whole histories to those that are there, whatever arrives meanwhile; repeated, it changes nothing."""
        layout, packed = histories.layout, packed_of(histories)
        end = [b"%d" % layout.size, b"%d" % layout.kept, self._ttl]
        while some := [(self._prefix + name, value) for name, value in islice(packed, KEYS_AT_ONCE)]:
            orders = [command(b"EVALSHA", MERGE, b"1", name, value, *end) for name, value in some]
            replies = await self._servers.call([name for name, _ in some], orders)
            if any(reply != 1 for reply in replies):
                raise HistoriesUnreadable(histories.name, "one that is there was written for another declaration")

    async def fill_latest(self, latest: LatestRecords) -> None:
        """Keep records, each unless a later one of the same key is kept; repeated, it changes nothing."""
        await self._latest.fill(latest)

    async def latest_page(self, name: bytes, wanted: Wanted) -> LatestPage:
        """Some of the latest records of a use case, in the order of their keys."""
        return await self._latest.page(name, wanted)


def _remember(layout: EntryLayout, names: list[bytes], entries: list[bytes], ttl: bytes) -> list[bytes]:
    """A script call for each record; all but key and entry is the same for all of them."""
    if not names:
        return []
    before, between, after = _around(layout.mark, layout.kept, len(names[0]), len(entries[0]), ttl)
    return [b"".join((before, name, between, entry, after)) for name, entry in zip(names, entries, strict=True)]


@lru_cache(maxsize=1024)
def _around(mark: bytes, kept: int, name_bytes: int, entry_bytes: int, ttl: bytes) -> tuple[bytes, bytes, bytes]:
    """A script call without key and entry."""
    most = b"%d" % kept
    after = b"\r\n$8\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (mark, len(most), most, len(ttl), ttl)
    before = b"*8\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n1\r\n$%d\r\n" % (REMEMBER, name_bytes)
    return before, b"\r\n$%d\r\n" % entry_bytes, after


def _values(arrivals: Arrivals, replies: Iterable[Reply]) -> tuple[list[bytes | None], list[int]]:
    values, received = list[bytes | None](), list[int]()
    for reply in replies:
        value, arrived = reply if isinstance(reply, list) and len(reply) == ANSWERED else ("", None)
        if not isinstance(value, bytes | None) or not isinstance(arrived, int) or abs(arrived) > MOST_RECEIVED:
            raise HistoriesUnreadable(arrivals.name, "the script's answer is none of ours")
        values.append(value)
        received.append(arrived)
    return values, received


def _see_each_other(
    layout: EntryLayout, records: Sequence[tuple[bytes, bytes]], values: list[bytes | None], received: list[int]
) -> None:
    """Of a dry run: what records of the same key would have found of those before them."""
    scratch: dict[bytes, bytes] = {}
    for at, (name, entry) in enumerate(records):
        values[at] = scratch.get(name, values[at])
        if may_be(layout, values[at]):
            received[at], changed = remembered(layout, values[at], entry, received[at])
            scratch[name] = changed or values[at] or b""
