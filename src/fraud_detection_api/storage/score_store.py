"""Tables of scores: `project.table` is a real table of a real database. SQLAlchemy is imported on first use."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from fraud_detection_api.errors import StoreTableMissing, StoreTableUnfit, StoreTableVanished
from fraud_detection_api.schemas.stored_scores import PageAsked, PageRow, StoredScores
from fraud_detection_api.storage.score_database import ScoreDatabase, refuse_unsafe_table

if TYPE_CHECKING:
    import sqlalchemy as sa

TAKING_TURNS_FROM = 1_000  # rows; writers of fewer have each other's rows for a moment only


class ScoreStore:
    """Writes scores all or none, makes their table on first use, and reads them back."""

    def __init__(self, database: ScoreDatabase) -> None:
        self._database = database
        self._known: set[tuple[str, str]] = set()
        self._turns: dict[tuple[str, str], Lock] = {}

    def write(self, project: str, table: str, scores: StoredScores) -> None:
        """Insert what is new and update what is there, in one transaction."""
        refuse_unsafe_table(table)
        try:
            self._write(project, table, scores)
        except StoreTableVanished:
            self._known.discard((project, table))  # somebody has dropped it since
            self._write(project, table, scores)

    def page(self, project: str, table: str, asked: PageAsked) -> tuple[list[PageRow], int | None]:
        """Scores in the order of their ids, and the last id where more of them follow."""
        from fraud_detection_api.storage.scores.reading import read_page
        from fraud_detection_api.storage.scores.score_table import refuse_unfit, score_table

        refuse_unsafe_table(table)
        declared = score_table(project, table)

        def read(connection: "sa.Connection") -> list[PageRow]:
            if (project, table) not in self._known:
                refuse_unfit(connection, declared)
            return read_page(connection, declared, asked)

        with self._looked_at_again(project, declared):
            rows = self._database.reading(project, read)
        if rows is None:
            raise StoreTableMissing(project, table)
        self._known.add((project, table))
        shown = rows[: asked.limit]
        return shown, shown[-1].id if len(rows) > len(shown) else None

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self._database.dispose()

    def _write(self, project: str, table: str, scores: StoredScores) -> None:
        from fraud_detection_api.storage.scores.score_table import score_table
        from fraud_detection_api.storage.scores.writing import write_scores

        declared = score_table(project, table)
        if (project, table) not in self._known:
            self._make(project, declared)
            self._known.add((project, table))
        turn = self._turns.setdefault((project, table), Lock()) if len(scores) >= TAKING_TURNS_FROM else nullcontext()
        with turn, self._looked_at_again(project, declared):
            self._database.in_transaction(
                project, lambda connection: write_scores(connection, declared, scores, datetime.now(UTC))
            )

    def _make(self, project: str, declared: "sa.Table") -> None:
        from sqlalchemy.exc import DBAPIError

        from fraud_detection_api.storage.scores.score_table import has_table, make_table, refuse_unfit

        is_there = partial(has_table, table=declared)
        with suppress(DBAPIError):
            self._database.make_unless_there(project, is_there, partial(make_table, table=declared))
        if not self._database.reading(project, is_there):
            raise StoreTableUnfit(project, declared.name, "the database has given its name to something else")
        self._database.reading(project, partial(refuse_unfit, table=declared))

    @contextmanager
    def _looked_at_again(self, project: str, declared: "sa.Table") -> Iterator[None]:
        """Whatever is wrong with a table that was changed since it was looked at is said as of one never seen."""
        from sqlalchemy.exc import DBAPIError

        from fraud_detection_api.storage.scores.score_table import refuse_unfit

        try:
            yield
        except DBAPIError:
            self._known.discard((project, declared.name))
            self._database.reading(project, partial(refuse_unfit, table=declared))
            raise
