"""Records grouped from several tables: one for each entity, with totals over its events; nothing is lost in silence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused, UseCaseInvalid
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Numbers
from fraud_detection_api.features.tables import RawTable, columns_of_table
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.source_tables import SourceTable, SourceTables
from fraud_detection_api.schemas.use_case import UseCase

SHOWN_PROBLEMS = 5
_EXACT = 2**53  # whole numbers from here on are no longer exact as float64
_DTYPES = {Kind.INTEGER: np.int64, Kind.NUMBER: np.float64, Kind.BOOLEAN: np.bool_}

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class KeyedTable:
    """A checked table, row by row as it came; `order` sorts its keys, each of which stands in one row."""

    source: SourceTable
    keys: Numbers
    order: Rows
    columns: Mapping[str, Numbers]

    def rows_of(self, keys: Numbers) -> Rows:
        """The row of each key, -1 where there is none."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        places = np.searchsorted(self.keys, keys, sorter=self.order)
        rows = self.order[np.minimum(places, len(self.keys) - 1)]
        return np.where(self.keys[rows] == keys, rows, -1)


def tables_of(use_case: UseCase) -> SourceTables:
    """The tables that the use case's records are made from; refuses a use case without any."""
    if use_case.tables is None:
        raise DataRefused(
            f"The records of {use_case.name} are not made from other tables: they stand in a table of their own, as "
            "`fraud train` and `fraud score` read it."
        )
    unmade = [each.name for each in use_case.fields if each.name not in use_case.tables.made]
    if unmade:
        raise UseCaseInvalid(f"Use case {use_case.name}: its tables do not come to a field {', '.join(unmade)}.")
    return use_case.tables


def grouped(raw: Mapping[str, RawTable], use_case: UseCase) -> RawTable:
    """A record for every entity, those without events among them, in the order of their keys."""
    tables = tables_of(use_case)
    entities, *lookups, events = (_keyed(table, raw[table.name]) for table in tables.every)
    rows = {table.source.key: _rows_named(events, table) for table in (entities, *lookups)}
    measured = dict(events.columns)
    for table in lookups:
        measured |= {name: values[rows[table.source.key]] for name, values in table.columns.items()}
    found: dict[str, Numbers] = dict(entities.columns)
    for total in tables.totals:
        factors = np.stack([measured[name] for name in total.columns])
        sums = np.bincount(rows[tables.entities.key], factors.prod(axis=0), minlength=len(entities.keys))
        found[total.name] = sums.astype(np.float64)
    return {each.name: found[each.name][entities.order].astype(_DTYPES[each.kind]) for each in use_case.fields}


def refuse_rows(table: str, problems: Sequence[Problem]) -> None:
    """Refuse a table with such problems, if there is one, and say where they are."""
    if not problems:
        return
    first = sorted(problems, key=lambda problem: problem.row)[:SHOWN_PROBLEMS]
    places = (f"row {problem.row + 1}{', ' if problem.field else ''}{problem.field}" for problem in first)
    shown = "; ".join(f"{place}: {problem.message}" for place, problem in zip(places, first, strict=True))
    more = "; ..." if len(problems) > len(first) else ""
    count = len({problem.row for problem in problems})
    raise DataRefused(
        f"Table {table}: {count:,} rows cannot be used (the first row below the header is row 1): {shown}{more}. "
        "Fix them: totals without them would be wrong."
    )


def _keyed(table: SourceTable, raw: RawTable) -> KeyedTable:
    """Read and checked as any record is."""
    rows = UseCase(table.name, table.name, table.record, Unsupervised())
    try:
        columns, problems = columns_of_table(raw, rows)
    except DataRefused as error:
        raise DataRefused(f"Table {table.name}: {error.message}") from error
    refuse_rows(table.name, [*problems, *RecordCheck(rows).problems(columns)])
    known = dict(zip(rows.feature_names, columns.numbers, strict=True))
    order = np.argsort(known[table.key], kind="stable")
    keyed = KeyedTable(table, known[table.key], order, known)
    refuse_rows(table.name, [*_inexact(keyed), *_repeated(keyed)])
    return keyed


def _inexact(table: KeyedTable) -> Iterator[Problem]:
    for row in np.flatnonzero(np.abs(table.keys) >= _EXACT):
        yield Problem(int(row), table.source.key, "The number is too large to tell it from its neighbours")


def _repeated(table: KeyedTable) -> Iterator[Problem]:
    keys, order = table.keys, table.order
    for place in np.flatnonzero(keys[order[1:]] == keys[order[:-1]]):
        first, again = order[place], order[place + 1]
        yield Problem(int(again), table.source.key, f"{keys[again]:.0f} stands in row {first + 1}, too")


def _rows_named(events: KeyedTable, table: KeyedTable) -> Rows:
    """The row of this table that each event names."""
    key, name = table.source.key, table.source.name
    named = events.columns[key]
    rows = table.rows_of(named)
    lost = [Problem(int(row), key, f"{named[row]:.0f} is not in table {name}") for row in np.flatnonzero(rows < 0)]
    refuse_rows(events.source.name, lost)
    return rows
