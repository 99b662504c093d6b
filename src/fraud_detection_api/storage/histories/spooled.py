"""Records that could not be remembered, on the local disk until the store is back: then they are, in any order.

What a record adds to a history does not depend on when it comes, and one that comes twice adds nothing, so nobody has
to know which of them the store had taken before it went away.
"""

import struct
from collections.abc import Iterator
from itertools import pairwise

from fraud_detection_api.storage.histories.layout import MARK_BYTES, EntryLayout
from fraud_detection_api.storage.histories.store import Arrivals, keys_from, raw_keys

OPENING = b"records for histories, format 1"
_HEAD = struct.Struct(f">HBBB{MARK_BYTES - 1}sI")  # entries kept, amounts, values, length of the name, layout, records


def spooled(arrivals: Arrivals) -> bytes:
    """Records of one history as they lie in the spool."""
    layout = arrivals.layout
    counts = layout.kept, layout.amounts, layout.values, len(arrivals.name)
    head = _HEAD.pack(*counts, layout.fingerprint, len(arrivals.keys))
    return b"".join((head, arrivals.name, raw_keys(arrivals.keys), layout.pack(arrivals.entries)))


def despooled(content: bytes) -> Iterator[Arrivals]:
    """The records again, history by history; what was cut short is a ValueError."""
    at = 0
    while at < len(content):
        kept, amounts, values, name_bytes, fingerprint, count = _HEAD.unpack_from(content, at)
        layout = EntryLayout(kept, amounts, values, fingerprint)
        places = [at + _HEAD.size]
        for size in (name_bytes, 8 * count, layout.size * count):
            places.append(places[-1] + size)
        name, keys, packed = (content[start:end] for start, end in pairwise(places))
        entries = layout.unpack(packed)
        if entries is None or len(entries) != count:
            raise ValueError("no records")
        yield Arrivals(layout, name, keys_from(keys), entries)
        at = places[-1]
