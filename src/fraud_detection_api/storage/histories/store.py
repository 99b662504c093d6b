"""What every store of histories does, and what it is asked and answers with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.storage.histories.layout import RECEIVED_BYTES, EntryLayout
from fraud_detection_api.storage.histories.packed import Unpacked, packed_histories, unpacked


@dataclass(frozen=True)
class Arrivals:
    """Records that come in, at their keys of one history; applied in the order in which they stand."""

    layout: EntryLayout
    name: bytes  # of use case and history, as b"orders:customer"
    keys: Whole  # hashes; several records may have the same one
    entries: Whole  # [records, layout.width], without labels; the store says when each arrived


@dataclass(frozen=True)
class Known:
    """What was known of each record's key just before it."""

    entries: Whole  # each record's after the other's, in the order of their times
    ends: Whole
    dropped: Whole  # the latest time of what is no longer kept, MISSING where nothing was ever dropped
    received: Whole  # when each record arrived at its key, ms since 1970; of a repeated one, when it first did
    is_degraded: bool = False  # the store was away: nothing is known, and the records are applied once it is back


@dataclass(frozen=True)
class WholeHistories:
    """All that is known of many keys from elsewhere: entries with when they arrived, and their labels."""

    layout: EntryLayout
    name: bytes
    keys: Whole
    entries: Whole  # each key's after the other's, in the order of their times, as many as are kept at most
    ends: Whole
    dropped: Whole


class HistoryStore(Protocol):
    """Remembers records by their keys."""

    async def start(self) -> None:
        """Connect; a server that is away does not end the start."""

    async def stop(self) -> None:
        """Let go of everything."""

    async def remember(self, arrivals: Sequence[Arrivals], *, dry_run: bool = False) -> list[Known]:
        """What was known of the records' keys, to which they are added in the same step; a dry run adds nothing."""

    async def fill(self, histories: WholeHistories) -> None:
        """Add whole histories to those that are there, whatever arrives meanwhile; repeated, it changes nothing."""


def known_of(arrivals: Arrivals, values: Sequence[bytes | None], received: Sequence[int]) -> Known:
    """What packed histories say of the records' keys."""
    found = unpacked(arrivals.layout, arrivals.name, values)
    return Known(found.entries, found.ends, found.dropped, np.array(received, np.int64))


def entries_of(arrivals: Arrivals) -> list[bytes]:
    """The packed entries of the records, without the times of their arrival, which the store adds."""
    size, packed = arrivals.layout.size, arrivals.layout.pack(arrivals.entries)
    return [packed[at : at + size - RECEIVED_BYTES] for at in range(0, len(packed), size)]


def packed_of(histories: WholeHistories) -> Iterator[tuple[bytes, bytes]]:
    """The names of keys, and their packed histories."""
    known = Unpacked(histories.entries, histories.ends, histories.dropped)
    return zip(names_of(histories.name, histories.keys), packed_histories(histories.layout, known), strict=True)


def nothing_known(arrivals: Arrivals, now: int) -> Known:
    """What is known as long as the store is away."""
    count = len(arrivals.keys)
    entries, ends = np.empty((0, arrivals.layout.width), np.int64), np.zeros(count, np.int64)
    return Known(entries, ends, np.full(count, MISSING), np.full(count, now), is_degraded=True)


def names_of(name: bytes, keys: Whole) -> list[bytes]:
    """What keys are called in a store."""
    raw = keys.astype(">i8").tobytes()
    return [b"%b:%b" % (name, raw[at : at + 8]) for at in range(0, len(raw), 8)]
