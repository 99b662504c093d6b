"""A packed history: a mark, the latest time that was dropped, when the last record arrived, and its entries by time.

The memory of this process holds what this module put there; what a server gives back may be anything, and is checked.
What `remember.lua` and `merge.lua` do in Redis is done here for the memory of this process, byte by byte.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_detection_api.features.entry_layout import (
    ID_BYTES,
    LABEL_BYTES,
    MARK_BYTES,
    MOST_RECEIVED,
    RECEIVED_BYTES,
    TIME_BYTES,
    EntryLayout,
    time_of,
)
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import ID, MISSING, RECEIVED, TIME
from fraud_detection_api.history_errors import HistoriesUnreadable
from fraud_detection_api.schemas.times import FIRST_TIME, LAST_TIME

HEADER_BYTES = MARK_BYTES + TIME_BYTES + RECEIVED_BYTES
NO_LABEL = bytes(LABEL_BYTES)
_PLACE = struct.Struct(">qq")  # time and id
_LABEL = slice(TIME_BYTES + ID_BYTES, TIME_BYTES + ID_BYTES + LABEL_BYTES)
_ID = slice(TIME_BYTES, TIME_BYTES + ID_BYTES)


@dataclass(frozen=True)
class Unpacked:
    """What was known of some keys: their entries one after the other, where each ends, the latest times dropped."""

    entries: Whole
    ends: Whole
    dropped: Whole


def header(layout: EntryLayout, dropped: int, last: int) -> bytes:
    """What stands before the entries."""
    return layout.mark + struct.pack(">q", dropped) + _arrival(last)


def remembered(layout: EntryLayout, value: bytes | None, entry: bytes, now: int) -> tuple[int, bytes | None]:
    """When a record arrives, and the history with it; None where nothing changes. Its entry has no arrival yet."""
    if value is None:
        return now, header(layout, MISSING, now) + entry + _arrival(now)
    size, received = layout.size, max(now, _last(value) + 1)
    at = value.find(entry[_ID], HEADER_BYTES + TIME_BYTES)
    while at >= 0:
        if (at - HEADER_BYTES - TIME_BYTES) % size == 0:
            end = at - TIME_BYTES + size
            return int.from_bytes(value[end - RECEIVED_BYTES : end], "big", signed=True), None
        at = value.find(entry[_ID], at + 1)
    place, own = len(value), _PLACE.unpack_from(entry)
    while place > HEADER_BYTES and _PLACE.unpack_from(value, place - size) > own:
        place -= size
    return received, _inserted(layout, value, entry + _arrival(received), place)


def _inserted(layout: EntryLayout, value: bytes, entry: bytes, place: int) -> bytes:
    start, dropped, fits = HEADER_BYTES, _dropped(value), True
    if len(value) >= HEADER_BYTES + layout.kept * layout.size:  # the earliest one goes, which may be this one
        fits = place > HEADER_BYTES
        dropped = max(dropped, time_of(value[HEADER_BYTES:] if fits else entry))
        start += layout.size if fits else 0
    whole = (header(layout, dropped, 0)[:-RECEIVED_BYTES], entry[-RECEIVED_BYTES:], value[start:place])
    return b"".join((*whole, entry if fits else b"", value[place:]))


def merged(layout: EntryLayout, value: bytes | None, other: bytes) -> bytes:
    """Both histories of a key as one; of an entry that both have, the first one's, with a label if either has one."""
    if value is None:
        return other
    known = {entry[_ID]: entry for entry in _entries(layout, value)}
    for entry in _entries(layout, other):
        mine = known.setdefault(entry[_ID], entry)
        if mine[_LABEL] == NO_LABEL:
            known[entry[_ID]] = mine[: _LABEL.start] + entry[_LABEL] + mine[_LABEL.stop :]
    entries = sorted(known.values(), key=_PLACE.unpack_from)
    dropped, last = max(_dropped(value), _dropped(other)), max(_last(value), _last(other))
    return _trimmed(layout, entries, dropped, last)


def packed_histories(layout: EntryLayout, known: Unpacked, arrived: Whole | None = None) -> Iterator[bytes]:
    """Whole histories, as they are put into a store; each key's entries stand in the order of their times.

    The last arrival is that of the entries, unless it is given: one that is no longer kept may have come after them.
    """
    entries, ends = known.entries, known.ends
    starts = np.append(0, ends[:-1])
    if (np.diff(ends, prepend=0) > layout.kept).any() or not _ascends(entries, ends):
        raise ValueError("the entries of a key are too many, or not in the order of their times")
    body, size = layout.pack(entries), layout.size
    last = np.zeros(len(ends), np.int64)
    if len(entries):
        last[ends > starts] = np.maximum.reduceat(entries[:, RECEIVED], starts[ends > starts])
    columns = (starts.tolist(), ends.tolist(), known.dropped.tolist(), (last if arrived is None else arrived).tolist())
    for start, end, gone, latest in zip(*columns, strict=True):
        yield header(layout, gone, latest) + body[start * size : end * size]


def unpacked(layout: EntryLayout, name: bytes, values: Sequence[bytes | None]) -> Unpacked:
    """What packed histories say; whatever could not have been packed is refused, and never misread."""
    refuse_others(layout, name, values)
    lengths = [0 if value is None else (len(value) - HEADER_BYTES) // layout.size for value in values]
    if max(lengths, default=0) > layout.kept:
        raise HistoriesUnreadable(name, f"one has {max(lengths)} entries, and {layout.kept} are kept")
    ends = np.cumsum(lengths, dtype=np.int64)
    entries = layout.unpack(b"".join([value[HEADER_BYTES:] for value in values if value is not None]))
    if entries is None:
        raise HistoriesUnreadable(name, "an entry has a number that cannot be one")
    if not _ascends(entries, ends):
        raise HistoriesUnreadable(name, "entries do not stand in the order of their times")
    dropped = [MISSING if value is None else _dropped(value) for value in values]
    if any(each != MISSING and not FIRST_TIME <= each <= LAST_TIME for each in dropped):
        raise HistoriesUnreadable(name, "a time that was dropped cannot be one")
    return Unpacked(entries, ends, np.array(dropped, np.int64))


def _ascends(entries: Whole, ends: Whole) -> bool:
    times, ids = entries[:, TIME], entries[:, ID]
    follows = (times[1:] > times[:-1]) | (times[1:] == times[:-1]) & (ids[1:] > ids[:-1])
    inner = ends[(ends > 0) & (ends < len(entries))]
    follows[inner - 1] = True  # another key begins there
    return bool(follows.all())


def refuse_others(layout: EntryLayout, name: bytes, values: Iterable[bytes | None]) -> None:
    """Refuse what no record was added to, because it has another mark or no length of a history."""
    for value in values:
        if not may_be(layout, value):
            raise HistoriesUnreadable(name, _why(layout.mark, value or b""))


def may_be(layout: EntryLayout, value: bytes | None) -> bool:
    """Whether it has the mark and the length of a packed history; a key that is not there has an empty one."""
    if value is None:
        return True
    body = len(value) - HEADER_BYTES
    return value.startswith(layout.mark) and body >= 0 and body % layout.size == 0


def _why(mark: bytes, value: bytes) -> str:
    if value[:1] != mark[:1]:
        return f"one is of format {value[0] if value else 'none'}, and this version reads format {mark[0]}"
    if not value.startswith(mark):
        return "they were written for a history that was declared otherwise; use another prefix, and fill them again"
    return f"one has {len(value)} bytes, which is no length of one"


def _trimmed(layout: EntryLayout, entries: list[bytes], dropped: int, last: int) -> bytes:
    """The latest entries as a history, and what is too many as a time that was dropped."""
    gone = max((dropped, *map(time_of, entries[: -layout.kept])))
    return header(layout, gone, last) + b"".join(entries[-layout.kept :])


def _entries(layout: EntryLayout, value: bytes) -> Iterator[bytes]:
    return (value[at : at + layout.size] for at in range(HEADER_BYTES, len(value), layout.size))


def _arrival(received: int) -> bytes:
    return received.to_bytes(RECEIVED_BYTES, "big", signed=True)


def _dropped(value: bytes) -> int:
    return time_of(value[MARK_BYTES : MARK_BYTES + TIME_BYTES])


def _last(value: bytes) -> int:
    last = int.from_bytes(value[MARK_BYTES + TIME_BYTES : HEADER_BYTES], "big", signed=True)
    return last if last < MOST_RECEIVED else MOST_RECEIVED - 1
