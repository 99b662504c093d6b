"""Score stores for answers: SQLite in a folder, PostgreSQL and MariaDB where they run; a project for each test."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions
from tests.storage.test_databases import SERVERS, skip_or_fail

KINDS = ("sqlite", *SERVERS)
Kept = dict[str, object]


@dataclass(frozen=True)
class AnswerStore:
    """Where answers go, and what came there."""

    url: str
    project: str

    @property
    def options(self) -> WriterOptions:
        """What a writer process is given."""
        return WriterOptions(self.url, self.project, timeout_seconds=5, log_level="INFO", log_json=True)

    @property
    def settings(self) -> dict[str, object]:
        """What the service is told."""
        return {"store": self.url, "keep_project": self.project, "store_timeout_seconds": 5}

    def rows(self, use_case: str) -> list[Kept]:
        """Every row that is there, read without the product."""
        engine, schema = self._engine()
        if engine.url.database and engine.dialect.name == "sqlite" and not Path(engine.url.database).exists():
            return []
        table = sa.table(use_case, schema=schema)
        try:
            with engine.connect() as connection:
                if not sa.inspect(connection).has_table(use_case, schema=schema):
                    return []
                found = connection.execute(sa.select(sa.text("*")).select_from(table).order_by(*_ORDER))
                return [dict(row) for row in found.mappings()]
        finally:
            engine.dispose()

    def named(self, name: str) -> str:
        """A table, say, in SQL that is run here."""
        return name if self.url.startswith("sqlite") else f"{self.project}.{name}"

    def run(self, statement: str) -> None:
        """Do something to the database from outside."""
        engine, _ = self._engine()
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    def indexes(self, use_case: str) -> list[str]:
        """The names of what finds the rows of a use case."""
        engine, schema = self._engine()
        found = sa.inspect(engine).get_indexes(use_case, schema=schema)
        engine.dispose()
        return sorted(str(index["name"]) for index in found)

    def drop(self) -> None:
        """Leave nothing on a server."""
        engine, schema = self._engine()
        if schema:
            with engine.begin() as connection:
                cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
                connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {schema}{cascade}"))
        engine.dispose()

    def _engine(self) -> tuple[sa.Engine, str | None]:
        if self.url.startswith("sqlite"):
            return sa.create_engine(f"{self.url}/{self.project}.sqlite", poolclass=sa.NullPool), None
        return sa.create_engine(self.url, poolclass=sa.NullPool), self.project


_ORDER = (sa.text("entry_id"), sa.text("position"))


@contextmanager
def answer_store(kind: str, folder: Path) -> Iterator[AnswerStore]:
    """A store of this kind that nobody else writes to."""
    project = f"kept_{secrets.token_hex(6)}"
    variable, default = SERVERS.get(kind, ("", f"sqlite:///{folder}/store"))
    store = AnswerStore(os.environ.get(variable, default), project)
    try:
        store.drop()
    except sa.exc.OperationalError as error:
        skip_or_fail(f"no {kind} at {store.url}; set {variable}: {error.orig}")
    yield store
    store.drop()
