"""Parity: what the live service used of histories, beside what the same records give when they are read from files.

Each answer in the log says what its record's histories were, and when the record arrived at each key. Together with the
records that the store was filled with, that is all the live service can have known, so every bit has to come out again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import DEGRADED, Columns
from fraud_detection_api.features.histories import HistoryKernel
from fraud_detection_api.features.history_numpy import REPEATED, Flags, Numbers
from fraud_detection_api.features.history_plan import ID, MISSING
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


@dataclass
class Parity:
    """What a comparison found, by feature, and by history for what was said not to be known."""

    compared: int = 0
    degraded: int = 0  # scored while the store was away, and so not compared
    beside_degraded: int = 0  # nobody knows whether they came before or after a degraded record of the same key
    features: dict[str, Differences] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)

    @property
    def differences(self) -> int:
        """All of them; 0 is the target."""
        return sum(each.total for each in self.features.values()) + sum(self.flags.values())


def parity(remembering: Remembering, files: Iterable[tuple[Columns, Arrivals]], logged: Columns) -> Parity:
    """Compare what was logged with what files and log give; of the files only what shares a key is held in memory."""
    used = logged.remembered
    if used is None:
        raise ValueError("the logged records say nothing of histories")
    own = remembering.at_keys(logged, Arrivals(used.received))
    others = _sharing_keys(remembering, files, own)
    again = [_again(*each) for each in zip(remembering.kernels, own, others, strict=True)]
    is_degraded: Mask = (used.flags & DEGRADED != 0).any(axis=0)
    is_sure = ~is_degraded & ~np.any([_shares_key(each, is_degraded) for each in own], axis=0)
    found = Parity(int(is_sure.sum()), int(is_degraded.sum()), int((~is_sure & ~is_degraded).sum()))
    values = np.concatenate([values.T for values, _ in again])
    for feature, then, now in zip(remembering.histories.features, used.values, values, strict=True):
        found.features[feature.name] = _differences(then[is_sure], now[is_sure])
    for history, then, (_, now) in zip(remembering.histories.of, used.flags, again, strict=True):
        found.flags[history.name] = int(((then ^ now) & ~np.uint8(REPEATED) != 0)[is_sure].sum())
    return found


def _sharing_keys(
    remembering: Remembering, files: Iterable[tuple[Columns, Arrivals]], own: Sequence[AtKeys]
) -> list[AtKeys]:
    """The records of the files at keys that the log has, too, but for those that the log has itself."""
    found: list[list[AtKeys]] = [[_none(each)] for each in own]
    for columns, arrivals in files:
        for parts, mine, each in zip(found, own, remembering.at_keys(columns, arrivals), strict=True):
            parts.append(
                _only(each, np.isin(each.keys, mine.keys) & ~np.isin(each.entries[:, ID], mine.entries[:, ID]))
            )
    return [_joined(parts) for parts in found]


def _again(kernel: HistoryKernel, own: AtKeys, others: AtKeys) -> tuple[Numbers, Flags]:
    """What the logged records see, computed from all there are."""
    values, flags = of_stream(kernel, _joined([own, others]))
    return values[: len(own.keys)], flags[: len(own.keys)]


def _shares_key(keyed: AtKeys, with_these: Mask) -> Mask:
    shares: Mask = np.isin(keyed.keys, keyed.keys[with_these & (keyed.keys != MISSING)])
    return shares


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
