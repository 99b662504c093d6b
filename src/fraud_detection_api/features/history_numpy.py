"""The statistics of histories in numpy, for machines without a compiler: the same bits as `_histories.c`.

Memory is `memory[column, place, key]`, and records are `records[column, key]`: the keys stand side by side, so that
numpy goes through all of them at once, place by place.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.history_plan import ID, LABEL, MISSING, RECEIVED, TIME, Plan, PlannedStatistic
from fraud_detection_api.schemas.histories import AMOUNTS, Statistic

TRUNCATED, COLD, REPEATED = 1, 2, 4
KEYS_AT_ONCE = 2_000  # their memory stays near the processor
LATEST = np.iinfo(np.int64).max

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Flags = NDArray[np.uint8]


def from_stream(plan: Plan, records: Whole, ends: Whole) -> tuple[Numbers, Flags]:
    """Statistics and flags of records that stand key by key, in the order of their arrival."""
    values, flags = np.empty((len(records), len(plan.statistics))), np.zeros(len(records), np.uint8)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    longest_first = np.argsort(starts - ends, kind="stable")
    for first in range(0, len(ends), KEYS_AT_ONCE):
        keys = longest_first[first : first + KEYS_AT_ONCE]
        memory = np.full((plan.width, plan.kept, len(keys)), MISSING)
        dropped = np.full(len(keys), MISSING)
        for rows in _in_turn(starts[keys], ends[keys]):
            known, gone, arrived = memory[:, :, : len(rows)], dropped[: len(rows)], records[rows].T.copy()
            values[rows], flags[rows] = beside_memory(plan, arrived, known, gone)
            _remember(known, gone, arrived, (flags[rows] & REPEATED) == 0)
    return values, flags


def _in_turn(starts: Whole, ends: Whole) -> Iterator[Whole]:
    """The rows of the first records of all keys, then of the second ones, and so on; the longest keys come first."""
    for turn in range(int((ends - starts).max(initial=0))):
        yield starts[: int(np.count_nonzero(starts + turn < ends))] + turn


def _remember(memory: Whole, dropped: Whole, records: Whole, fresh: Mask) -> None:
    """Put records in their places in the order of events; what then is one too many is dropped, the earliest first."""
    place = np.where(fresh, _earlier(memory, records).sum(axis=0), 0)
    gone = np.where(place > 0, memory[TIME, 0], records[TIME])
    np.maximum(dropped, np.where(fresh, gone, MISSING), out=dropped)
    moves = np.arange(1, memory.shape[1])[:, None] < place
    memory[:, :-1] = np.where(moves, memory[:, 1:], memory[:, :-1])
    kept = np.flatnonzero(place)
    memory[:, place[kept] - 1, kept] = records[:, kept]


def _earlier(memory: Whole, records: Whole) -> Mask:
    """Which entries lie before the record in the order of events; what is empty does."""
    earlier: Mask = (memory[TIME] < records[TIME]) | ((memory[TIME] == records[TIME]) & (memory[ID] < records[ID]))
    return earlier


def beside_memory(plan: Plan, records: Whole, memory: Whole, dropped: Whole) -> tuple[Numbers, Flags]:
    """Statistics and flags of records beside what is remembered of their keys, in the order of its times."""
    records, is_repeated = _as_first_seen(records, memory)
    has_arrived = (memory[TIME] != MISSING) & (memory[RECEIVED] <= records[RECEIVED])
    seen = has_arrived & _earlier(memory, records)
    place = np.cumsum(seen[::-1], axis=0)[::-1]  # the latest is the first
    count, has_dropped = place[0], dropped != MISSING
    within, is_short = [], np.zeros(len(dropped), np.bool_)
    for most, span in plan.windows:
        held = seen & (place <= most) if most else seen
        held = held & (memory[TIME] >= records[TIME] - span) if span else held
        inside = held.sum(axis=0)
        ended = (inside < count) | ((inside == most) if most else False)
        is_short |= has_dropped & ~ended & ((dropped >= records[TIME] - span) if span else True)
        within.append(held)
    is_cold = (count == 0) & ~has_dropped
    values = [_statistic(asked, records, memory, within[asked.window], is_cold) for asked in plan.statistics]
    flags = TRUNCATED * is_short + COLD * is_cold + REPEATED * is_repeated
    return np.array(values, np.float64).reshape(len(plan.statistics), len(dropped)).T, flags.astype(np.uint8)


def _as_first_seen(records: Whole, memory: Whole) -> tuple[Whole, Mask]:
    """A record that has been here before stands where it stood then."""
    same = (memory[ID] == records[ID]) & (memory[TIME] != MISSING)
    is_repeated = same.any(axis=0)
    if is_repeated.any():
        records = records.copy()
        for column in (TIME, RECEIVED):
            records[column] = np.where(is_repeated, _latest(memory[column], same), records[column])
    return records, is_repeated


def _statistic(
    asked: PlannedStatistic, records: Whole, memory: Whole, held: Mask, is_cold: Mask
) -> NDArray[np.generic]:
    own, count = records[asked.column], held.sum(axis=0)
    found: NDArray[np.generic] = count
    match asked.kind:
        case Statistic.NEW:
            found = is_cold
        case Statistic.DISTINCT:
            found = _distinct(np.where(held, memory[asked.column], MISSING))
        case Statistic.SAME | Statistic.KNOWN:
            values = memory[asked.column]
            is_same = asked.kind is Statistic.SAME
            is_there = _latest(values, held) == own if is_same else (held & (values == own)).any(axis=0)
            found = np.where((count > 0) & (own != MISSING), is_there, np.nan)
        case Statistic.SINCE:
            found = np.where(count > 0, (records[TIME] - _latest(memory[TIME], held)) / 1000, np.nan)
        case Statistic.FRAUDS | Statistic.FRAUD_SHARE:
            found = _frauds(memory[LABEL], held, records[TIME] - asked.argument, asked.kind)
        case statistic if statistic in AMOUNTS:
            values = memory[asked.column]
            found = _of_amounts(asked, values, held & (values != MISSING), own)
    return found


def _latest(values: Whole, held: Mask) -> Whole:
    """Of the latest entry that is held; of any where none is."""
    places = len(held) - 1 - held[::-1].argmax(axis=0)
    latest: Whole = values[places, np.arange(len(places))]
    return latest


def _distinct(values: Whole) -> Whole:
    ordered = np.sort(values, axis=0)
    is_new = (ordered[1:] != ordered[:-1]) & (ordered[1:] != MISSING)
    found: Whole = is_new.sum(axis=0) + (ordered[0] != MISSING)
    return found


def _frauds(labels: Whole, held: Mask, known_by: Whole, statistic: Statistic) -> NDArray[np.generic]:
    known = held & (labels != MISSING) & ((labels >> 1) <= known_by)
    found, all_known = (known & (labels & 1 == 1)).sum(axis=0), known.sum(axis=0)
    return found if statistic is Statistic.FRAUDS else _divided(found, all_known)


def _of_amounts(asked: PlannedStatistic, values: Whole, held: Mask, own: Whole) -> Numbers:
    count, amounts, scale = held.sum(axis=0), np.where(held, values, 0), float(asked.argument)
    total = amounts.sum(axis=0)
    found: Numbers = total / scale
    match asked.kind:
        case Statistic.MEAN:
            found = _divided(total, count * scale)
        case Statistic.DEVIATION:
            spread = count * (amounts * amounts).sum(axis=0) - total * total
            found = _divided(np.sqrt(spread.astype(np.float64)), count * scale)
        case Statistic.SMALLEST:
            found = np.where(count > 0, np.where(held, values, LATEST).min(axis=0) / scale, np.nan)
        case Statistic.LARGEST:
            found = np.where(count > 0, np.where(held, values, MISSING).max(axis=0) / scale, np.nan)
        case Statistic.RATIO:
            is_there = (total != 0) & (own != MISSING)
            found = np.where(is_there, _divided(np.where(is_there, own, 0) * count, total), np.nan)
    return found


def _divided(upper: Numbers | Whole, lower: Numbers | Whole) -> Numbers:
    quotient: Numbers = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower != 0)
    return quotient
