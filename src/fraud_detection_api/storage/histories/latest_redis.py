"""The latest record of each customer in Redis: in buckets, each of them whole in one slot of a cluster.

Of a bucket there are a sorted set of its keys in the order of their bytes, their records in a hash, and a sorted set of
when each is due to be forgotten. So one script keeps a record and its key at once, wherever the bucket is, and neither
the records nor the work for them lie on one server of a cluster. A page is merged of what all buckets have.
"""

import struct
from binascii import crc_hqx
from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple

from fraud_detection_api.history_errors import HistoriesUnreadable
from fraud_detection_api.storage.histories.latest import Found, LatestPage, LatestRecord, LatestRecords, Wanted, page_of
from fraud_detection_api.storage.histories.redis_connection import Reply, command
from fraud_detection_api.storage.histories.redis_servers import RedisServers

BUCKETS = 16
MOST_ROUNDS = 4  # one is the rule: more are needed where a bucket has too many of the first keys, or keys are dropped
RECORDS_AT_ONCE = 500  # that are filled in: live ones wait no longer than these take
LATEST_SCRIPTS = [files(__package__).joinpath(f"{name}.lua").read_bytes() for name in ("latest", "find")]
_LATEST, _FIND = (sha1(script, usedforsecurity=False).hexdigest().encode() for script in LATEST_SCRIPTS)
_FORMAT = b"\1"
_PLACE = struct.Struct(">qq")  # time and id
_RECEIVED = slice(17, 23)


class Call(NamedTuple):
    """A command, and the key that says which server it is for."""

    key: bytes
    command: bytes


class _Part(NamedTuple):
    """What a bucket has of what is wanted, and the last key that was looked at where there are more."""

    found: list[Found]
    last: bytes | None


class LatestInRedis:
    """The latest record of each key, use case by use case."""

    def __init__(self, servers: RedisServers, prefix: bytes, ttl: bytes) -> None:
        self._servers = servers
        self._prefix = prefix
        self._ttl = ttl

    def calls(self, latest: LatestRecords) -> list[Call]:
        """What keeps these records, each unless a later one of the same key is kept."""
        return [self._keep(latest.name, each) for each in latest.listed]

    async def fill(self, latest: LatestRecords) -> None:
        """Keep many records, some at a time."""
        calls = self.calls(latest)
        for start in range(0, len(calls), RECORDS_AT_ONCE):
            await self._called(calls[start : start + RECORDS_AT_ONCE])

    async def page(self, name: bytes, wanted: Wanted) -> LatestPage:
        """What is wanted of a use case; where many keys were due to be forgotten it may be fewer, and more follow."""
        found, start, seen = list[Found](), _start(wanted), wanted.after
        for _ in range(MOST_ROUNDS):
            missing = wanted.most + 1 - len(found)
            parts = await self._parts(name, start, wanted.end, missing)
            seen = min((each.last for each in parts if each.last is not None), default=None)
            known = [each for part in parts for each in part.found if seen is None or each.key <= seen]
            found += sorted(known)[:missing]  # beyond that key, some bucket has not said what it has
            if seen is None or len(found) > wanted.most:
                return page_of(found, wanted.most)
            start = b"(" + seen
        return LatestPage(found, seen)

    async def _parts(self, name: bytes, start: bytes, end: bytes, missing: int) -> list[_Part]:
        """What each bucket has; one has a sixteenth of all keys, so that half as many more are looked at, and a few."""
        most = b"%d" % min(missing, missing * 3 // (2 * BUCKETS) + 8)
        names = [self._names(name, bucket) for bucket in range(BUCKETS)]
        calls = [Call(own[0], command(b"EVALSHA", _FIND, b"3", *own, start, b"(" + end, most)) for own in names]
        return [_part(name, reply) for reply in await self._called(calls)]

    def _keep(self, name: bytes, new: LatestRecord) -> Call:
        names = self._names(name, crc_hqx(new.key, 0) % BUCKETS)
        received = b"" if new.received is None else new.received.to_bytes(6, "big", signed=True)
        place = _PLACE.pack(new.time, new.id)
        words = (b"EVALSHA", _LATEST, b"3", *names, new.key, place, received, new.kept, self._ttl)
        return Call(names[0], command(*words))

    def _names(self, name: bytes, bucket: int) -> tuple[bytes, bytes, bytes]:
        """What a bucket's keys in order, records and times are called: the braces keep them together in a cluster."""
        own = b"%b{%b:latest:%02d}" % (self._prefix, name, bucket)
        return own + b":in_order", own + b":records", own + b":due"

    async def _called(self, calls: list[Call]) -> "list[Reply]":
        return [*await self._servers.call(lambda: [each.key for each in calls], [each.command for each in calls])]


def _start(wanted: Wanted) -> bytes:
    """Where to begin, as ZRANGEBYLEX takes it."""
    return b"[" + wanted.prefix if wanted.start is None else b"(" + wanted.start


def _part(name: bytes, reply: Reply) -> _Part:
    """What the script has said; it is checked as whatever comes from a server."""
    match reply:
        case [bytes() | None as last, *rest]:
            return _Part([_found(name, *pair) for pair in zip(rest[::2], rest[1::2], strict=True)], last)
    raise HistoriesUnreadable(name + b":latest", "the script's answer is none of ours")


def _found(name: bytes, key: Reply, kept: Reply) -> Found:
    match key, kept:
        case bytes() as key, bytes() as kept if kept.startswith(_FORMAT) and len(kept) >= _RECEIVED.stop:
            return Found(key, kept[_RECEIVED.stop :], int.from_bytes(kept[_RECEIVED], "big", signed=True))
    raise HistoriesUnreadable(name + b":latest", "a record was written in another format")
