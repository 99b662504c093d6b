"""The dataset: a labelled table, cut to its period and checked row by row, ready to be split."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.brought import brings_features, brought
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.times import DAY, day_number, day_numbers, day_of
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.tables.checked import (
    CheckedRows,
    TablePart,
    checked_rows,
    checked_with_histories,
    refuse_absent_columns,
    taken,
    wanted_kinds,
)
from fraud_detection_api.training.tables.distinct import entities_of, numbered

LEAST_ROWS = 100
_YES_OR_NO = {"False": "no", "0": "no", "True": "yes", "1": "yes"}  # booleans come as numbers where some are missing

Rows = NDArray[np.intp]
Days = NDArray[np.int64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Period:
    """The days to train on, first and last included; None leaves that side open."""

    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise DataRefused(f"The start date {self.first} lies after the end date {self.last}: swap the two.")

    @property
    def is_open(self) -> bool:
        """Whether it leaves no row out."""
        return self.first is None and self.last is None

    def __str__(self) -> str:
        return f"{self.first or 'the first day'} to {self.last or 'the last day'}"


@dataclass(frozen=True)
class Groups:
    """Which of some named groups each row belongs to."""

    names: tuple[str, ...]
    codes: NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Checked columns with their labels and what else is known of the rows.

    Days count from 1970, where the use case has a time column; moments are whatever says more finely which row came
    first: milliseconds since 1970, or numbers of an order column;
    entities are numbers for whom rows share; at stake is what a row costs if it is a fraud and is missed. Where the use
    case has no label, none is set.
    """

    columns: Columns
    labels: Labels
    days: Days | None
    skipped: int = 0
    entities: NDArray[np.int64] | None = None
    groups: Groups | None = None
    at_stake: NDArray[np.float64] | None = None
    moments: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None  # how many rows each stands for, where others like it were left out
    probabilities: NDArray[np.float64] | None = None  # of sample rows: how likely each was to be made a fraud
    valueless: tuple[str, ...] = ()  # optional fields that no row has a value of, or that have no column

    def __len__(self) -> int:
        return len(self.columns)

    def fraud_share(self, rows: Rows) -> float:
        """The share of frauds among these rows and all that they stand for."""
        weights = None if self.weights is None else self.weights[rows].astype(np.float64)
        return float(np.average(self.labels[rows], weights=weights))

    @property
    def in_order(self) -> NDArray[np.int64] | None:
        """What says which row came first: moments, or days; None where nothing does."""
        return self.days if self.moments is None else self.moments

    @property
    def moments_a_day(self) -> int:
        """How many of what says which row came first make a day; 0 where nobody knows the days."""
        if self.days is None:
            return 0
        return 1 if self.moments is None else DAY


def has_both_classes(labels: Labels) -> bool:
    """Whether there are frauds and others."""
    return bool(labels.any() and not labels.all())


def refuse_unlabelled(use_case: UseCase) -> None:
    """Refuse what only labels can judge."""
    if use_case.label is None:
        raise DataRefused(
            f"{use_case.name} has no label, so that no model of it can be judged: only `fraud train` learns without."
        )


def dataset_of(
    raw: RawTable, unreadable: Iterable[Problem], use_case: UseCase, period: Period, *, skip_bad_rows: bool
) -> Dataset:
    """The dataset in a raw table; every refusal says what to do."""
    refuse_absent_columns(raw, use_case)
    checked = _checked(raw, unreadable, use_case, period, skip_bad_rows=skip_bad_rows)
    part, columns, labels = checked.part, checked.columns, checked.labels
    refuse_few(labels, _within(period))
    return Dataset(
        replace(derive(columns, use_case), given=None),
        labels,
        days=day_numbers(part.raw[use_case.time_column]) if use_case.time_column else None,
        skipped=checked.skipped,
        entities=entities_of(part.raw[use_case.entity]) if use_case.entity else None,
        groups=_groups(part.raw, use_case.gate.group, use_case) if use_case.gate.group else None,
        at_stake=at_stake_of(columns, use_case),
        moments=_moments(part.raw, use_case),
        valueless=tuple(each.name for each in use_case.fields if each.optional and _is_empty(part.raw.get(each.name))),
    )


def _checked(
    raw: RawTable, unreadable: Iterable[Problem], use_case: UseCase, period: Period, *, skip_bad_rows: bool
) -> CheckedRows:
    """The rows of the period; histories look back on those before it, too."""
    rows = _rows_within(raw, use_case, period)
    if use_case.histories is None or brings_features(raw, use_case):
        checked = checked_rows(_part(raw, rows), unreadable, use_case, skip_bad_rows=skip_bad_rows)
        return replace(checked, columns=replace(checked.columns, remembered=brought(checked.part.raw, use_case)))
    so_far = _part(raw, _rows_within(raw, use_case, Period(None, period.last)))
    is_wanted = np.isin(so_far.rows, rows)
    return checked_with_histories(so_far, is_wanted, unreadable, use_case, skip_bad_rows=skip_bad_rows)


def _is_empty(values: RawColumn | None) -> bool:
    """Whether a column is absent or holds nothing at all."""
    if values is None:
        return True
    if values.dtype.kind == "O":
        return all(value is None for value in values.tolist())
    return values.dtype.kind in "fM" and bool(np.isnan(values).all())


def _part(raw: RawTable, rows: Rows) -> TablePart:
    return TablePart(raw if len(rows) == len(next(iter(raw.values()))) else taken(raw, rows), rows)


def _rows_within(raw: RawTable, use_case: UseCase, period: Period) -> Rows:
    """The rows of the period, and those of which nobody can say."""
    size = len(next(iter(raw.values())))
    if size == 0:
        raise DataRefused("The table has no rows: choose another file, table or query.")
    if period.is_open:
        return np.arange(size)
    if use_case.time_column is None:
        raise DataRefused(f"{use_case.name} has no time column to choose dates by: leave the two dates out.")
    days = day_numbers(raw[use_case.time_column])
    missing = np.isnat(raw[use_case.time_column])
    inside = (days >= _number(period.first, -(2**62))) & (days <= _number(period.last, 2**62)) & ~missing
    if not inside.any():
        raise DataRefused(_nothing_inside(days[~missing], use_case.time_column, period))
    return np.flatnonzero(inside | missing)


def _nothing_inside(days: Days, time_column: str, period: Period) -> str:
    if not len(days):
        return f"Column {time_column} holds no date at all: fill it in, or choose another table."
    first, last = (day_of(int(day)) for day in (days.min(), days.max()))
    return f"No row lies within {period}: {time_column} runs from {first} to {last}. Choose dates within these."


def _number(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else day_number(day)


def _groups(raw: RawTable, column: str, use_case: UseCase) -> Groups:
    """The groups by the names that reports show."""
    values = raw[column]
    names, codes = numbered(values.astype("datetime64[D]") if values.dtype.kind == "M" else values)
    if wanted_kinds(use_case)[column] is Kind.BOOLEAN:
        names = [_YES_OR_NO.get(name, name) for name in names]
    return Groups(tuple(name or "(missing)" for name in names), codes)


def at_stake_of(columns: Columns, use_case: UseCase) -> NDArray[np.float64] | None:
    """What each record costs if it is a fraud and is missed, where somebody has said so."""
    if use_case.costs is None:
        return None
    cost = use_case.costs.missed_fraud
    if not isinstance(cost, str):
        return np.full(len(columns), float(cost))
    lost = columns.numbers[use_case.inputs.index(use_case.by_name[cost])]
    return np.where(lost > 0, lost, 0.0)  # nothing where it is missing


def _moments(raw: RawTable, use_case: UseCase) -> NDArray[np.int64] | None:
    """Milliseconds since 1970, or the place of each row's number among all of them; equal ones share a place."""
    if use_case.order_column:
        return np.unique(raw[use_case.order_column].astype(np.float64), return_inverse=True)[1].astype(np.int64)
    if use_case.time_column and wanted_kinds(use_case)[use_case.time_column] is Kind.TIME:
        return raw[use_case.time_column].astype("datetime64[ms]").astype(np.int64)
    return None


def _within(period: Period) -> str:
    return "" if period.is_open else f" within {period}"


def refuse_few(labels: Labels, within: str = "") -> None:
    """Refuse rows that are too few to learn from and to be judged by."""
    if len(labels) < LEAST_ROWS:
        raise DataRefused(f"Only {len(labels):,} usable rows{within}: training needs at least {LEAST_ROWS}.")


def refuse_one_class(labels: Labels, use_case: UseCase, period: Period) -> None:
    """Refuse rows that are all frauds, or none of them: nothing tells the two apart."""
    if not has_both_classes(labels):
        raise DataRefused(
            f"Every row within {period} has {use_case.label} {int(labels[0])}: training needs both 0 and 1. "
            "Widen the dates, or look at how the label is made."
        )
