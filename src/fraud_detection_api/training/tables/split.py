"""The split: which rows train, which stop the training, which calibrate and which judge; no row does two of these."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.times import day_of
from fraud_detection_api.training.tables.dataset import Dataset, Days, Labels, Rows, has_both_classes

STOPPING_SHARE, CALIBRATION_SHARE, VALIDATION_SHARE = 0.1, 0.05, 0.2
USUAL_SHARES = (STOPPING_SHARE, CALIBRATION_SHARE, VALIDATION_SHARE)
AT_RANDOM = "at random"
LONGEST_DEFAULT_GAP = 30  # days until most frauds have been reported


@dataclass(frozen=True)
class Split:
    """Row numbers of the four parts, and how they were chosen."""

    train: Rows
    stopping: Rows
    calibration: Rows
    validation: Rows
    how: str
    trained_until: date | None = None
    chosen_until: date | None = None  # the last day that trained, stopped or calibrated
    validated_from: date | None = None


def split(dataset: Dataset, gap_days: int | None, seed: int) -> Split:
    """By time where the dataset has days, in the order of its moments where it has only those, else at random."""
    moments = dataset.in_order
    if moments is None:
        parts = split_at_random(len(dataset), seed)
    elif dataset.days is None:
        parts = split_in_order(moments)
    else:
        gap = default_gap(dataset.days) if gap_days is None else gap_days
        parts = split_by_time(moments, gap, dataset.moments_a_day)
    refuse_parts(dataset.labels, parts)
    return parts


def refuse_parts(labels: Labels, parts: Split) -> None:
    """Refuse parts that teach or judge nothing."""
    for name in ("train", "stopping", "validation"):  # without both classes the calibration part is merely of no use
        _refuse_one_class(labels[getattr(parts, name)], name)


def rows_that_judge(how: str) -> str:
    """What the rows are to those that trained; which of them came first only a split by time or in order knows."""
    return "held-out" if how.startswith(AT_RANDOM) else "later"


def default_gap(days: Days) -> int:
    """A month, or a tenth of a shorter period."""
    return min(LONGEST_DEFAULT_GAP, int(days.max() - days.min() + 1) // 10)


def split_by_time(moments: Days, gap_days: int, a_day: int = 1) -> Split:
    """Train first, then a gap for late labels, then stopping, calibration and validation; no moment is divided."""
    distinct, (stopping, calibration, validation) = _cuts(moments, "day(s)" if a_day == 1 else "moment(s)")
    is_train = moments < distinct[stopping] - gap_days * a_day
    if not is_train.any():
        raise DataRefused(
            f"A gap of {gap_days} days leaves no row to train on: the rows span "
            f"{distinct[-1] // a_day - distinct[0] // a_day + 1} days. Choose a smaller --gap-days, or widen the dates."
        )
    return Split(
        train=np.flatnonzero(is_train),
        stopping=np.flatnonzero((moments >= distinct[stopping]) & (moments < distinct[calibration])),
        calibration=np.flatnonzero((moments >= distinct[calibration]) & (moments < distinct[validation])),
        validation=np.flatnonzero(moments >= distinct[validation]),
        how=described(distinct // a_day, (stopping, calibration, validation), gap_days),
        trained_until=day_of(int(moments[is_train].max() // a_day)),
        chosen_until=day_of(int(distinct[validation - 1] // a_day)),
        validated_from=day_of(int(distinct[validation] // a_day)),
    )


def split_in_order(moments: Days) -> Split:
    """As by time, but nobody knows the dates, and so no gap can be left for labels that come late."""
    distinct, cuts = _cuts(moments, "moment(s)")
    parts = np.searchsorted(distinct[list(cuts)], moments, side="right")
    train, stopping, calibration, validation = (np.flatnonzero(parts == part) for part in range(4))
    return Split(train, stopping, calibration, validation, how="in the order of the rows, without a gap")


def split_at_random(size: int, seed: int) -> Split:
    """Shuffled rows, where nothing says which came first."""
    shuffled = np.random.default_rng(seed).permutation(size)
    shares = np.cumsum([VALIDATION_SHARE, STOPPING_SHARE, CALIBRATION_SHARE])
    validation, stopping, calibration, train = map(np.sort, np.split(shuffled, np.round(size * shares).astype(int)))
    return Split(
        train=train,
        stopping=stopping,
        calibration=calibration,
        validation=validation,
        how=f"{AT_RANDOM} with seed {seed}, because the use case has no time column",
    )


def _cuts(moments: Days, what: str) -> tuple[Days, tuple[int, int, int]]:
    """The distinct days or moments, and where among them stopping, calibration and validation begin."""
    distinct, counts = np.unique(moments, return_counts=True)
    return distinct, cuts(counts, what)


def cuts(
    counts: NDArray[np.int64], what: str, shares: tuple[float, float, float] = USUAL_SHARES
) -> tuple[int, int, int]:
    """Where stopping, calibration and validation begin, among moments with so many rows each."""
    if len(counts) < 3:
        raise DataRefused(f"The rows lie on {len(counts)} {what}: a split by time needs at least 3. Widen the dates.")
    of_stopping, of_calibration, of_validation = shares
    later = np.cumsum(counts[::-1])[::-1] / counts.sum()  # share of rows then or later
    validation = 2 + int(np.argmin(np.abs(later[2:] - of_validation)))
    stopping = min(_start(later, validation, of_stopping + of_calibration, first=1), validation - 1)
    return stopping, _start(later, validation, of_calibration, first=stopping + 1), validation


def _start(later: NDArray[np.float64], end: int, share: float, first: int) -> int:
    """The first day of a part of about this share that ends before another day; at `end` it has no day."""
    return first + int(np.argmin(np.abs(later[first : end + 1] - later[end] - share))) if first < end else end


def described(distinct: Days, starts: tuple[int, int, int], gap_days: int) -> str:
    """A split by time in words, from the days of its moments and where among them its parts begin."""
    stopping, calibration, validation = (day_of(int(distinct[start])) for start in starts)
    before = stopping - timedelta(days=gap_days)
    return (
        f"by time: train before {before}, {gap_days} days left out for late labels, "
        f"early stopping from {stopping}, calibration from {calibration}, "
        f"validation from {validation} to {day_of(int(distinct[-1]))}"
    )


def _refuse_one_class(labels: Labels, part: str) -> None:
    if not has_both_classes(labels):
        raise DataRefused(
            f"The {part} part ({len(labels):,} rows) holds only one class: training needs 0 and 1 in every part. "
            "Widen the dates, or bring more labelled rows."
        )
