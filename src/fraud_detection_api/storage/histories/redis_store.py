"""Histories in Redis: one packed value a key, and one script call a record: it adds it and returns what was before."""

from collections.abc import Sequence
from functools import partial
from hashlib import sha1
from importlib.resources import files
from itertools import accumulate, chain, islice

from fraud_detection_api.features.entry_layout import RECEIVED_BYTES, EntryLayout
from fraud_detection_api.features.packed_records import Answer
from fraud_detection_api.features.secret_hash import KEY_BYTES
from fraud_detection_api.history_errors import HistoriesUnreadable
from fraud_detection_api.storage.histories.latest import LatestPage, LatestRecords, Wanted
from fraud_detection_api.storage.histories.latest_redis import LATEST_SCRIPTS, LatestInRedis
from fraud_detection_api.storage.histories.options import HistoryOptions, address_of
from fraud_detection_api.storage.histories.packed import may_be, remembered
from fraud_detection_api.storage.histories.redis_connection import command
from fraud_detection_api.storage.histories.redis_servers import RedisServers
from fraud_detection_api.storage.histories.store import Arrivals, Known, WholeHistories, packed_of

Parts = tuple[bytes, bytes, bytes]
KEYS_AT_ONCE = 500  # of whole histories: live records wait no longer than these take
SCRIPTS = [files(__package__).joinpath(f"{name}.lua").read_bytes() for name in ("remember", "merge")]
REMEMBER, MERGE = (sha1(script, usedforsecurity=False).hexdigest().encode() for script in SCRIPTS)


class RedisStore:
    """One server or a cluster, shared by all processes of the service; the time of arrival is the server's."""

    def __init__(self, options: HistoryOptions) -> None:
        self._servers = RedisServers(address_of(options.url), options.timeout_seconds, [*SCRIPTS, *LATEST_SCRIPTS])
        self._prefix = options.prefix.encode() + b":"
        self._ttl = b"%d" % options.ttl_milliseconds
        self._around: dict[Parts, Parts] = {}  # script calls without a record, by name, mark and time to live
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
        ttl = b"0" if dry_run else self._ttl
        orders = [order for each in arrivals for order in self._orders(each, ttl)]
        kept = self._latest.calls(latest) if latest is not None and not dry_run else []
        orders += [each.command for each in kept]

        def keys() -> list[bytes]:
            return [*chain(*(each.names(self._prefix) for each in arrivals)), *(each.key for each in kept)]

        replies = await self._servers.call(keys, orders)
        ends = accumulate(len(each.keys) for each in arrivals)
        found = [Known(each, [*replies[end - len(each.keys) : end]]) for each, end in zip(arrivals, ends, strict=True)]
        return [_seeing_each_other(each) for each in found] if dry_run else found

    def _orders(self, arrivals: Arrivals, ttl: bytes) -> list[bytes]:
        """A script call for each record; all but key and entry is the same for all of them."""
        declared = arrivals.name, arrivals.layout.mark, ttl
        around = self._around.get(declared)
        if around is None:
            around = self._around[declared] = _around(self._prefix + arrivals.name + b":", arrivals.layout, ttl)
        before, between, after = around
        own = zip(arrivals.keys, arrivals.entries, strict=True)
        return [b"".join((before, key, between, entry, after)) for key, entry in own]

    async def fill(self, histories: WholeHistories) -> None:
        """Add whole histories to those that are there, whatever arrives meanwhile; repeated, it changes nothing."""
        layout, packed = histories.layout, packed_of(histories)
        end = [b"%d" % layout.size, b"%d" % layout.kept, self._ttl]
        while some := [(self._prefix + name, value) for name, value in islice(packed, KEYS_AT_ONCE)]:
            orders = [command(b"EVALSHA", MERGE, b"1", name, value, *end) for name, value in some]
            replies = await self._servers.call(partial(_names, some), orders)
            if any(reply != 1 for reply in replies):
                raise HistoriesUnreadable(histories.name, "one that is there was written for another declaration")

    async def fill_latest(self, latest: LatestRecords) -> None:
        """Keep records, each unless a later one of the same key is kept; repeated, it changes nothing."""
        await self._latest.fill(latest)

    async def latest_page(self, name: bytes, wanted: Wanted) -> LatestPage:
        """Some of the latest records of a use case, in the order of their keys."""
        return await self._latest.page(name, wanted)


def _names(histories: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    return [name for name, _ in histories]


def _around(start: bytes, layout: EntryLayout, ttl: bytes) -> Parts:
    """A script call without key and entry."""
    most, entry_bytes = b"%d" % layout.kept, layout.size - RECEIVED_BYTES
    before = b"*8\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n1\r\n" % REMEMBER
    after = b"\r\n$8\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (layout.mark, len(most), most, len(ttl), ttl)
    return b"%b$%d\r\n%b" % (before, len(start) + KEY_BYTES, start), b"\r\n$%d\r\n" % entry_bytes, after


def _seeing_each_other(known: Known) -> Known:
    """Of a dry run: what records of the same key would have found of those before them."""
    arrivals, scratch, answers = known.arrivals, dict[bytes, bytes](), list[Answer]()
    own = zip(arrivals.keys, arrivals.entries, known.values, known.received, strict=True)
    for key, entry, before, arrived in own:
        value, received = scratch.get(key, before), arrived
        if may_be(arrivals.layout, value):
            received, changed = remembered(arrivals.layout, value, entry, arrived)
            scratch[key] = changed or value or b""
        answers.append((value, received))
    return Known(arrivals, answers)
