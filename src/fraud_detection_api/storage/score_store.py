"""Tables of scores: `project.table` is a real table of a real database, made on first use, written all or none."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from fraud_detection_api.errors import StoreTableMissing, StoreTableUnfit, StoreTableVanished
from fraud_detection_api.schemas.stored_scores import ScoresPage, ScoresQuery, StoredScore, StoredScores
from fraud_detection_api.storage.engines.engine import ScoreRows, rows_of
from fraud_detection_api.storage.score_table import has_table, refuse_unfit, score_table
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.storage.store_options import refuse_unsafe_table

TAKING_TURNS_FROM = 1_000  # rows; writers of fewer have each other's rows for a moment only

Result = TypeVar("Result")


class ScoreStore:
    """Writes scores and reads them back."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database
        self._known: dict[tuple[str, str], sa.Table] = {}
        self._turns: dict[tuple[str, str], Lock] = {}

    def write(self, project: str, table: str, scores: StoredScores) -> None:
        """Insert what is new and update what is there, in one transaction."""
        refuse_unsafe_table(table)
        self._database.refuse_unknown_project(project)
        now, rows = datetime.now(UTC), rows_of(scores)
        turn = self._turns.setdefault((project, table), Lock()) if len(scores) >= TAKING_TURNS_FROM else nullcontext()

        def write() -> None:
            declared = self._table(project, table)
            work = partial(self._upsert, table=declared, rows=rows, now=now)
            self._database.in_transaction(project, work)

        with turn:
            self._looking_again(project, table, write)

    def page(self, project: str, table: str, query: ScoresQuery) -> ScoresPage:
        """Scores in the order of their ids, as many as fit on a page."""
        refuse_unsafe_table(table)
        rows = self._looking_again(project, table, lambda: self._rows(project, table, query))
        if rows is None:
            raise StoreTableMissing(project, table)
        shown = rows[: query.limit]
        return ScoresPage(shown, shown[-1].id if len(rows) > len(shown) else None)

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self._database.dispose()

    def _looking_again(self, project: str, table: str, work: Callable[[], Result]) -> Result:
        """Once more where a table was dropped or changed since it was looked at."""
        try:
            return work()
        except (StoreTableVanished, DBAPIError):
            self._known.pop((project, table), None)
            return work()

    def _table(self, project: str, name: str) -> sa.Table:
        """The table, made where there is none."""
        known = self._known.get((project, name))
        if known is not None:
            return known
        table = score_table(self._database.engine, project, name)
        is_there = partial(has_table, table=table)
        with suppress(DBAPIError):
            self._database.make_unless_there(project, is_there, partial(table.create, checkfirst=True))
        if not self._database.reading(project, is_there):
            raise StoreTableUnfit(project, name, "the database has given its name to something else")
        self._database.reading(project, partial(refuse_unfit, engine=self._database.engine, table=table))
        self._known[project, name] = table
        return table

    def _upsert(self, connection: sa.Connection, table: sa.Table, rows: ScoreRows, now: datetime) -> None:
        if len(rows):
            quoted = connection.dialect.identifier_preparer.format_table(table)
            self._database.engine.upsert_scores(connection, quoted, rows, now)

    def _rows(self, project: str, name: str, query: ScoresQuery) -> list[StoredScore] | None:
        """The rows of a page, and one more where there is more; None without a table."""
        engine = self._database.engine
        table = score_table(engine, project, name)

        def read(connection: sa.Connection) -> list[StoredScore]:
            if (project, name) not in self._known:
                refuse_unfit(connection, engine, table)
            return _read(connection, table, query)

        rows = self._database.reading(project, read)
        if rows is not None:
            self._known[project, name] = table
        return rows


def _read(connection: sa.Connection, table: sa.Table, query: ScoresQuery) -> list[StoredScore]:
    columns = table.c
    statement = sa.select(columns.id, columns.outlier_prob, columns.class_pred, columns.inserted_at)
    if query.class_pred is not None:
        statement = statement.where(columns.class_pred == query.class_pred)
    if query.min_prob is not None:
        statement = statement.where(columns.outlier_prob >= query.min_prob)
    if query.after is not None:
        statement = statement.where(columns.id > query.after)
    rows = connection.execute(statement.order_by(columns.id).limit(query.limit + 1))
    return [StoredScore(*row[:3], row[3].replace(tzinfo=UTC)) for row in rows]
