"""Tables of scores: `project.table` is a real table of a real database. SQLAlchemy is imported on first use."""

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from fraud_detection_api.errors import StoreTableMissing, StoreTableVanished
from fraud_detection_api.schemas.stored_scores import PageAsked, PageRow, StoredScores
from fraud_detection_api.storage.score_database import ScoreDatabase, refuse_unsafe_table

if TYPE_CHECKING:
    import sqlalchemy as sa


class ScoreStore:
    """Writes scores all or none, makes their table on first use, and reads them back."""

    def __init__(self, database: ScoreDatabase) -> None:
        self._database = database
        self._known: set[tuple[str, str]] = set()

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

        declared, now = score_table(project, table), datetime.now(UTC)
        if (project, table) not in self._known:
            self._make(project, declared)
            self._known.add((project, table))
        self._database.in_transaction(project, lambda connection: write_scores(connection, declared, scores, now))

    def _make(self, project: str, declared: "sa.Table") -> None:
        from fraud_detection_api.storage.scores.score_table import has_table, make_table, refuse_unfit

        self._database.make_unless_there(
            project, partial(has_table, table=declared), partial(make_table, table=declared)
        )
        self._database.reading(project, partial(refuse_unfit, table=declared))
