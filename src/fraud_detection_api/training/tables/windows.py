"""Windows in time order: days that train, days left out until their labels have come, and the days that test."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.times import day_of
from fraud_detection_api.training.tables.dataset import Dataset, Days, Labels, Rows, has_both_classes

THRESHOLD_SHARE = 0.1  # of a training window, its last days
_NEVER = np.iinfo(np.int64).max // 2


@dataclass(frozen=True)
class WindowPlan:
    """How many windows, and how many days each part of them has."""

    folds: int
    train_days: int
    delay_days: int
    test_days: int

    @property
    def days(self) -> int:
        """All days that the windows need together."""
        return self.train_days + self.delay_days + self.folds * self.test_days


@dataclass(frozen=True)
class Window:
    """The first and the last day that trains and that tests, counted from 1970, and the rows on these days."""

    trained: tuple[int, int]
    tested: tuple[int, int]
    training: Rows
    testing: Rows


def windows(days: Days, plan: WindowPlan) -> tuple[Window, ...]:
    """Test days follow each other from window to window, and the last ones end with the data."""
    first, last = int(days.min()), int(days.max())
    if last - first + 1 < plan.days:
        raise DataRefused(
            f"{plan.folds} folds of {plan.train_days} days that train, {plan.delay_days} left out and {plan.test_days} "
            f"that test need {plan.days} days: the rows span {last - first + 1}, from {day_of(first)} to "
            f"{day_of(last)}. Ask for fewer --folds or shorter windows, or widen the dates."
        )
    starts = (last + 1 - plan.test_days * left for left in range(plan.folds, 0, -1))
    return tuple(_window(days, start, plan) for start in starts)


def threshold_part(days: Days, labels: Labels, training: Rows) -> tuple[Rows, Rows] | None:
    """The earlier days of a window, and about a tenth of its rows on its last days; a day is never divided.

    Both parts hold frauds and other rows; None where no day divides the window so.
    """
    distinct, counts = np.unique(days[training], return_counts=True)
    later = np.cumsum(counts[::-1])[::-1] / max(len(training), 1)  # share of rows on this day or later
    for at in np.argsort(np.abs(later - THRESHOLD_SHARE), kind="stable").tolist():
        is_later = days[training] >= distinct[at]
        parts = training[~is_later], training[is_later]
        if all(has_both_classes(labels[part]) for part in parts):
            return parts
    return None


def not_known_yet(dataset: Dataset, window: Window, delay_days: int) -> Rows:
    """The test rows whose entity nobody knows to be compromised when their day begins.

    Known is a fraud since the window's first training day whose label has come: its day and the delay lie before.
    """
    if dataset.days is None:
        raise ValueError("who is known needs days")
    if dataset.entities is None:  # no two rows share anybody, so nobody known comes again
        return window.testing
    frauds = np.flatnonzero(dataset.labels & (dataset.days >= window.trained[0]))
    first_fraud = np.full(int(dataset.entities.max()) + 1, _NEVER)
    np.minimum.at(first_fraud, dataset.entities[frauds], dataset.days[frauds])
    rows = window.testing
    return rows[dataset.days[rows] <= first_fraud[dataset.entities[rows]] + delay_days]


def _window(days: Days, start: int, plan: WindowPlan) -> Window:
    trained = start - plan.delay_days - plan.train_days, start - plan.delay_days - 1
    tested = start, start + plan.test_days - 1
    return Window(trained, tested, _between(days, trained), _between(days, tested))


def _between(days: Days, ends: tuple[int, int]) -> Rows:
    return np.flatnonzero((days >= ends[0]) & (days <= ends[1]))
