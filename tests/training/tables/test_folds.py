"""The folds: small copies of the split, in time order with the gap, and never a row of the validation period."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.folds import Fold, folds_before_validation
from fraud_detection_api.training.tables.split import split

ROWS, DAYS, GAP = 6000, 600, 20


def dataset(*, has_days: bool = True, fraud_share: float = 0.1) -> Dataset:
    """Rows in no order of time, a tenth of them frauds."""
    random = np.random.default_rng(3)
    labels = random.random(ROWS) < fraud_share
    columns = Columns(np.arange(ROWS), random.random((2, ROWS)))
    return Dataset(columns, labels, random.integers(0, DAYS, ROWS) if has_days else None)


def folds_of(data: Dataset, count: int = 3, gap: int | None = GAP, seed: int = 0) -> tuple[Fold, ...]:
    """The folds before the validation rows that a fit would have."""
    return folds_before_validation(data, split(data, gap, seed), count, gap, seed)


@pytest.mark.parametrize("has_days", [True, False])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_no_validation_row_is_in_a_fold_and_no_row_does_two_things_in_one(count: int, has_days: bool) -> None:
    data = dataset(has_days=has_days)
    validation = split(data, GAP, 0).validation
    folds = folds_of(data, count)
    assert len(folds) == count
    for fold in folds:
        rows = np.concatenate([fold.training, fold.threshold_rows, fold.validation_rows])
        assert len(np.unique(rows)) == len(rows)
        assert not np.isin(validation, rows).any()


def test_in_time_order_each_part_is_later_than_the_one_before_with_the_gap_after_training() -> None:
    data = dataset()
    assert data.days is not None
    for fold in folds_of(data):
        assert data.days[fold.threshold_rows].min() - data.days[fold.training].max() > GAP
        assert data.days[fold.validation_rows].min() > data.days[fold.threshold_rows].max()


def test_windows_grow_and_judging_parts_follow_one_another_up_to_the_validation_period() -> None:
    data = dataset()
    assert data.days is not None
    folds = folds_of(data)
    first_of_validation = data.days[split(data, GAP, 0).validation].min()
    ends = [data.days[fold.validation_rows].max() for fold in folds]
    starts = [data.days[fold.validation_rows].min() for fold in folds]
    assert starts[1:] == [end + 1 for end in ends[:-1]]
    assert ends[-1] == first_of_validation - 1
    assert all(set(small.training) < set(large.training) for small, large in pairwise(folds))
    assert all(abs(len(fold.validation_rows) / (0.8 * ROWS) - 1 / 5) < 0.01 for fold in folds)


def test_every_day_lies_in_one_part_only() -> None:
    data = dataset()
    assert data.days is not None
    for fold in folds_of(data):
        days = [set(data.days[rows].tolist()) for rows in (fold.training, fold.threshold_rows, fold.validation_rows)]
        assert not days[0] & days[1]
        assert not days[1] & days[2]


def test_without_days_every_earlier_row_judges_once_and_frauds_are_dealt_out_evenly() -> None:
    data = dataset(has_days=False, fraud_share=0.01)
    folds = folds_of(data, 4)
    validation_rows = np.sort(np.concatenate([fold.validation_rows for fold in folds]))
    assert validation_rows.tolist() == np.setdiff1d(np.arange(ROWS), split(data, None, 0).validation).tolist()
    frauds = [int(data.labels[fold.validation_rows].sum()) for fold in folds]
    assert max(frauds) - min(frauds) <= 1
    shares = [len(fold.threshold_rows) / (len(fold.threshold_rows) + len(fold.training)) for fold in folds]
    assert shares == pytest.approx([0.125] * 4, abs=0.01)
    assert all(data.labels[fold.threshold_rows].any() for fold in folds)


def in_moments() -> Dataset:
    """The same rows with moments instead of days: several share one."""
    data = dataset()
    return replace(data, days=None, moments=data.days)


@pytest.mark.parametrize("count", [2, 5])
def test_by_moments_each_part_is_later_without_a_gap_and_no_validation_row_is_in_any(count: int) -> None:
    data = in_moments()
    assert data.moments is not None
    validation = split(data, None, 0).validation
    folds = folds_of(data, count)
    assert len(folds) == count
    for fold in folds:
        assert data.moments[fold.threshold_rows].min() == data.moments[fold.training].max() + 1
        assert data.moments[fold.validation_rows].min() > data.moments[fold.threshold_rows].max()
        assert data.moments[fold.validation_rows].max() < data.moments[validation].min()
        rows = np.concatenate([fold.training, fold.threshold_rows, fold.validation_rows])
        assert len(np.unique(rows)) == len(rows)
    assert all(set(small.training) < set(large.training) for small, large in pairwise(folds))


def test_by_moments_neither_seed_nor_gap_changes_a_fold() -> None:
    one, other = (folds_of(in_moments(), gap=gap, seed=seed) for gap, seed in ((0, 0), (300, 5)))
    for left, right in zip(one, other, strict=True):
        assert left.training.tolist() == right.training.tolist()
        assert left.validation_rows.tolist() == right.validation_rows.tolist()


def test_random_folds_hang_on_the_seed() -> None:
    data = dataset(has_days=False)
    parts = split(data, None, 0)
    one, same, other = (folds_before_validation(data, parts, 3, None, seed)[0].validation_rows for seed in (5, 5, 6))
    assert one.tolist() == same.tolist() != other.tolist()


def test_a_gap_that_leaves_the_first_fold_nothing_is_refused_with_what_to_do() -> None:
    data = dataset()
    with pytest.raises(DataRefused, match=r"gap for late labels leaves the first fold no row.*fewer --folds"):
        folds_of(data, gap=300)


def test_more_folds_than_days_are_refused() -> None:
    data = dataset()
    assert data.days is not None
    with pytest.raises(DataRefused, match="too few days for 20 folds"):
        folds_of(replace(data, days=data.days // 60), 20, gap=0)


def test_a_fold_of_one_class_is_refused_by_its_number() -> None:
    data = dataset()
    assert data.days is not None
    labels = data.labels & (data.days > 300)
    with pytest.raises(DataRefused, match=r"training part of fold 1 .* holds only one class"):
        folds_of(replace(data, labels=labels))
