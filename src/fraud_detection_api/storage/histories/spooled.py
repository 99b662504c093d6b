"""Records that could not be remembered, on the local disk until the store is back: then they are, in any order.

What a record adds to a history does not depend on when it comes, and one that comes twice adds nothing, so nobody has
to know which of them the store had taken before it went away.
"""

import struct
from collections.abc import Iterator
from itertools import pairwise

from fraud_detection_api.features.entry_layout import MARK_BYTES, RECEIVED_BYTES, EntryLayout
from fraud_detection_api.features.secret_hash import KEY_BYTES
from fraud_detection_api.storage.histories.store import Arrivals

OPENING = b"records for histories, format 2"
_HEAD = struct.Struct(f">HBBB{MARK_BYTES - 1}sI")  # entries kept, amounts, values, length of the name, layout, records


def spooled(arrivals: Arrivals) -> bytes:
    """Records of one history as they lie in the spool."""
    layout = arrivals.layout
    counts = layout.kept, layout.amounts, layout.values, len(arrivals.name)
    head = _HEAD.pack(*counts, layout.fingerprint, len(arrivals.keys))
    return b"".join((head, arrivals.name, *arrivals.keys, *arrivals.entries))


def despooled(content: bytes) -> Iterator[Arrivals]:
    """The records again, history by history; what was cut short is a ValueError."""
    at = 0
    while at < len(content):
        kept, amounts, values, name_bytes, fingerprint, count = _HEAD.unpack_from(content, at)
        layout = EntryLayout(kept, amounts, values, fingerprint)
        entry_bytes = layout.size - RECEIVED_BYTES
        places = [at + _HEAD.size]
        for size in (name_bytes, KEY_BYTES * count, entry_bytes * count):
            places.append(places[-1] + size)
        name, keys, packed = (content[start:end] for start, end in pairwise(places))
        entries = _cut(packed, entry_bytes)
        if len(content) < places[-1] or layout.unpack(layout.arrived(entries, [0] * count)) is None:
            raise ValueError("no records")
        yield Arrivals(layout, name, _cut(keys, KEY_BYTES), entries)
        at = places[-1]


def _cut(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]
