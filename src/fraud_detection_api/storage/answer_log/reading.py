"""Pages of the answer log, in the order in which answers were written to it."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import NamedTuple

import orjson
import sqlalchemy as sa

from fraud_detection_api.errors import AnswersMissing
from fraud_detection_api.schemas.answer_log import AnswerPlace, AnswersQuery
from fraud_detection_api.storage.answer_log.answer_table import LATER, ORDER, answer_table, bounded_key, lacking
from fraud_detection_api.storage.store_database import StoreDatabase


class LoggedRecord(NamedTuple):
    """A record that was answered, and what histories said of it, both as JSON."""

    record: str
    histories: str


class AnswerReader:
    """Reads what was written; makes and changes nothing."""

    def __init__(self, database: StoreDatabase, project: str) -> None:
        self._database = database
        self._project = project

    def page(self, use_case: str, query: AnswersQuery) -> tuple[list[dict[str, object]], str | None]:
        """The answers that are asked for, as many as fit on a page, and where to go on."""
        rows, after = self._page(use_case, query)
        return [_answer(row) for row in rows], after

    def remembered(self, use_case: str, query: AnswersQuery) -> tuple[list[LoggedRecord], str | None]:
        """The records of a page with what histories said of them; those that were kept with both."""
        rows, after = self._page(use_case, query)
        kept = [row for row in rows if row["record"] is not None and row["histories"] is not None]
        return [LoggedRecord(row["record"], row["histories"]) for row in kept], after

    def _page(self, use_case: str, query: AnswersQuery) -> tuple[Sequence[sa.RowMapping], str | None]:
        table = answer_table(self._database.engine, self._project, use_case)
        rows = self._database.reading(self._project, lambda connection: _read(connection, table, query))
        if rows is None:
            raise AnswersMissing(use_case)
        shown = rows[: query.limit]
        return shown, str(_place(shown[-1])) if len(rows) > len(shown) else None

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self._database.dispose()


def _read(connection: sa.Connection, table: sa.Table, query: AnswersQuery) -> Sequence[sa.RowMapping]:
    """The page, and one row more where there is more."""
    columns = _columns(connection, table)
    order = [columns[name] for name in ORDER if isinstance(columns[name], sa.Column)]
    statement = sa.select(*(column.label(name) for name, column in columns.items())).select_from(table)
    for condition in _conditions(columns, query):
        statement = statement.where(condition)
    return connection.execute(statement.order_by(*order).limit(query.limit + 1)).mappings().all()


def _columns(connection: sa.Connection, table: sa.Table) -> dict[str, sa.ColumnElement[object]]:
    missing = {column.name for column in lacking(connection, table)}
    return {column.name: LATER[column.name] if column.name in missing else column for column in table.columns}


def _conditions(columns: Mapping[str, sa.ColumnElement[object]], query: AnswersQuery) -> list[sa.ColumnElement[bool]]:
    conditions = []
    if query.after is not None:
        place = AnswerPlace.read(query.after)
        order = sa.tuple_(*(columns[name] for name in ORDER))
        # the first condition is for MySQL, which searches no index for the second
        conditions += [columns["number"] >= place.number, order > sa.tuple_(*map(sa.literal, place))]
    if query.decision is not None:
        conditions.append(columns["decision"] == query.decision)
    if query.key is not None:
        conditions.append(columns["record_key"] == bounded_key(query.key))
    if query.model_version is not None:
        conditions.append(columns["model_version"] == query.model_version)
    if query.since is not None:
        conditions.append(columns["answered_at"] >= query.since.astimezone(UTC))
    if query.until is not None:
        conditions.append(columns["answered_at"] < query.until.astimezone(UTC))
    return conditions


def _answer(row: sa.RowMapping) -> dict[str, object]:
    return {
        "id": str(_place(row)),
        "key": row["record_key"],
        **{name: row[name] for name in ("score", "anomaly_score", "decision", "model_version")},
        "answered_at": row["answered_at"].replace(tzinfo=UTC),
        **{name: row[name] for name in ("address", "request_id")},
        # texts of JSON, which are not read to be written again
        **{
            name: orjson.Fragment(row[name]) if row[name] is not None else None
            for name in ("record", "reasons", "histories")
        },
    }


def _place(row: sa.RowMapping) -> AnswerPlace:
    return AnswerPlace(*(row[name] for name in ORDER))
