"""The split: later rows judge earlier ones, a gap lies between, and no row does two things."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.split import (
    Split,
    default_gap,
    split,
    split_at_random,
    split_by_time,
    split_in_order,
)

DAYS = st.lists(st.integers(0, 900), min_size=3, max_size=300).map(lambda days: np.array(days, dtype=np.int64))


def all_rows(parts: Split) -> list[int]:
    parts_in_order = (parts.train, parts.stopping, parts.calibration, parts.validation)
    return [int(row) for part in parts_in_order for row in part]


@given(days=DAYS, gap_days=st.integers(0, 60))
def test_parts_follow_each_other_in_time_with_the_gap_after_training(days: np.ndarray, gap_days: int) -> None:
    assume(len(np.unique(days)) >= 3)
    try:
        parts = split_by_time(days, gap_days)
    except DataRefused as refused:
        assert "Choose a smaller --gap-days" in refused.message  # noqa: PT017 - either a split or this sentence
        return
    assert days[parts.train].max() < days[parts.stopping].min() - gap_days
    later = days[parts.calibration] if len(parts.calibration) else days[parts.validation]
    assert days[parts.stopping].max() < later.min()
    assert later.max() < days[parts.validation].min() or not len(parts.calibration)
    assert parts.trained_until == date(1970, 1, 1) + timedelta(days=int(days[parts.train].max()))
    assert parts.validated_from == date(1970, 1, 1) + timedelta(days=int(days[parts.validation].min()))


@given(days=DAYS)
def test_no_row_is_in_two_parts_and_only_the_gap_is_left_out(days: np.ndarray) -> None:
    assume(len(np.unique(days)) >= 3)
    rows = all_rows(split_by_time(days, 0))
    assert sorted(rows) == list(range(len(days)))


@given(size=st.integers(10, 500), seed=st.integers(0, 100))
def test_a_split_without_time_uses_every_row_once_and_repeats_itself(size: int, seed: int) -> None:
    parts = split_at_random(size, seed)
    assert sorted(all_rows(parts)) == list(range(size))
    assert all_rows(split_at_random(size, seed)) == all_rows(parts)
    assert "at random with seed" in parts.how


@given(moments=DAYS)
def test_in_order_every_row_is_in_one_part_later_parts_are_later_and_equal_moments_stay_together(
    moments: np.ndarray,
) -> None:
    assume(len(np.unique(moments)) >= 3)
    parts = split_in_order(moments)
    assert sorted(all_rows(parts)) == list(range(len(moments)))
    filled = [moments[rows] for rows in (parts.train, parts.stopping, parts.calibration, parts.validation) if len(rows)]
    assert all(earlier.max() < later.min() for earlier, later in pairwise(filled))
    assert len(parts.train)
    assert len(parts.stopping)
    assert len(parts.validation)


def test_in_order_the_parts_have_the_shares_that_they_have_by_time_and_there_are_no_dates() -> None:
    parts = split_in_order(np.random.default_rng(1).permutation(1000))
    sizes = tuple(len(rows) for rows in (parts.train, parts.stopping, parts.calibration, parts.validation))
    assert sizes == (650, 100, 50, 200)
    assert parts.how == "in the order of the rows, without a gap"
    assert (parts.trained_until, parts.validated_from) == (None, None)


def test_a_dataset_with_moments_instead_of_days_is_split_in_their_order_whatever_the_seed_and_the_gap() -> None:
    random = np.random.default_rng(4)
    moments = random.integers(0, 500, 900)
    dataset = Dataset(Columns(np.arange(900), np.zeros((1, 900))), random.random(900) < 0.3, None, moments=moments)
    found = split(dataset, 30, seed=7)
    assert all_rows(found) == all_rows(split_in_order(moments))
    assert "without a gap" in found.how


def test_two_moments_are_refused() -> None:
    with pytest.raises(DataRefused, match=r"lie on 2 moment\(s\): a split by time needs at least 3"):
        split_in_order(np.array([1, 2, 2]))


def test_a_fifth_of_evenly_spread_rows_validates_a_tenth_stops_and_a_twentieth_calibrates() -> None:
    parts = split_by_time(np.repeat(np.arange(100), 10), gap_days=10)
    sizes = tuple(len(rows) for rows in (parts.train, parts.stopping, parts.calibration, parts.validation))
    assert sizes == (550, 100, 50, 200)
    assert parts.how == (
        "by time: train before 1970-02-25, 10 days left out for late labels, early stopping from 1970-03-07, "
        "calibration from 1970-03-17, validation from 1970-03-22 to 1970-04-10"
    )


def test_three_monthly_snapshots_are_enough_but_leave_nothing_to_calibrate_on() -> None:
    parts = split_by_time(np.repeat([0, 31, 59], 50), gap_days=5)
    assert (len(parts.train), len(parts.stopping), len(parts.validation)) == (50, 50, 50)
    assert len(parts.calibration) == 0


@pytest.mark.parametrize(("span", "gap"), [(730, 30), (300, 30), (90, 9), (5, 0)])
def test_the_default_gap_is_a_month_or_a_tenth_of_a_short_period(span: int, gap: int) -> None:
    assert default_gap(np.arange(span)) == gap


def test_two_days_are_refused() -> None:
    with pytest.raises(DataRefused, match=r"lie on 2 day\(s\).*Widen the dates"):
        split_by_time(np.array([1, 2, 2]), gap_days=0)


def test_a_gap_that_eats_the_training_rows_is_refused() -> None:
    with pytest.raises(DataRefused, match=r"A gap of 90 days leaves no row to train on: the rows span 50 days"):
        split_by_time(np.arange(50), gap_days=90)


def test_a_part_with_one_class_is_refused() -> None:
    labels = np.arange(300) < 150
    dataset = Dataset(Columns(np.arange(300), np.zeros((1, 300))), labels, np.arange(300))
    with pytest.raises(DataRefused, match=r"The stopping part \(30 rows\) holds only one class"):
        split(dataset, 0, seed=0)
