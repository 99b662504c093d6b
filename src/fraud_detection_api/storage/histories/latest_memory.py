"""The latest record of each customer in the memory of this process: a sorted list of keys, and what is kept of each."""

from bisect import bisect_left, bisect_right, insort
from itertools import count
from typing import NamedTuple

from fraud_detection_api.storage.histories.latest import Found, LatestPage, LatestRecord, Wanted, page_of

MOST_KEYS = 100_000  # that one worker holds: beyond that, whoever was not heard of for the longest time goes


class _Kept(NamedTuple):
    until: int
    place: tuple[int, int]  # time and id
    received: int
    record: bytes


class LatestInMemory:
    """The latest record of each key of one use case, those that last longest at the end."""

    def __init__(self, ttl_milliseconds: int, most_keys: int = MOST_KEYS) -> None:
        self._ttl = ttl_milliseconds
        self._most_keys = most_keys
        self._kept: dict[bytes, _Kept] = {}
        self._keys: list[bytes] = []  # in order

    def keep(self, new: LatestRecord, now: int) -> None:
        """Keep a record unless a later one is kept; whichever it is, it lasts as long as a new one."""
        known, place = self._kept.pop(new.key, None), (new.time, new.id)
        if known is None:
            insort(self._keys, new.key)
        if known is None or known.until <= now or known.place < place:
            received = now if new.received is None else new.received
            known = _Kept(0, place, received, new.kept)
        self._kept[new.key] = known._replace(until=now + self._ttl)
        oldest = next(iter(self._kept))
        if self._kept[oldest].until <= now or len(self._kept) > self._most_keys:
            del self._kept[oldest]
            del self._keys[bisect_left(self._keys, oldest)]

    def page(self, wanted: Wanted, now: int) -> LatestPage:
        """What is wanted; keys that are met and out of date are dropped."""
        before = wanted.start
        start = bisect_left(self._keys, wanted.prefix) if before is None else bisect_right(self._keys, before)
        end = bisect_left(self._keys, wanted.end)
        found = list[Found]()
        for at in count(start):
            if at >= end or len(found) > wanted.most:
                break
            key = self._keys[at]
            kept = self._kept[key]
            if kept.until > now:
                found.append(Found(key, kept.record, kept.received))
            else:
                del self._kept[key]
        self._keys[start:at] = [each.key for each in found]
        return page_of(found, wanted.most)
