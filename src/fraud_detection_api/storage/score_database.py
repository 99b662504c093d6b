"""The database that scores and answers are kept in: whole transactions, tried again where that helps.

A project is a SQLite file of its own, a MySQL database or a PostgreSQL schema. SQLAlchemy is imported on first use.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from fraud_detection_api.errors import Misfit, ScoresRefused, StoreTableVanished, StoreUnusable

if TYPE_CHECKING:
    import sqlalchemy as sa

    from fraud_detection_api.storage.scores.connections import Connections

Found = TypeVar("Found")

SAFE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DIALECTS = {
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mysql+pymysql": "mysql",
    "mariadb": "mysql",
    "mariadb+pymysql": "mysql",
    "postgresql": "postgresql",
    "postgresql+psycopg": "postgresql",
}
_TAKEN_PROJECTS = ("main", "temp", "pg_")  # by SQLite for what is attached, by PostgreSQL for itself
_TAKEN_TABLES = ("sqlite_",)


@dataclass(frozen=True)
class DatabaseOptions:
    """Where it is, which projects it may hold, and what is asked of it; the URL may hold a password."""

    url: str = field(repr=False)
    projects: tuple[str, ...]
    pool_size: int = 5
    timeout_seconds: float = 10


class ScoreDatabase:
    """Runs work in a transaction of one project; connects on first use, survives a restart of the server."""

    def __init__(self, options: DatabaseOptions) -> None:
        self.dialect_name = _dialect_name(options.url)
        for name in options.projects:
            if not _is_safe(name) or name.startswith(_TAKEN_PROJECTS):
                raise StoreUnusable(f"The score store cannot hold a project named {name!r}.")
        self._options = options
        self._made: set[str] = set()
        self._opened: Connections | None = None
        self._lock = Lock()

    def refuse_unusable(self) -> None:
        """Raise StoreUnusable where no database could ever be reached; connects to none."""
        for project in self._options.projects:
            self._connections().engine(project)

    def in_transaction(self, project: str, work: "Callable[[sa.Connection], Found]") -> Found:
        """What work returns, committed; it may run more than once, so twice has to do the same as once."""
        self.ensure_project(project)
        try:
            return self._connections().transaction(project, work)
        except StoreTableVanished:
            self._made.discard(project)  # it may be the project that has gone
            raise

    def reading(self, project: str, work: "Callable[[sa.Connection], Found]") -> Found | None:
        """What work finds; None where the project or the table was never made. Makes none."""
        refuse_unknown_project(project, self._options.projects)
        connections = self._connections()
        try:
            if project in self._made or connections.has_project(project):
                return connections.transaction(project, work, reads_only=True)
        except StoreTableVanished:
            self._made.discard(project)
        return None

    def ensure_project(self, project: str) -> None:
        """Make the project unless it is there; several processes may do so at once."""
        refuse_unknown_project(project, self._options.projects)
        connections = self._connections()
        if project not in self._made and self.dialect_name != "sqlite":  # a file is made by whoever writes to it
            connections.make_project(project)
            self._made.add(project)

    def make_unless_there(
        self, project: str, is_there: "Callable[[sa.Connection], bool]", make: "Callable[[sa.Connection], None]"
    ) -> None:
        """Make a table, say, that several processes may be making at once."""
        self.ensure_project(project)
        self._connections().make_unless_there(project, is_there, make)

    def dispose(self) -> None:
        """Close every connection; the next use opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened.dispose()

    def _connections(self) -> "Connections":
        with self._lock:
            if self._opened is None:
                try:
                    from fraud_detection_api.storage.scores.connections import Connections
                except ModuleNotFoundError as error:
                    raise StoreUnusable(f"The score store needs {error.name}, which is not installed.") from None
                options = self._options
                self._opened = Connections(options.url, options.pool_size, options.timeout_seconds)
            return self._opened


def refuse_unknown_project(project: str, projects: Sequence[str]) -> None:
    """Only what the settings name may be made or written to."""
    if project not in projects:
        raise ScoresRefused([Misfit(("project_name",), "the settings allow no project of this name", project)])


def refuse_unsafe_table(table: str) -> None:
    """Only what every database takes as a name, without quotes and without a meaning of its own."""
    if not is_safe_table(table):
        why = "a name has a lower-case letter first, then at most 62 lower-case letters, digits and _"
        raise ScoresRefused([Misfit(("table_name",), why, table)])


def is_safe_table(table: str) -> bool:
    """Whether every database takes it."""
    return _is_safe(table) and not table.startswith(_TAKEN_TABLES)


def _is_safe(name: str) -> bool:
    return SAFE_NAME.fullmatch(name) is not None


def _dialect_name(location: str) -> str:
    scheme, separator, _ = location.partition("://")
    if not separator or scheme not in _DIALECTS:
        known = ", ".join(f"{name}://" for name in _DIALECTS)
        raise StoreUnusable(f"The score store's URL has to begin with one of {known}")
    return _DIALECTS[scheme]
