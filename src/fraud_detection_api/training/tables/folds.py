"""Folds: small copies of the split inside the rows before the validation period, to compare ways of training on."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.training.tables.dataset import Dataset, Days, Rows, has_both_classes
from fraud_detection_api.training.tables.split import STOPPING_SHARE, VALIDATION_SHARE, Split, default_gap

THRESHOLD_SHARE = STOPPING_SHARE / (1 - VALIDATION_SHARE)  # as much as the split sets aside to stop the training


@dataclass(frozen=True)
class Fold:
    """Rows that train, rows on which the training chooses its rounds and the like, and later rows that judge."""

    training: Rows
    threshold_rows: Rows
    validation_rows: Rows


def folds_before_validation(
    dataset: Dataset, parts: Split, count: int, gap_days: int | None, seed: int
) -> tuple[Fold, ...]:
    """Growing windows in time order where there are days, else random folds; no validation row is in any of them."""
    moments = dataset.in_order
    if moments is None:
        earlier = np.setdiff1d(np.arange(len(dataset)), parts.validation)
        folds = _at_random(dataset, earlier, count, seed)
    else:
        earlier = np.flatnonzero(moments < moments[parts.validation].min())
        gap = _gap(dataset, gap_days)
        folds = _in_time_order(moments, earlier, count, gap * dataset.moments_a_day)
    for number, fold in enumerate(folds, 1):
        _refuse_one_class(dataset, fold, number)
    return folds


def _gap(dataset: Dataset, gap_days: int | None) -> int:
    """Days left out for late labels; none where there are numbers instead of days."""
    if dataset.days is None:
        return 0
    return default_gap(dataset.days) if gap_days is None else gap_days


def _in_time_order(days: Days, earlier: Rows, count: int, gap: int) -> tuple[Fold, ...]:
    """The validation parts follow one another up to the end; two of as many parts again train the first fold."""
    distinct, counts = np.unique(days[earlier], return_counts=True)
    reached = np.r_[0, np.cumsum(counts)] / len(earlier)  # share of the rows before each day
    starts = [int(np.argmin(np.abs(reached - part / (count + 2)))) for part in range(2, count + 3)]
    if len(distinct) < count + 2 or (np.diff(starts) < 1).any():
        raise DataRefused(f"The rows before the validation period lie on too few days for {count} folds: take fewer.")
    return tuple(
        _window(days, earlier, (int(distinct[start]), int(distinct[end - 1])), gap) for start, end in pairwise(starts)
    )


def _window(days: Days, earlier: Rows, judged: tuple[int, int], gap: int) -> Fold:
    known = days[earlier]
    before = np.unique(known[known < judged[0]], return_counts=True)
    reached = np.cumsum(before[1]) / before[1].sum()
    chosen_from = int(before[0][np.argmin(np.abs(np.r_[0, reached[:-1]] - (1 - THRESHOLD_SHARE)))])
    training = earlier[known < chosen_from - gap]
    if not len(training):
        raise DataRefused(
            "The gap for late labels leaves the first fold no row to train on. Choose fewer --folds, "
            "a smaller --gap-days, or wider dates."
        )
    return Fold(
        training=training,
        threshold_rows=earlier[(known >= chosen_from) & (known < judged[0])],
        validation_rows=earlier[(known >= judged[0]) & (known <= judged[1])],
    )


def _at_random(dataset: Dataset, earlier: Rows, count: int, seed: int) -> tuple[Fold, ...]:
    """Frauds and other rows are dealt out alike, because few frauds would else pile up in one fold."""
    random = np.random.default_rng(seed)
    dealt, chooses = np.empty(len(earlier), dtype=np.int64), np.empty(len(earlier), dtype=np.bool_)
    for is_fraud in (True, False):
        members = random.permutation(np.flatnonzero(dataset.labels[earlier] == is_fraud))
        turns, dealt[members] = np.divmod(np.arange(len(members)), count)
        chooses[members] = turns < THRESHOLD_SHARE * len(members) / count
    return tuple(
        Fold(
            training=earlier[(dealt != number) & ~chooses],
            threshold_rows=earlier[(dealt != number) & chooses],
            validation_rows=earlier[dealt == number],
        )
        for number in range(count)
    )


def _refuse_one_class(dataset: Dataset, fold: Fold, number: int) -> None:
    parts = {"training": fold.training, "threshold": fold.threshold_rows, "validation": fold.validation_rows}
    for name, rows in parts.items():
        labels = dataset.labels[rows]
        if not has_both_classes(labels):
            raise DataRefused(
                f"The {name} part of fold {number} ({len(labels):,} rows) holds only one class. Choose fewer --folds, "
                "widen the dates, or bring more labelled rows."
            )
