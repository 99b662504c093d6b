"""What every store of histories does, and what it is asked and answers with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fraud_detection_api.features.entry_layout import MOST_RECEIVED, OUTSIDE, EntryLayout
from fraud_detection_api.features.histories import HistoryKernel
from fraud_detection_api.features.history_numpy import Flags, Numbers, Whole
from fraud_detection_api.features.packed_records import Answer
from fraud_detection_api.history_errors import HistoriesUnreadable
from fraud_detection_api.storage.histories.latest import LatestPage, LatestRecords, Wanted
from fraud_detection_api.storage.histories.packed import Unpacked, packed_histories, unpacked


class Arrivals(NamedTuple):
    """Records that come in, at their keys of one history; applied in the order in which they stand."""

    layout: EntryLayout
    name: bytes  # of use case and history, as b"orders:customer"
    keys: list[bytes]  # hashes; several records may have the same one
    entries: list[bytes]  # packed, without labels; the store says when each arrived

    def names(self, prefix: bytes = b"") -> list[bytes]:
        """What the records' keys are called in a store."""
        start = b"%b%b:" % (prefix, self.name)
        return [start + key for key in self.keys]


class Known(NamedTuple):
    """What was known of each record's key just before it."""

    arrivals: Arrivals
    answers: list[Answer]  # as a store gave them: whoever reads one refuses what is none
    is_degraded: bool = False  # the store was away: nothing is known, and the records are applied once it is back

    @property
    def values(self) -> list[bytes | None]:
        """The packed histories, None where there was none."""
        return [value for value, _ in self._checked]

    @property
    def received(self) -> list[int]:
        """When each record arrived at its key, ms since 1970; of a repeated one, when it first did."""
        return [received for _, received in self._checked]

    @property
    def unpacked(self) -> Unpacked:
        """The entries; unreadable ones are refused here, or with the statistics."""
        return unpacked(self.arrivals.layout, self.arrivals.name, self.values)

    def statistics(self, kernel: HistoryKernel) -> tuple[Numbers, Flags]:
        """What the history says of the records by numpy, and flags."""
        layout, known = self.arrivals.layout, self.unpacked
        records = layout.unpack(layout.arrived(self.arrivals.entries, self.received))
        if records is None:
            raise ValueError(OUTSIDE)
        return kernel.from_entries(records, known.entries, known.ends, known.dropped)

    @property
    def _checked(self) -> list[tuple[bytes | None, int]]:
        return [_checked(self.arrivals.name, each) for each in self.answers]


def _checked(name: bytes, answer: Answer) -> tuple[bytes | None, int]:
    match answer:
        case [bytes() | None as value, int(received)] if -MOST_RECEIVED <= received <= MOST_RECEIVED:
            return value, received
    raise HistoriesUnreadable(name, "the script's answer is none of ours")


@dataclass(frozen=True)
class WholeHistories:
    """All that is known of many keys from elsewhere: entries with when they arrived, and their labels."""

    layout: EntryLayout
    name: bytes
    keys: Whole
    entries: Whole  # each key's after the other's, in the order of their times, as many as are kept at most
    ends: Whole
    dropped: Whole
    arrived: Whole | None = None  # when the last record arrived, kept or not; without it, the last one that is kept


class HistoryStore(Protocol):
    """Remembers records by their keys."""

    async def start(self) -> None:
        """Connect; a server that is away does not end the start."""

    async def stop(self) -> None:
        """Let go of everything."""

    async def remember(
        self, arrivals: Sequence[Arrivals], *, dry_run: bool = False, latest: LatestRecords | None = None
    ) -> list[Known]:
        """What was known of the records' keys, to which they are added in the same step; a dry run adds nothing.

        Latest records are kept in the same round trip.
        """

    async def fill(self, histories: WholeHistories) -> None:
        """Add whole histories to those that are there, whatever arrives meanwhile; repeated, it changes nothing."""

    async def fill_latest(self, latest: LatestRecords) -> None:
        """Keep records, each unless a later one of the same key is kept; repeated, it changes nothing."""

    async def latest_page(self, name: bytes, wanted: Wanted) -> LatestPage:
        """Some of the latest records of a use case, in the order of their keys."""


def packed_of(histories: WholeHistories) -> Iterator[tuple[bytes, bytes]]:
    """The names of keys, and their packed histories."""
    known = Unpacked(histories.entries, histories.ends, histories.dropped)
    packed = packed_histories(histories.layout, known, histories.arrived)
    return zip(names_of(histories.name, histories.keys), packed, strict=True)


def nothing_known(arrivals: Arrivals, now: int) -> Known:
    """What is known as long as the store is away."""
    count = len(arrivals.keys)
    return Known(arrivals, [(None, now)] * count, is_degraded=True)


def names_of(name: bytes, keys: Whole) -> list[bytes]:
    """What the keys of whole histories are called in a store."""
    start = name + b":"
    return [start + key.to_bytes(8, "big", signed=True) for key in keys.tolist()]
