"""Storing: scores into a table of a project, all or none of them, and back in pages."""

from dataclasses import dataclass

from fraud_detection_api.schemas.stored_scores import PageAsked, PageRow, StoredScores
from fraud_detection_api.services.insertion import read_insertion
from fraud_detection_api.storage.score_store import ScoreStore


@dataclass(frozen=True)
class Page:
    """Scores in the order of their ids, and where to go on."""

    scores: list[PageRow]
    next: int | None


class Storing:
    """Keeps scores under the name of a project and of a table."""

    def __init__(self, store: ScoreStore, max_rows: int) -> None:
        self._store = store
        self.max_rows = max_rows

    def insert(self, content: object) -> None:
        """Store what a caller has sent, once all of it has been looked at."""
        read = read_insertion(content, self.max_rows)
        self.store(read.project, read.table, read.scores)

    def store(self, project: str, table: str, scores: StoredScores) -> None:
        """Store many scores at once; the table is made on first use, an id that is there is updated."""
        self._store.write(project, table, scores)

    def page(self, project: str, table: str, asked: PageAsked) -> Page:
        """The scores that are asked for, as many as fit on a page."""
        return Page(*self._store.page(project, table, asked))

    def close(self) -> None:
        """Let go of what the store holds open; it opens again on next use."""
        self._store.close()
