"""The statistics of histories in numpy, for machines without a compiler: the same bits as `_histories.c`."""

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
        memory = np.full((len(keys), plan.kept, plan.width), MISSING)
        dropped = np.full(len(keys), MISSING)
        for rows in _in_turn(starts[keys], ends[keys]):
            known, gone = memory[: len(rows)], dropped[: len(rows)]
            values[rows], flags[rows] = beside_memory(plan, records[rows], known, gone)
            _remember(known, gone, records[rows], (flags[rows] & REPEATED) == 0)
    return values, flags


def _in_turn(starts: Whole, ends: Whole) -> Iterator[Whole]:
    """The rows of the first records of all keys, then of the second ones, and so on; the longest keys come first."""
    for turn in range(int((ends - starts).max(initial=0))):
        yield starts[: int(np.count_nonzero(starts + turn < ends))] + turn


def _remember(memory: Whole, dropped: Whole, records: Whole, fresh: Mask) -> None:
    """Put records in their places in the order of events; what then is one too many is dropped, the earliest first."""
    place = _earlier(memory, records).sum(axis=1)
    kept = fresh & (place > 0)
    gone = np.where(place > 0, memory[:, 0, TIME], records[:, TIME])
    np.maximum(dropped, np.where(fresh, gone, MISSING), out=dropped)
    places = np.arange(memory.shape[1])
    source = places + (kept[:, None] & (places < place[:, None] - 1))
    memory[:] = np.take_along_axis(memory, source[:, :, None], axis=1)
    memory[kept, place[kept] - 1] = records[kept]


def _earlier(memory: Whole, records: Whole) -> Mask:
    """Which entries lie before the record in the order of events; what is empty does."""
    time, entry_time = records[:, None, TIME], memory[:, :, TIME]
    earlier: Mask = (entry_time < time) | ((entry_time == time) & (memory[:, :, ID] < records[:, None, ID]))
    return earlier


def beside_memory(plan: Plan, records: Whole, memory: Whole, dropped: Whole) -> tuple[Numbers, Flags]:
    """Statistics and flags of records beside what is remembered of their keys, in the order of its times."""
    records, is_repeated = _as_first_seen(records, memory)
    has_arrived = (memory[:, :, TIME] != MISSING) & (memory[:, :, RECEIVED] <= records[:, None, RECEIVED])
    seen = has_arrived & _earlier(memory, records)
    place = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1]  # the latest is the first
    count, has_dropped = seen.sum(axis=1), dropped != MISSING
    within, is_short = [], np.zeros(len(records), np.bool_)
    for most, span in plan.windows:
        held = seen & (place <= most) if most else seen
        held = held & (memory[:, :, TIME] >= records[:, None, TIME] - span) if span else held
        inside = held.sum(axis=1)
        ended = (inside < count) | ((inside == most) if most else False)
        is_short |= has_dropped & ~ended & ((dropped >= records[:, TIME] - span) if span else True)
        within.append(held)
    is_cold = (count == 0) & ~has_dropped
    values = [_statistic(asked, records, memory, within[asked.window], is_cold) for asked in plan.statistics]
    flags = TRUNCATED * is_short + COLD * is_cold + REPEATED * is_repeated
    return np.array(values, np.float64).reshape(len(plan.statistics), len(records)).T, flags.astype(np.uint8)


def _as_first_seen(records: Whole, memory: Whole) -> tuple[Whole, Mask]:
    """A record that has been here before stands where it stood then."""
    same = (memory[:, :, ID] == records[:, None, ID]) & (memory[:, :, TIME] != MISSING)
    is_repeated = same.any(axis=1)
    if is_repeated.any():
        first = memory[np.arange(len(records)), memory.shape[1] - 1 - same[:, ::-1].argmax(axis=1)]
        records = records.copy()
        for column in (TIME, RECEIVED):
            records[is_repeated, column] = first[is_repeated, column]
    return records, is_repeated


def _statistic(
    asked: PlannedStatistic, records: Whole, memory: Whole, held: Mask, is_cold: Mask
) -> NDArray[np.generic]:
    own, count = records[:, asked.column], held.sum(axis=1)
    found: NDArray[np.generic] = count
    match asked.kind:
        case Statistic.NEW:
            found = is_cold
        case Statistic.DISTINCT:
            found = _distinct(np.where(held, memory[:, :, asked.column], MISSING))
        case Statistic.SAME | Statistic.KNOWN:
            looked_at = _latest(held) if asked.kind is Statistic.SAME else held
            is_there = (looked_at & (memory[:, :, asked.column] == own[:, None])).any(axis=1)
            found = np.where((count > 0) & (own != MISSING), is_there, np.nan)
        case Statistic.SINCE:
            last = np.where(held, memory[:, :, TIME], MISSING).max(axis=1)
            found = np.where(count > 0, (records[:, TIME] - np.where(count > 0, last, 0)) / 1000, np.nan)
        case Statistic.FRAUDS | Statistic.FRAUD_SHARE:
            found = _frauds(memory[:, :, LABEL], held, records[:, TIME] - asked.argument, asked.kind)
        case statistic if statistic in AMOUNTS:
            values = memory[:, :, asked.column]
            found = _of_amounts(asked, values, held & (values != MISSING), own)
    return found


def _latest(held: Mask) -> Mask:
    latest: Mask = held & (np.cumsum(held[:, ::-1], axis=1)[:, ::-1] == 1)
    return latest


def _distinct(values: Whole) -> Whole:
    ordered = np.sort(values, axis=1)
    is_new = (ordered[:, 1:] != ordered[:, :-1]) & (ordered[:, 1:] != MISSING)
    found: Whole = is_new.sum(axis=1) + (ordered[:, 0] != MISSING)
    return found


def _frauds(labels: Whole, held: Mask, known_by: Whole, statistic: Statistic) -> NDArray[np.generic]:
    known = held & (labels != MISSING) & ((labels >> 1) <= known_by[:, None])
    found, all_known = (known & (labels & 1 == 1)).sum(axis=1), known.sum(axis=1)
    return found if statistic is Statistic.FRAUDS else _divided(found, all_known)


def _of_amounts(asked: PlannedStatistic, values: Whole, held: Mask, own: Whole) -> Numbers:
    count, amounts, scale = held.sum(axis=1), np.where(held, values, 0), float(asked.argument)
    total = amounts.sum(axis=1)
    found: Numbers = total / scale
    match asked.kind:
        case Statistic.MEAN:
            found = _divided(total, count * scale)
        case Statistic.DEVIATION:
            spread = count * (amounts * amounts).sum(axis=1) - total * total
            found = _divided(np.sqrt(spread.astype(np.float64)), count * scale)
        case Statistic.SMALLEST:
            found = np.where(count > 0, np.where(held, values, LATEST).min(axis=1) / scale, np.nan)
        case Statistic.LARGEST:
            found = np.where(count > 0, np.where(held, values, MISSING).max(axis=1) / scale, np.nan)
        case Statistic.RATIO:
            is_there = (total != 0) & (own != MISSING)
            found = np.where(is_there, _divided(np.where(is_there, own, 0) * count, total), np.nan)
    return found


def _divided(upper: Numbers | Whole, lower: Numbers | Whole) -> Numbers:
    quotient: Numbers = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower != 0)
    return quotient
