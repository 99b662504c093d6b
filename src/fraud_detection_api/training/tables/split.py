"""The split: which rows train, which stop the training and which judge it; no row does two of these."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.training.tables.dataset import Dataset, Days, Labels, Rows

STOPPING_SHARE, VALIDATION_SHARE = 0.1, 0.2
LONGEST_DEFAULT_GAP = 30  # days until most frauds have been reported


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts, and how they were chosen."""

    train: Rows
    stopping: Rows
    validation: Rows
    how: str
    trained_until: date | None = None
    validated_from: date | None = None


def split(dataset: Dataset, gap_days: int | None, seed: int) -> Split:
    """By time where the dataset has days, else at random."""
    if dataset.days is None:
        parts = split_at_random(len(dataset), seed)
    else:
        parts = split_by_time(dataset.days, default_gap(dataset.days) if gap_days is None else gap_days)
    for name in ("train", "stopping", "validation"):
        _refuse_one_class(dataset.labels[getattr(parts, name)], name)
    return parts


def default_gap(days: Days) -> int:
    """A month, or a tenth of a shorter period."""
    return min(LONGEST_DEFAULT_GAP, int(days.max() - days.min() + 1) // 10)


def split_by_time(days: Days, gap_days: int) -> Split:
    """Train first, then a gap for late labels, then the stopping part, then validation; a day is never divided."""
    distinct, counts = np.unique(days, return_counts=True)
    if len(distinct) < 3:
        raise DataRefused(f"The rows lie on {len(distinct)} day(s): a split by time needs at least 3. Widen the dates.")
    later = np.cumsum(counts[::-1])[::-1] / len(days)  # share of rows on this day or later
    validation = 2 + int(np.argmin(np.abs(later[2:] - VALIDATION_SHARE)))
    wanted = later[validation] + STOPPING_SHARE
    stopping = 1 + int(np.argmin(np.abs(later[1:validation] - wanted)))
    is_train = days < distinct[stopping] - gap_days
    if not is_train.any():
        raise DataRefused(
            f"A gap of {gap_days} days leaves no row to train on: the rows span "
            f"{distinct[-1] - distinct[0] + 1} days. Choose a smaller --gap-days, or widen the dates."
        )
    return Split(
        train=np.flatnonzero(is_train),
        stopping=np.flatnonzero((days >= distinct[stopping]) & (days < distinct[validation])),
        validation=np.flatnonzero(days >= distinct[validation]),
        how=_described(distinct, (stopping, validation), gap_days),
        trained_until=_day(int(days[is_train].max())),
        validated_from=_day(int(distinct[validation])),
    )


def split_at_random(size: int, seed: int) -> Split:
    """Shuffled rows, where nothing says which came first."""
    shuffled = np.random.default_rng(seed).permutation(size)
    validation, stopping = round(size * VALIDATION_SHARE), round(size * STOPPING_SHARE)
    return Split(
        train=np.sort(shuffled[validation + stopping :]),
        stopping=np.sort(shuffled[validation : validation + stopping]),
        validation=np.sort(shuffled[:validation]),
        how=f"at random with seed {seed}, because the use case has no time column",
    )


def _described(distinct: Days, starts: tuple[int, int], gap_days: int) -> str:
    stopping, validation = (_day(int(distinct[start])) for start in starts)
    before = stopping - timedelta(days=gap_days)
    return (
        f"by time: train before {before}, {gap_days} days left out for late labels, "
        f"early stopping from {stopping}, validation from {validation} to {_day(int(distinct[-1]))}"
    )


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


def _refuse_one_class(labels: Labels, part: str) -> None:
    if labels.all() or not labels.any():
        raise DataRefused(
            f"The {part} part ({len(labels):,} rows) holds only one class: training needs 0 and 1 in every part. "
            "Widen the dates, or bring more labelled rows."
        )
