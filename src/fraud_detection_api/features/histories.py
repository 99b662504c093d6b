"""Histories as features: statistics of a key's records before each record, in C where it is built, else in numpy."""

from typing import TYPE_CHECKING

import numpy as np

from fraud_detection_api.features import history_numpy
from fraud_detection_api.features.entry_layout import EntryLayout
from fraud_detection_api.features.history_numpy import Flags, Numbers, Whole
from fraud_detection_api.features.history_plan import MISSING, Plan

if TYPE_CHECKING:
    from fraud_detection_api.features._histories import Histories


class HistoryKernel:
    """The one way from entries to statistics, offline and online."""

    def __init__(self, plan: Plan, *, compiled: bool = True) -> None:
        self.plan = plan
        self.layout = EntryLayout.of(plan)
        self.compiled = _compiled(plan, self.layout.mark) if compiled else None

    def from_stream(self, records: Whole, ends: Whole) -> tuple[Numbers, Flags]:
        """Statistics and flags of records that stand key by key, in the order of their arrival; each key has an end."""
        if self.compiled is None:
            return history_numpy.from_stream(self.plan, records, ends)
        return self._found(self.compiled.from_stream(np.ascontiguousarray(records).data, ends.tobytes()))

    def from_entries(self, records: Whole, entries: Whole, ends: Whole, dropped: Whole) -> tuple[Numbers, Flags]:
        """The same of records beside the entries of their keys, each record's after the other's, in order of time.

        It is what numpy does; with the part in C, packed histories are read there.
        """
        return history_numpy.beside_memory(self.plan, records.T, self._memory(entries, ends), dropped)

    def _found(self, found: tuple[bytes, bytes]) -> tuple[Numbers, Flags]:
        values = np.frombuffer(found[0], np.float64).reshape(-1, len(self.plan.statistics))
        return values, np.frombuffer(found[1], np.uint8)

    def _memory(self, entries: Whole, ends: Whole) -> Whole:
        counts = np.diff(ends, prepend=0)
        memory = np.full((self.plan.width, self.plan.kept, len(ends)), MISSING)
        rows = np.repeat(np.arange(len(ends)), counts)
        places = np.arange(len(entries)) - np.repeat(ends - counts, counts) + self.plan.kept - np.repeat(counts, counts)
        memory[:, places, rows] = entries.T
        return memory


def _compiled(plan: Plan, mark: bytes) -> "Histories | None":
    try:
        from fraud_detection_api.features._histories import Histories
    except ImportError:  # not built: numpy does the same, slower
        return None
    statistics = [(each.kind, each.window, each.column, each.argument) for each in plan.statistics]
    parts = (np.array(plan.windows, np.int64).tobytes(), np.array(statistics, np.int64).tobytes())
    return Histories(plan.kept, len(plan.amounts), len(plan.values), *parts, mark)


def by_key(keys: Whole) -> tuple[Whole, Whole]:
    """The order that puts records key by key, each key's in the order that they come in, and where each key ends."""
    # of two bytes numpy sorts the digits, several times quicker
    order = np.argsort(keys.astype(np.uint16), kind="stable")
    for shift in (16, 32, 48):
        digits = (keys >> shift).astype(np.uint16)
        order = order[np.argsort(digits[order], kind="stable")]
    ordered = keys[order]
    ends = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return order, np.append(ends, len(keys)) if len(keys) else ends
