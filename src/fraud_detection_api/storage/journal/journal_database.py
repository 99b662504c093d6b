"""The database of the journal: its tables, made on first use, and whole transactions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from fraud_detection_api.errors import StoreTableVanished, StoreUnavailable
from fraud_detection_api.run_errors import JournalUnavailable
from fraud_detection_api.storage.journal.tables import run_table, step_table
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.storage.store_options import StoreOptions

Result = TypeVar("Result")


@dataclass(frozen=True)
class JournalOptions:
    """Where the journal is: a folder of a SQLite file, or a server; the URL may hold a password."""

    url: str = field(repr=False)
    project: str = "fraud_pipeline"
    timeout_seconds: float = 10


class JournalDatabase:
    """Runs work on the journal's tables."""

    def __init__(self, options: JournalOptions) -> None:
        self.project = options.project
        store = StoreOptions(options.url, (options.project,), 4, options.timeout_seconds)
        self._database = StoreDatabase(store)
        self.engine = self._database.engine
        self.runs = run_table(self.engine, options.project)
        self.steps = step_table(self.engine, options.project)
        self._is_made = False

    def write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """What work returns, committed; it may be tried more than once."""
        with self._understood():
            self._make()
            return self._database.in_transaction(self.project, work)

    def read(self, work: Callable[[sa.Connection], Result]) -> Result:
        """What work finds."""
        with self._understood():
            self._make()
            found = self._database.reading(self.project, work)
            if found is None:  # the tables have gone since they were made
                raise StoreTableVanished
            return found

    @property
    def is_server(self) -> bool:
        """Whether it is a process of its own, which knows when a client is gone."""
        return self.engine.file(self.project) is None

    def pool(self) -> sa.Engine:
        """Connections of their own, for what has to be held longer than a transaction."""
        return self.engine.new_pool(self.project)

    def close(self) -> None:
        """Close every connection."""
        self._database.dispose()

    def _make(self) -> None:
        if self._is_made:
            return
        for table in (self.runs, self.steps):
            is_there = partial(_has_table, table=table)
            self._database.make_unless_there(self.project, is_there, partial(table.create, checkfirst=True))
        self._is_made = True

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable:
            self._is_made = False
            raise JournalUnavailable from None


def _has_table(connection: sa.Connection, table: sa.Table) -> bool:
    return sa.inspect(connection).has_table(table.name, schema=table.schema)
