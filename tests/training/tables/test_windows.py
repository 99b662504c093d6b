"""Windows in time order: which days train, which are left out, which test, and who is known when a day begins."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.schemas.times import day_of
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.windows import (
    Window,
    WindowPlan,
    not_known_yet,
    threshold_part,
    windows,
)

WEEKS = WindowPlan(folds=4, train_days=7, delay_days=7, test_days=7)


def dataset_of(days: list[int], cards: list[int], frauds: list[int]) -> Dataset:
    """Rows of which only days, cards and labels matter."""
    labels = np.isin(np.arange(len(days)), frauds)
    columns = Columns([str(row) for row in range(len(days))], np.zeros((1, len(days))), {})
    return Dataset(columns, labels, np.array(days), entities=np.array(cards))


def kept(rows: Dataset, window: Window, delay_days: int) -> list[tuple[int, int]]:
    """Day and card of the rows that stay in the test."""
    assert rows.days is not None
    assert rows.entities is not None
    found = not_known_yet(rows, window, delay_days)
    return list(zip(rows.days[found].tolist(), rows.entities[found].tolist(), strict=True))


def test_weeks_follow_one_another_and_end_with_the_data() -> None:
    days = np.repeat(np.arange(100, 142), 3)
    found = windows(days, WEEKS)
    assert [window.trained for window in found] == [(100, 106), (107, 113), (114, 120), (121, 127)]
    assert [window.tested for window in found] == [(114, 120), (121, 127), (128, 134), (135, 141)]


@given(st.integers(1, 5), st.integers(2, 9), st.integers(0, 9), st.integers(1, 9), st.integers(0, 20))
def test_every_row_is_where_its_day_says(folds: int, train: int, delay: int, test: int, more: int) -> None:
    plan = WindowPlan(folds, train, delay, test)
    days = np.random.default_rng(0).permutation(np.repeat(np.arange(plan.days + more), 2))
    found = windows(days, plan)
    for window in found:
        assert np.unique(days[window.training]).tolist() == list(range(window.trained[0], window.trained[1] + 1))
        assert np.unique(days[window.testing]).tolist() == list(range(window.tested[0], window.tested[1] + 1))
        assert (len(window.training), len(window.testing)) == (2 * train, 2 * test)
        assert window.tested[0] - window.trained[1] == delay + 1
    tested = np.concatenate([window.testing for window in found])
    assert np.sort(tested).tolist() == np.flatnonzero(days >= plan.days + more - folds * test).tolist()


def test_too_few_days_are_refused_with_how_many_it_takes() -> None:
    with pytest.raises(DataRefused, match=r"need 42 days: the rows span 41, from 1970-01-11 to 1970-02-20. .*--folds"):
        windows(np.arange(10, 51), WEEKS)
    assert len(windows(np.arange(10, 52), WEEKS)) == 4


def test_the_last_days_of_a_window_choose_about_a_tenth_of_its_rows() -> None:
    days, labels = np.repeat(np.arange(20), 50), np.arange(1000) % 5 == 0
    parts = threshold_part(days, labels, np.arange(1000))
    assert parts is not None
    assert [np.unique(days[part]).tolist() for part in parts] == [list(range(18)), [18, 19]]


def test_more_days_choose_where_the_last_ones_hold_no_fraud() -> None:
    days, labels = np.repeat(np.arange(20), 50), np.arange(1000) // 50 <= 14
    labels[0], labels[14 * 50] = False, False
    parts = threshold_part(days, labels, np.arange(1000))
    assert parts is not None
    assert np.unique(days[parts[1]]).tolist() == [14, 15, 16, 17, 18, 19]


@pytest.mark.parametrize("frauds", [[], [0], list(range(1000))])
def test_a_window_without_frauds_on_two_days_cannot_choose(frauds: list[int]) -> None:
    days, labels = np.repeat(np.arange(20), 50), np.isin(np.arange(1000), frauds)
    assert threshold_part(days, labels, np.arange(1000)) is None
    assert threshold_part(days[:0], labels[:0], np.arange(0)) is None


def test_a_fraud_is_known_once_its_label_has_come() -> None:
    window = Window((0, 6), (14, 20), np.arange(0), np.array([4, 5, 6, 7, 8, 9]))
    cards = [1, 2, 3, 4, 1, 2, 2, 3, 3, 4]
    rows = dataset_of([6, 7, 8, 13, 14, 14, 15, 15, 16, 20], cards, frauds=[0, 1, 2, 3])
    # the frauds of days 6, 7, 8 and 13 are known on days 14, 15, 16 and 21
    assert kept(rows, window, delay_days=7) == [(14, 2), (15, 3), (20, 4)]


def test_frauds_before_the_window_and_frauds_of_the_day_itself_are_not_known() -> None:
    window = Window((5, 9), (10, 12), np.arange(0), np.array([1, 2, 3]))
    rows = dataset_of([4, 10, 10, 11], [1, 1, 2, 2], frauds=[0, 2])
    assert kept(rows, window, delay_days=0) == [(10, 1), (10, 2)]


@given(st.integers(0, 1000), st.integers(0, 9))
def test_who_is_known_is_what_a_look_at_every_fraud_says(seed: int, delay: int) -> None:
    random = np.random.default_rng(seed)
    days, cards = random.integers(0, 40, 300).tolist(), random.integers(0, 60, 300).tolist()
    frauds = random.choice(300, 40, replace=False).tolist()
    rows = dataset_of(days, cards, frauds)
    window = windows(np.array(days), WindowPlan(1, 7, delay, 7))[0]
    known = {
        day: {cards[row] for row in frauds if days[row] >= window.trained[0] and days[row] + delay < day}
        for day in range(window.tested[0], window.tested[1] + 1)
    }
    expected = [(days[row], cards[row]) for row in window.testing.tolist() if cards[row] not in known[days[row]]]
    assert kept(rows, window, delay) == expected


def test_nobody_known_comes_again_where_no_two_rows_share_anybody() -> None:
    rows = replace(dataset_of([4, 10, 11], [1, 2, 3], frauds=[0, 1]), entities=None)
    window = Window((0, 9), (10, 12), np.arange(0), np.array([1, 2]))
    assert not_known_yet(rows, window, delay_days=0).tolist() == [1, 2]
    with pytest.raises(ValueError, match="needs days"):
        not_known_yet(replace(rows, days=None), window, delay_days=0)


def test_days_have_their_dates() -> None:
    assert day_of(20_000) == date(2024, 10, 4)
