"""How an entry of a history is packed for a store: fixed widths, the highest byte first, nothing that could be run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import FIRST_VALUE, ID, LABEL, MISSING, RECEIVED, TIME, Plan
from fraud_detection_api.schemas.times import FIRST_TIME, LAST_TIME

FORMAT = 2
MARK_BYTES = 8
TIME_BYTES, ID_BYTES, LABEL_BYTES, VALUE_BYTES, RECEIVED_BYTES = 8, 8, 4, 6, 6
MINUTE = 60_000
MOST_VALUE = 2 ** (8 * VALUE_BYTES - 1) - 1
MOST_RECEIVED = 2 ** (8 * RECEIVED_BYTES - 1) - 1
MOST_LABEL = 2 ** (8 * LABEL_BYTES - 1) - 1
NO_VALUE = b"\x80" + bytes(VALUE_BYTES - 1)

OUTSIDE = "a number of an entry lies outside of what its history may hold"


@dataclass(frozen=True)
class EntryLayout:
    """Where each number of an entry lies, for histories of one declaration."""

    kept: int
    amounts: int
    values: int
    fingerprint: bytes  # of the declaration, as far as entries depend on it

    @classmethod
    def of(cls, plan: Plan) -> "EntryLayout":
        """The layout of a declared history."""
        history = plan.history
        said = repr((history.name, history.key, history.decimals, plan.kept, plan.amounts, plan.values))
        fingerprint = blake2b(said.encode(), digest_size=MARK_BYTES - 1).digest()
        return cls(plan.kept, len(plan.amounts), len(plan.values), fingerprint)

    @cached_property
    def mark(self) -> bytes:
        """What every packed history of this layout begins with."""
        return bytes([FORMAT]) + self.fingerprint

    @property
    def width(self) -> int:
        """How many numbers an entry has."""
        return FIRST_VALUE + self.amounts + self.values

    @cached_property
    def size(self) -> int:
        """How many bytes an entry has; those of when it arrived are the last."""
        return sum(self._bytes)

    @property
    def amount_bytes(self) -> int:
        """How many an amount has."""
        return 4 if self.kept > 1 else 6  # the largest one that may be declared

    @property
    def most_amount(self) -> int:
        """The largest amount: the squares of as many as are kept must not overflow."""
        return math.isqrt(2**63 - 1) // self.kept

    def pack(self, entries: Whole) -> bytes:
        """Entries one after the other; a number that has no place there is an error of the caller's."""
        known = entries.copy()
        known[:, LABEL] = _short_labels(known[:, LABEL])
        is_missing = known == MISSING
        if not ((known >= self._lowest) & (known <= self._highest) | is_missing & self._may_miss).all():
            raise ValueError(OUTSIDE)
        shifted: Whole = np.where(is_missing, MISSING, known << self._shifts)
        raw = shifted.astype(">i8").view(np.uint8).reshape(len(entries), 8 * self.width)
        return raw[:, self._places].tobytes()

    def pack_arrivals(self, entries: Whole) -> list[bytes]:
        """Each entry by itself, without the time of its arrival."""
        unreceived = entries.copy()
        unreceived[:, RECEIVED] = 0
        size, packed = self.size, self.pack(unreceived)
        return [packed[at : at + size - RECEIVED_BYTES] for at in range(0, len(packed), size)]

    def arrived(self, entries: Sequence[bytes], received: Sequence[int]) -> bytes:
        """Such entries one after the other, each with when it arrived."""
        arrivals = [each.to_bytes(RECEIVED_BYTES, "big", signed=True) for each in received]
        return b"".join(chain.from_iterable(zip(entries, arrivals, strict=True)))

    def unpack(self, packed: bytes) -> Whole | None:
        """The same entries again, or None where a number is one that was never packed."""
        raw = np.frombuffer(packed, np.uint8).reshape(-1, self.size)
        known = np.take(raw, self._sources, axis=1).view(np.int64) >> self._shifts
        is_missing = known == self._nothing
        if not ((known >= self._lowest) & (known <= self._highest) | is_missing & self._may_miss).all():
            return None
        known[is_missing] = MISSING
        known[:, LABEL] = _long_labels(known[:, LABEL])
        return known

    @cached_property
    def _bytes(self) -> list[int]:
        """How many each number has, in the order in which they lie."""
        return [
            TIME_BYTES,
            ID_BYTES,
            LABEL_BYTES,
            *[self.amount_bytes] * self.amounts,
            *[VALUE_BYTES] * self.values,
            RECEIVED_BYTES,
        ]

    @cached_property
    def _columns(self) -> list[int]:
        """Which number of an entry lies where."""
        return [TIME, ID, LABEL, *range(FIRST_VALUE, self.width), RECEIVED]

    @cached_property
    def _shifts(self) -> Whole:
        """How many bits of each number have no place."""
        shifts = np.zeros(self.width, np.int64)
        shifts[self._columns] = [64 - 8 * each for each in self._bytes]
        return shifts

    @cached_property
    def _places(self) -> list[int]:
        """Which byte of all numbers, the highest first and shifted to the left, lies where."""
        return [8 * column + at for column, size in zip(self._columns, self._bytes, strict=True) for at in range(size)]

    @cached_property
    def _sources(self) -> NDArray[np.intp]:
        """Where the bytes of all numbers lie, as this machine has them; what is shifted out may be any byte."""
        sources = np.zeros(8 * self.width, np.intp)
        sources[self._places] = range(len(self._places))
        order = np.array([1]).view(np.uint8)[0]  # whether this machine has the lowest byte first
        return sources.reshape(-1, 8)[:, :: -1 if order else 1].reshape(-1)

    @cached_property
    def _highest(self) -> Whole:
        """The largest number of each column."""
        highest = [0] * FIRST_VALUE + [self.most_amount] * self.amounts + [MOST_VALUE] * self.values
        highest[TIME], highest[ID], highest[RECEIVED] = LAST_TIME, 2**63 - 1, MOST_RECEIVED
        highest[LABEL] = MOST_LABEL
        return np.array(highest)

    @cached_property
    def _lowest(self) -> Whole:
        lowest = -self._highest
        lowest[TIME], lowest[ID], lowest[LABEL] = FIRST_TIME, MISSING, 0
        return lowest

    @cached_property
    def _may_miss(self) -> NDArray[np.bool_]:
        return np.arange(self.width) >= FIRST_VALUE

    @cached_property
    def _nothing(self) -> Whole:
        """What a missing number is packed as: the lowest there is, and for those that are never missing none."""
        return np.where(self._may_miss, MISSING >> self._shifts, np.int64(MISSING))


def time_of(entry: bytes) -> int:
    """When what an entry tells of happened."""
    return int.from_bytes(entry[:TIME_BYTES], "big", signed=True)


def _short_labels(labels: Whole) -> Whole:
    """Twice the minute since 1970 at which they were known, rounded up, one more for a fraud; 0 where there is none."""
    is_known = labels != MISSING
    if not is_known.any():
        return np.zeros(len(labels), np.int64)
    minutes = np.maximum(-(-(labels >> 1) // MINUTE), 1)
    return np.where(is_known, 2 * minutes + (labels & 1), 0)


def _long_labels(labels: Whole) -> Whole:
    if not labels.any():
        return np.full(len(labels), MISSING)
    return np.where(labels != 0, 2 * MINUTE * (labels >> 1) + (labels & 1), MISSING)
