"""Databases that scores are stored in: a folder of SQLite files, and whichever servers run here."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from fraud_detection_api.storage.score_store import ScoreStore
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.storage.store_options import StoreOptions
from tests.storage.test_databases import SERVERS, skip_or_fail

DATABASES = ("sqlite", *SERVERS)


@dataclass(frozen=True)
class StorePlace:
    """A database for scores, and a project in it that nobody else uses."""

    kind: str
    url: str
    project: str
    opened: list[StoreDatabase] = field(default_factory=list)

    def database(self, timeout_seconds: float = 10) -> StoreDatabase:
        """The database as the product opens it, with connections of its own."""
        self.opened.append(StoreDatabase(StoreOptions(self.url, (self.project,), 5, timeout_seconds)))
        return self.opened[-1]

    def store(self, timeout_seconds: float = 10) -> ScoreStore:
        """The store as the product opens it, with connections of its own."""
        return ScoreStore(self.database(timeout_seconds))

    def settings(self) -> dict[str, object]:
        """What a service is told to store its scores here."""
        return {"store": self.url, "store_projects": self.project}

    @property
    def folder(self) -> Path:
        """Where SQLite keeps its files."""
        return Path(str(sa.make_url(self.url).database))

    @contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        """A transaction beside the product's own; tables go by their bare names on SQLite, by project elsewhere."""
        url = f"sqlite:///{self.folder}/{self.project}.sqlite" if self.kind == "sqlite" else self.url
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def named(self, table: str) -> str:
        """The table in SQL, on a connection of this class."""
        return table if self.kind == "sqlite" else f"{self.project}.{table}"

    def rows(self, table: str, columns: str = "id, outlier_prob, class_pred") -> list[tuple[object, ...]]:
        """What is stored, read without the product."""
        with self.connection() as connection:
            query = f"SELECT {columns} FROM {self.named(table)} ORDER BY id"  # noqa: S608 - the tests' own words
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def run(self, statement: str) -> None:
        """Do something to the database from outside."""
        with self.connection() as connection:
            connection.execute(sa.text(statement))

    def close(self) -> None:
        """Close what was opened here."""
        for database in self.opened:
            database.dispose()

    def drop(self) -> None:
        """Leave nothing of the project on a server."""
        if self.kind != "sqlite":
            cascade = " CASCADE" if self.kind == "postgres" else ""
            self.run(f"DROP SCHEMA IF EXISTS {self.project}{cascade}")


@contextmanager
def store_place(kind: str, folder: Path) -> Iterator[StorePlace]:
    """A place of this kind, empty at first and gone afterwards; skipped where no such server runs."""
    project = f"scores_{secrets.token_hex(6)}"
    if kind == "sqlite":
        place = StorePlace(kind, f"sqlite:///{folder}/store", project)
        yield place
        place.close()
        return
    variable, default = SERVERS[kind]
    place = StorePlace(kind, os.environ.get(variable, default), project)
    try:
        place.drop()
    except sa.exc.OperationalError as error:
        skip_or_fail(f"no {kind} at {place.url}; set {variable}: {error.orig}")
    yield place
    place.close()
    place.drop()
