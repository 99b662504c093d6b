"""Connections to one database, and the one way to run a transaction on them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

import sqlalchemy as sa
from loguru import logger
from sqlalchemy.exc import SQLAlchemyError

from fraud_detection_api.errors import StoreTableVanished, StoreUnavailable
from fraud_detection_api.storage.scores.engines import READS_ONLY, read_url, server_engine, sqlite_engine
from fraud_detection_api.storage.scores.failures import Failure, Patience, failure_of, words_of
from fraud_detection_api.storage.scores.projects import has_project, make_project

Found = TypeVar("Found")


class Connections:
    """Pools of connections; a SQLite project has one of its own, those of a server share one."""

    def __init__(self, location: str, pool_size: int, timeout_seconds: float) -> None:
        self._url = read_url(location)
        self._pool_size, self._timeout_seconds = pool_size, timeout_seconds
        self._engines: dict[str, sa.Engine] = {}
        self._lock = Lock()
        self._away = False

    def has_project(self, project: str) -> bool:
        """Whether somebody has made it; asking makes nothing."""
        if self._is_sqlite:
            try:
                return self._file(project).exists()
            except OSError as error:  # a folder that may not be entered
                raise self._unavailable(type(error).__name__) from None
        return self.transaction(project, partial(has_project, project=project), reads_only=True)

    def make_project(self, project: str) -> None:
        """Make it unless it is there."""
        self.make_unless_there(project, partial(has_project, project=project), partial(make_project, project=project))

    def make_unless_there(
        self, project: str, is_there: Callable[[sa.Connection], bool], make: Callable[[sa.Connection], None]
    ) -> None:
        """Make something that several processes may be making at once."""
        if self.transaction(project, is_there, reads_only=True):
            return
        try:
            self.transaction(project, make)
        except (SQLAlchemyError, StoreUnavailable):  # "if not exists" is no promise among several
            if not self.transaction(project, is_there, reads_only=True):
                raise

    def transaction(self, project: str, work: Callable[[sa.Connection], Found], *, reads_only: bool = False) -> Found:
        """What work returns, committed; tried again after a conflict or a lost connection."""
        engine = self.engine(project)
        patience = Patience(2 * self._timeout_seconds)  # one wait may take as long as an answer, and is tried again
        while True:
            try:
                with engine.connect() as connection, _begun(connection, reads_only):
                    found = work(connection)
            except SQLAlchemyError as error:
                self._bear(error, patience)
            except OSError as error:  # the folder of a SQLite file cannot be made
                raise self._unavailable(type(error).__name__) from None
            else:
                self._back()
                return found

    def engine(self, project: str) -> sa.Engine:
        """The pool that its connections come from, with none of them opened."""
        key = project if self._is_sqlite else ""
        with self._lock:
            if key not in self._engines:
                self._engines[key] = self._new_engine(project)
            return self._engines[key]

    def dispose(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            engine.dispose()

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _file(self, project: str) -> Path:
        return Path(self._url.database or "") / f"{project}.sqlite"

    def _new_engine(self, project: str) -> sa.Engine:
        if self._is_sqlite:
            return sqlite_engine(self._file(project), project, self._pool_size, self._timeout_seconds)
        return server_engine(self._url, self._pool_size, self._timeout_seconds)

    def _bear(self, error: SQLAlchemyError, patience: Patience) -> None:
        failure = failure_of(error)
        if failure is Failure.OURS:
            raise error
        if failure is Failure.VANISHED:
            raise StoreTableVanished from None
        if patience.allows_another_try(failure):
            return
        if failure is Failure.CONFLICT:
            logger.warning("A transaction of the score store was given up, after others had its rows for too long")
            raise StoreUnavailable from None
        # without the cause: a driver may quote what it was called with
        raise self._unavailable(words_of(error, (self._url.password or "",))) from None

    def _unavailable(self, words: str) -> StoreUnavailable:
        if not self._away:  # said once, not for every request that meets it
            logger.warning("The score store cannot be used: {}", words)
        self._away = True
        return StoreUnavailable()

    def _back(self) -> None:
        if self._away:
            logger.info("The score store can be used again")
        self._away = False


def _begun(connection: sa.Connection, reads_only: bool) -> sa.RootTransaction:
    return connection.execution_options(**{READS_ONLY: reads_only}).begin()
