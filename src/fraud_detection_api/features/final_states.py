"""Final states: what is known of each key once all records have arrived, as a store would hold it then."""

from bisect import insort
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import ID, MISSING, RECEIVED, TIME, Plan
from fraud_detection_api.features.remembering import AtKeys, in_turn


@dataclass(frozen=True)
class KeyStates:
    """Keys; the entries kept of each, one key's after the other's and by time; where each key's end."""

    keys: Whole
    entries: Whole
    ends: Whole
    dropped: Whole  # the latest time of what is no longer kept, MISSING where all is
    arrived: Whole | None = None  # when the last record arrived, kept or not; without it, the last one that is kept

    def part(self, first: int, last: int) -> "KeyStates":
        """Those of neighbouring keys."""
        start, stop = (int(self.ends[at - 1]) if at else 0 for at in (first, last))
        return KeyStates(
            self.keys[first:last],
            self.entries[start:stop],
            self.ends[first:last] - start,
            self.dropped[first:last],
            None if self.arrived is None else self.arrived[first:last],
        )


def final_states(plan: Plan, arrived: AtKeys) -> KeyStates:
    """Of each key the latest records by the times of their events, each record once, as it was when it first came."""
    with_key = np.flatnonzero(arrived.keys != MISSING)
    order = with_key[in_turn(arrived.entries[with_key])]
    keys, entries = arrived.keys[order], arrived.entries[order]
    is_new = _is_new(plan, keys, entries)
    return replace(_latest(plan, keys[is_new], entries[is_new]), arrived=_last_arrivals(keys, entries))


def _last_arrivals(keys: Whole, entries: Whole) -> Whole:
    """Of each key, by their order: also of a record that came again after it was forgotten."""
    known, places = np.unique(keys, return_inverse=True)
    arrived = np.full(len(known), MISSING)
    np.maximum.at(arrived, places, entries[:, RECEIVED])
    return arrived


def _is_new(plan: Plan, keys: Whole, entries: Whole) -> NDArray[np.bool_]:
    """Whether a record was not known at its key when it came: the first of its id, as a rule."""
    order = np.lexsort((entries[:, ID], keys))  # stable: of equal ones, the first to arrive stays first
    same = (np.diff(keys[order]) == 0) & (np.diff(entries[order, ID]) == 0)
    is_new = np.ones(len(keys), np.bool_)
    is_new[order[1:][same]] = False
    moved = same & (np.diff(entries[order, TIME]) != 0)
    for key in np.unique(keys[order[1:][moved]]):  # what came again with another time may have been forgotten meanwhile
        rows = np.flatnonzero(keys == key)
        is_new[rows] = _is_new_one_by_one(plan.kept, entries[rows])
    return is_new


def _is_new_one_by_one(kept: int, entries: Whole) -> list[bool]:
    known: list[tuple[int, int]] = []
    is_new = []
    for moment, id_ in entries[:, [TIME, ID]].tolist():
        is_new.append(all(id_ != other for _, other in known))
        if is_new[-1]:
            insort(known, (moment, id_))
            del known[:-kept]
    return is_new


def _latest(plan: Plan, keys: Whole, entries: Whole) -> KeyStates:
    order = np.lexsort((entries[:, ID], entries[:, TIME], keys))
    keys, entries = keys[order], entries[order]
    ends = np.append(np.flatnonzero(np.diff(keys)) + 1, len(keys))[: len(keys)]
    counts = np.diff(ends, prepend=0)
    from_the_end = np.repeat(ends, counts) - np.arange(len(keys))
    last_dropped = ends - plan.kept - 1
    dropped = np.where(counts > plan.kept, entries[np.maximum(last_dropped, 0), TIME], MISSING)
    is_kept = from_the_end <= plan.kept
    return KeyStates(keys[ends - 1], entries[is_kept], np.cumsum(np.minimum(counts, plan.kept)), dropped)
