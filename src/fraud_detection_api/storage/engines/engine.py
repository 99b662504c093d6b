"""What an engine is: everything that one kind of database does in its own way."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import ClassVar

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import exc

from fraud_detection_api.schemas.stored_scores import StoredScores

Code = str | int | None
ScoreColumns = tuple[list[int], list[float], list[str]]  # ids in ascending order, probabilities, classes
WRITTEN_AT_ONCE = 5_000  # rows: as objects, on their way to a driver, a row takes some 200 bytes

SCORE_COLUMNS = ("id", "outlier_prob", "class_pred", "inserted_at")
READS_ONLY = "fraud_reads_only"  # an option of a connection whose transaction will not write
NAMES = ", ".join(SCORE_COLUMNS)
# for engines that say it so; the table that is written is named `stored`: `excluded` may be its own name
ON_CONFLICT = "ON CONFLICT (id) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in SCORE_COLUMNS[1:])


class Failure(Enum):
    """What becomes of a transaction that failed."""

    CONFLICT = auto()  # tried again for a while
    LOST = auto()  # the connection: tried again at once
    AWAY = auto()  # the database
    VANISHED = auto()  # a table or a project that was there
    OURS = auto()  # a statement or a value that can never work


@dataclass(frozen=True)
class ScoreRows:
    """Scores by ascending id, each id once, so that writers of the same rows lock them in one order."""

    scores: StoredScores
    places: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.places)

    def parts(self) -> Iterator[ScoreColumns]:
        """The rows as lists, some at a time."""
        ids, probabilities, classes = self.scores.ids, self.scores.probabilities, self.scores.classes
        for start in range(0, len(self), WRITTEN_AT_ONCE):
            places = self.places[start : start + WRITTEN_AT_ONCE]
            named = [classes[place] for place in places.tolist()]
            yield ids[places].tolist(), probabilities[places].tolist(), named


def rows_of(scores: StoredScores) -> ScoreRows:
    """Of an id that comes twice the last one counts."""
    places = np.argsort(scores.ids, kind="stable")
    ids = scores.ids[places]
    is_last = np.append(ids[1:] != ids[:-1], True)[: len(ids)]
    return ScoreRows(scores, places[is_last])


class Engine(ABC):
    """One kind of database at one URL."""

    # codes of errors, as `code` gives them
    conflicts: ClassVar[frozenset[Code]]
    vanished: ClassVar[frozenset[Code]]
    ours: ClassVar[frozenset[Code]] = frozenset()  # although the driver blames the server
    forbidden: ClassVar[frozenset[Code]] = frozenset()  # although the driver blames the statement

    # columns
    whole_number: ClassVar[sa.types.TypeEngine[int]] = sa.BigInteger()
    moment: ClassVar[sa.types.TypeEngine[datetime]] = sa.DateTime(timezone=True)
    long_text: ClassVar[sa.types.TypeEngine[str]] = sa.Text()
    score_types: ClassVar[Mapping[str, str]]  # patterns of the types that hold scores as they are

    def __init__(self, url: sa.URL, pool_size: int, timeout_seconds: float) -> None:
        self.url, self.pool_size, self.timeout_seconds = url, pool_size, timeout_seconds

    @abstractmethod
    def new_pool(self, project: str) -> sa.Engine:
        """Connections to a project, none of them opened."""

    def file(self, project: str) -> Path | None:  # noqa: ARG002 - engines that are no server say which
        """The file that a project is, where connecting would make it."""
        return None

    def ensure_project(self, connection: sa.Connection, project: str) -> None:
        """Make the project unless it is there."""
        if project not in sa.inspect(connection).get_schema_names():
            connection.execute(sa.schema.CreateSchema(project, if_not_exists=True))

    def table(self, project: str, name: str, *items: sa.schema.SchemaItem) -> sa.Table:
        """A table of a project; names are quoted, since SQLAlchemy does not know every word of every database."""
        quoted = sa.sql.quoted_name
        return sa.Table(quoted(name, quote=True), sa.MetaData(), *items, schema=quoted(project, quote=True))

    @abstractmethod
    def code(self, error: exc.DBAPIError) -> Code:
        """What the database itself calls an error."""

    @abstractmethod
    def insert_new(self, table: sa.Table) -> sa.Insert:
        """An INSERT that leaves a row alone whose key is there already."""

    @abstractmethod
    def upsert_scores(self, connection: sa.Connection, table: str, rows: ScoreRows, now: datetime) -> None:
        """Insert or update scores in the fastest way that the driver knows; the table's name is quoted."""

    def try_lock(self, connection: sa.Connection, name: str) -> bool:  # noqa: ARG002 - a server has one
        """Take a lock for as long as the connection lasts; without a server there is nobody to hold it."""
        return True

    def is_locked(self, connection: sa.Connection, name: str) -> bool:  # noqa: ARG002 - a server knows
        """Whether some connection holds this lock."""
        return False

    def failure(self, error: exc.SQLAlchemyError) -> Failure:
        """What an error means for the transaction."""
        if isinstance(error, exc.NoSuchTableError):
            return Failure.VANISHED
        if not isinstance(error, exc.DBAPIError):
            return Failure.AWAY if isinstance(error, exc.TimeoutError) else Failure.OURS
        code = self.code(error)
        if code in self.conflicts:
            return Failure.CONFLICT
        if error.connection_invalidated:
            return Failure.LOST
        if code in self.vanished and error.statement is not None:  # without one, it is the database of the URL
            return Failure.VANISHED
        faulty = exc.IntegrityError | exc.DataError | exc.ProgrammingError | exc.NotSupportedError
        is_ours = code in self.ours or (isinstance(error, faulty) and code not in self.forbidden)
        return Failure.OURS if is_ours else Failure.AWAY
