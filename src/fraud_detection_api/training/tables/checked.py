"""Checked rows: a labelled table, or a part of one, as columns, every row of it checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.brought import problems_of_brought
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.tables import RawTable, columns_of_table
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.tables.remembered import remembered_in

SHOWN_PROBLEMS = 5
_NO_LABEL = "A label of 0 or 1 is required"

Rows = NDArray[np.intp]
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class TablePart:
    """Some rows of a table, and where in the table they stand."""

    raw: RawTable
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class CheckedRows:
    """The rows that can be used, with their columns and labels, and how many others there were."""

    part: TablePart
    columns: Columns
    labels: Labels
    skipped: int


def checked_rows(
    part: TablePart, unreadable: Iterable[Problem], use_case: UseCase, *, skip_bad_rows: bool
) -> CheckedRows:
    """What the record class, the label and the times let in; other rows are refused by their place, or skipped."""
    looked_at = _looked_at(part, unreadable, use_case)
    bad = bad_rows(part, looked_at.problems, skip_bad_rows=skip_bad_rows)
    return _without(bad, part, looked_at.columns, looked_at.labels)


def checked_records(
    part: TablePart, unreadable: Iterable[Problem], use_case: UseCase, *, skip_bad_rows: bool
) -> CheckedRows:
    """The same for histories, which know records without a label, too; to skip one takes what is wrong with itself."""
    looked_at = _looked_at(part, unreadable, use_case)
    wrong_beside = [each for each in looked_at.beside if each.message != _NO_LABEL]
    problems = looked_at.of_records if skip_bad_rows else [*looked_at.of_records, *wrong_beside]
    bad = bad_rows(part, problems, skip_bad_rows=skip_bad_rows)
    return _without(bad, part, looked_at.columns, looked_at.labels)


def checked_with_histories(
    part: TablePart,
    is_wanted: NDArray[np.bool_],
    unreadable: Iterable[Problem],
    use_case: UseCase,
    *,
    skip_bad_rows: bool,
) -> CheckedRows:
    """The wanted rows, checked, with what was known before each of them; that comes from all rows of the part.

    A row without a label is no row to learn from, and is known to those after it.
    """
    looked_at = _looked_at(part, unreadable, use_case)
    beside = [each for each in looked_at.beside if is_wanted[each.row]]
    bad = bad_rows(part, [*looked_at.of_records, *beside], skip_bad_rows=skip_bad_rows)
    remembered = remembered_in(part.raw, looked_at.columns, looked_at.of_records, use_case)
    columns = replace(looked_at.columns, remembered=remembered)
    checked = _without(np.union1d(bad, np.flatnonzero(~is_wanted)), part, columns, looked_at.labels)
    return replace(checked, skipped=len(bad))


@dataclass(frozen=True)
class _LookedAt:
    """Rows as columns with their labels; what is wrong with them as records, and with what stands beside those."""

    columns: Columns
    labels: Labels
    of_records: list[Problem]
    beside: list[Problem]

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong."""
        return [*self.of_records, *self.beside]


def _looked_at(part: TablePart, unreadable: Iterable[Problem], use_case: UseCase) -> _LookedAt:
    columns, problems = columns_of_table(part.raw, use_case)
    labels, unlabelled = _labels(part, use_case)
    cells = _within(part, unreadable)
    problems += RecordCheck(use_case).problems(columns)
    beside = [*unlabelled, *_time_problems(part, use_case), *problems_of_brought(part.raw, use_case)]
    arrival = use_case.histories.received_at if use_case.histories else None
    of_record = {"", arrival, *use_case.by_name}
    return _LookedAt(
        columns,
        labels,
        [*problems, *(each for each in cells if each.field in of_record)],
        [*beside, *(each for each in cells if each.field not in of_record)],
    )


def _within(part: TablePart, unreadable: Iterable[Problem]) -> list[Problem]:
    """What cannot be read in these rows, of all that cannot be read in the table; rows count within the part."""
    found = list(unreadable)
    place = {row: at for at, row in enumerate(part.rows.tolist())} if found else {}
    return [replace(each, row=place[each.row]) for each in found if each.row in place]


def _without(bad: Rows, part: TablePart, columns: Columns, labels: Labels) -> CheckedRows:
    if not len(bad):
        return CheckedRows(part, columns, labels, 0)
    good = np.setdiff1d(np.arange(len(part)), bad)
    return CheckedRows(TablePart(taken(part.raw, good), part.rows[good]), columns.take(good), labels[good], len(bad))


def taken(raw: RawTable, rows: Rows) -> Mapping[str, NDArray[np.generic]]:
    """Only these rows of a table."""
    return {name: column[rows] for name, column in raw.items()}


def wanted_kinds(use_case: UseCase) -> dict[str, Kind]:
    """The columns that training reads, and what each has to hold."""
    fields = {field.name: field.kind for field in use_case.fields}
    beside = dict.fromkeys(use_case.columns_beside, Kind.CATEGORY) | _columns_of_histories(use_case)
    return fields | {name: kind for name, kind in (beside | use_case.learning.columns).items() if name not in fields}


def _columns_of_histories(use_case: UseCase) -> dict[str, Kind]:
    return use_case.histories.columns if use_case.histories else {}


def refuse_absent_columns(raw: RawTable, use_case: UseCase) -> None:
    """Refuse a table that lacks a column that training needs."""
    optional = {field.name for field in use_case.fields if field.optional} - {use_case.entity, use_case.gate.group}
    optional |= set(_columns_of_histories(use_case))
    absent = [name for name in wanted_kinds(use_case) if name not in raw and name not in optional]
    if absent:
        raise DataRefused(
            f"The table has no column {', '.join(absent)}: training {use_case.name} needs it. "
            "Add it, rename the column that holds it, or name another table."
        )


def _labels(part: TablePart, use_case: UseCase) -> tuple[Labels, list[Problem]]:
    """Which rows are frauds, and the rows that do not say; without a label, none is."""
    if use_case.label is None:
        return np.zeros(len(part), dtype=bool), []
    values = part.raw[use_case.label].astype(np.float64)
    missing = np.isnan(values)
    others = np.unique(values[~missing & (values != 0) & (values != 1)])
    if len(others):
        shown = ", ".join(f"{value:g}" for value in others[:SHOWN_PROBLEMS])
        raise DataRefused(
            f"Label {use_case.label} holds {shown}: it may hold only 1 (fraud) and 0 (none). "
            "Map its values in the table or the query."
        )
    return values == 1, [Problem(int(row), use_case.label, _NO_LABEL) for row in np.flatnonzero(missing)]


def _time_problems(part: TablePart, use_case: UseCase) -> list[Problem]:
    if use_case.time_column:
        missing = np.isnat(part.raw[use_case.time_column])
        return [Problem(int(row), use_case.time_column, "A date is required") for row in np.flatnonzero(missing)]
    if use_case.order_column and use_case.order_column not in use_case.by_name:
        missing = np.isnan(part.raw[use_case.order_column].astype(np.float64))
        return [Problem(int(row), use_case.order_column, "A number is required") for row in np.flatnonzero(missing)]
    return []


def bad_rows(part: TablePart, problems: Iterable[Problem], *, skip_bad_rows: bool, can_skip: bool = True) -> Rows:
    """The places of rows with a problem; unless they may be skipped, the first of these problems refuse the table."""
    found = {problem.row: problem for problem in problems}
    if found and not skip_bad_rows:
        shown = "; ".join(
            f"row {part.rows[place] + 1}, {found[place].field}: {found[place].message}"
            for place in sorted(found)[:SHOWN_PROBLEMS]
        )
        how = ", or leave them out with --skip-bad-rows" if can_skip else ""
        raise DataRefused(
            f"{len(found):,} of {len(part):,} rows cannot be used (the first row below the header is row 1): {shown}"
            f"{'; ...' if len(found) > SHOWN_PROBLEMS else ''}. Fix them{how}."
        )
    return np.array(sorted(found), dtype=np.intp)
