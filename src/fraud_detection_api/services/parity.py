"""Parity: what the live service used of histories, beside what the same records give when they are read from files.

Each answer in the log says what its record's histories were, and when the record arrived at each key. Together with the
records that the store was filled with, that is all the live service can have known, so every bit has to come out again.
Two things are not judged, and counted: what shares a key with a record that was scored while the store was away, since
nobody knows when that one was remembered; and a record that came again when what it had seen was no longer all kept,
which is flagged: its first answer is in the log, too, but not when it came again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import DEGRADED, Columns, Remembered
from fraud_detection_api.features.histories import HistoryKernel
from fraud_detection_api.features.history_numpy import REPEATED, TRUNCATED, Flags, Numbers, Whole
from fraud_detection_api.features.history_plan import ID, MISSING, RECEIVED
from fraud_detection_api.features.remembering import Arrivals, AtKeys, Remembering, of_stream

Mask = NDArray[np.bool_]


@dataclass
class Differences:
    """How often a feature was another one, was missing although it is known, or was there although it is not."""

    mismatch: int = 0
    missing: int = 0
    extra: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.mismatch + self.missing + self.extra


@dataclass(frozen=True)
class Known:
    """What the store was told beside the records that are compared."""

    files: Iterable[tuple[Columns, Arrivals]] = ()
    loaded_at: int = 0  # ms since 1970: when the files were in the store
    answered_before: Iterable[Columns] = ()  # from the log, too


@dataclass
class Parity:
    """What a comparison found, by feature, and by history for what was said not to be known."""

    compared: int = 0
    degraded: int = 0  # scored while the store was away, and so not compared
    beside_degraded: int = 0  # nobody knows whether they came before or after a degraded record of the same key
    forgotten: int = 0  # came again at a key when what they had seen there was no longer all kept
    features: dict[str, Differences] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)

    @property
    def differences(self) -> int:
        """All of them; 0 is the target."""
        return sum(each.total for each in self.features.values()) + sum(self.flags.values())


def parity(remembering: Remembering, given: Known, logged: Columns) -> Parity:
    """Compare what was logged with what files and log give; of the rest only what shares a key is held in memory."""
    used = _used(logged)
    own = remembering.at_keys(logged, Arrivals(used.received))
    before = _answered_before(remembering, given.answered_before, own)
    files = _sharing_keys(remembering, given.files, own)
    every = zip(remembering.kernels, own, used.flags, before, files, strict=True)
    again = [_again(*each, given.loaded_at) for each in every]
    is_degraded = _degraded(used)
    beside = [
        _at_these(mine.keys, [*mine.keys[is_degraded], *each.degraded]) for mine, each in zip(own, before, strict=True)
    ]
    is_sure = ~is_degraded & ~np.any(beside, axis=0)
    found = Parity(int(is_sure.sum()), int(is_degraded.sum()), int((~is_sure & ~is_degraded).sum()))
    names = [each.name for each in remembering.histories.features]
    then_of = dict(zip(names, used.values, strict=True))
    for history, flags, (values, flags_now) in zip(remembering.histories.of, used.flags, again, strict=True):
        is_forgotten = (flags & REPEATED != 0) & (flags & TRUNCATED != 0)
        judged = is_sure & ~is_forgotten
        found.forgotten += int((is_sure & is_forgotten).sum())
        for feature, now in zip(history.features, values.T, strict=True):
            found.features[feature.name] = _differences(then_of[feature.name][judged], now[judged])
        found.flags[history.name] = int(((flags ^ flags_now) & ~np.uint8(REPEATED) != 0)[judged].sum())
    return found


def _used(logged: Columns) -> Remembered:
    if logged.remembered is None:
        raise ValueError("the logged records say nothing of histories")
    return logged.remembered


def _degraded(used: Remembered) -> Mask:
    found: Mask = (used.flags & DEGRADED != 0).any(axis=0)
    return found


@dataclass
class _Before:
    """What was answered before, at keys that are compared."""

    first: list[AtKeys]
    repeated: list[AtKeys]
    degraded: list[int] = field(default_factory=list)  # keys of what was answered while the store was away


def _answered_before(remembering: Remembering, pages: Iterable[Columns], own: Sequence[AtKeys]) -> list[_Before]:
    found = [_Before([_none(each)], [_none(each)]) for each in own]
    for columns in pages:
        used = _used(columns)
        keyed, is_degraded = remembering.at_keys(columns, Arrivals(used.received)), _degraded(used)
        for before, mine, each, flags in zip(found, own, keyed, used.flags, strict=True):
            is_shared, is_repeated = _at_these(each.keys, mine.keys) & ~is_degraded, flags & REPEATED != 0
            before.first.append(_only(each, is_shared & ~is_repeated))
            before.repeated.append(_only(each, is_shared & is_repeated))
            before.degraded.extend(each.keys[is_degraded].tolist())
    return found


def _sharing_keys(
    remembering: Remembering, files: Iterable[tuple[Columns, Arrivals]], own: Sequence[AtKeys]
) -> list[AtKeys]:
    """The records of the files at keys that are compared."""
    found: list[list[AtKeys]] = [[_none(each)] for each in own]
    for columns, arrivals in files:
        for parts, mine, each in zip(found, own, remembering.at_keys(columns, arrivals), strict=True):
            parts.append(_only(each, _at_these(each.keys, mine.keys)))
    return [_joined(parts) for parts in found]


def _copies(files: AtKeys, live: AtKeys, loaded_at: int) -> Mask:
    """The records of the files that the store knew from their own arrival, before the files were loaded.

    One that arrived after that although it is in the files was known from there, and forgotten since.
    """
    came_before = live.entries[live.entries[:, RECEIVED] < loaded_at]
    place = np.lexsort((came_before[:, RECEIVED], came_before[:, ID]))
    ids, firsts = np.unique(came_before[place, ID], return_index=True)
    if not len(ids):
        return np.zeros(len(files.keys), np.bool_)
    at = np.minimum(np.searchsorted(ids, files.entries[:, ID]), len(ids) - 1)
    arrived = came_before[place][firsts[at], RECEIVED]
    copies: Mask = (ids[at] == files.entries[:, ID]) & (arrived != files.entries[:, RECEIVED])
    return copies


def _again(
    kernel: HistoryKernel, own: AtKeys, flags: Flags, before: _Before, files: AtKeys, loaded_at: int
) -> tuple[Numbers, Flags]:
    """What the logged records see, computed from all there are; what came again comes after what it is like."""
    first = _joined([own, *before.first])
    from_files = _only(files, ~_copies(files, first, loaded_at))
    every = _joined([first, from_files, *before.repeated])
    is_repeated = np.zeros(len(every.keys), np.bool_)
    is_repeated[: len(flags)] = flags & REPEATED != 0
    order = np.argsort(is_repeated, kind="stable")
    values, seen = of_stream(kernel, AtKeys(every.keys[order], every.entries[order]))
    own_places = np.argsort(order)[: len(flags)]
    return values[own_places], seen[own_places]


def _at_these(keys: Whole, these: Sequence[int] | Whole) -> Mask:
    known = np.asarray(these, np.int64)
    found: Mask = np.isin(keys, known[known != MISSING])
    return found


def _differences(then: Numbers, now: Numbers) -> Differences:
    was_missing, is_missing = np.isnan(then), np.isnan(now)
    differs = np.ascontiguousarray(then).view(np.int64) != np.ascontiguousarray(now).view(np.int64)
    return Differences(
        mismatch=int((differs & ~was_missing & ~is_missing).sum()),
        missing=int((was_missing & ~is_missing).sum()),
        extra=int((~was_missing & is_missing).sum()),
    )


def _none(keyed: AtKeys) -> AtKeys:
    return _only(keyed, np.zeros(len(keyed.keys), np.bool_))


def _only(keyed: AtKeys, rows: Mask) -> AtKeys:
    return AtKeys(keyed.keys[rows], keyed.entries[rows])


def _joined(parts: Sequence[AtKeys]) -> AtKeys:
    return AtKeys(np.concatenate([each.keys for each in parts]), np.concatenate([each.entries for each in parts]))
