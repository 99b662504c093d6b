"""The database of the store: whole transactions of one project, tried again where that helps."""

import random
import time
from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import TypeVar

import sqlalchemy as sa
from loguru import logger
from sqlalchemy import exc

from fraud_detection_api.errors import StoreTableVanished, StoreUnavailable, StoreUnusable
from fraud_detection_api.storage.engines.engine import READS_ONLY, Engine, Failure
from fraud_detection_api.storage.engines.known import DRIVERS, known_engine
from fraud_detection_api.storage.store_options import StoreOptions

MOST_TRIES, MOST_LOST = 20, 2  # of a transaction: after conflicts, after lost connections
SHORTEST_REST, LONGEST_REST = 0.005, 0.5
_LAST_PORT = 65_535

Result = TypeVar("Result")


class StoreDatabase:
    """Runs work in a transaction of one project; connects on first use, survives a restart of the server."""

    def __init__(self, options: StoreOptions) -> None:
        self.engine = _engine(options)
        self._options = options
        self._made: set[str] = set()
        self._pools: dict[str, sa.Engine] = {}
        self._lock = Lock()
        self._is_away = False

    def refuse_unusable(self) -> None:
        """Raise StoreUnusable where no database could ever be reached; connects to none."""
        for project in self._options.projects:
            self._pool(project)

    def refuse_unknown_project(self, project: str) -> None:
        """Only what the settings name may be made, read or written to."""
        self._options.refuse_unknown_project(project)

    def in_transaction(self, project: str, work: Callable[[sa.Connection], Result]) -> Result:
        """What work returns, committed; it may run more than once, so twice has to do the same as once."""
        self.ensure_project(project)
        try:
            return self._transaction(project, work)
        except StoreTableVanished:
            self._made.discard(project)  # it may be the project that has gone
            raise

    def reading(self, project: str, work: Callable[[sa.Connection], Result]) -> Result | None:
        """What work finds; None where the project or the table was never made. Makes none."""
        self.refuse_unknown_project(project)
        try:
            file = self.engine.file(project)
            if file is None or file.exists():
                return self._transaction(project, work, reads_only=True)
        except StoreTableVanished:
            pass
        except OSError as error:  # a folder that may not be entered
            raise self._unavailable(type(error).__name__) from None
        return None

    def ensure_project(self, project: str) -> None:
        """Make the project unless it is there; several processes may do so at once."""
        self.refuse_unknown_project(project)
        if project not in self._made and self.engine.file(project) is None:  # a file is made by whoever writes to it
            self._once_more(project, lambda connection: self.engine.ensure_project(connection, project))
            self._made.add(project)

    def make_unless_there(
        self, project: str, is_there: Callable[[sa.Connection], bool], make: Callable[[sa.Connection], None]
    ) -> None:
        """Make a table, say, that several processes may be making at once."""
        self.ensure_project(project)
        if not self._transaction(project, is_there, reads_only=True):
            self._once_more(project, lambda connection: None if is_there(connection) else make(connection))

    def dispose(self) -> None:
        """Close every connection; the next use opens new ones."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.dispose()

    def _once_more(self, project: str, make: Callable[[sa.Connection], None]) -> None:
        try:
            self._transaction(project, make)
        except exc.SQLAlchemyError:  # somebody has made it meanwhile: "if not exists" is no promise among several
            self._transaction(project, make)

    def _transaction(
        self, project: str, work: Callable[[sa.Connection], Result], *, reads_only: bool = False
    ) -> Result:
        patience = _Patience(2 * self._options.timeout_seconds)  # one wait may take as long as an answer
        while True:
            try:
                fresh = self._pool(project).connect().execution_options(**{READS_ONLY: reads_only})
                with fresh as connection, connection.begin():
                    result = work(connection)
            except exc.SQLAlchemyError as error:
                self._bear(error, patience)
            except OSError as error:  # the folder of a SQLite file cannot be made
                raise self._unavailable(type(error).__name__) from None
            else:
                self._back()
                return result

    def _pool(self, project: str) -> sa.Engine:
        name = "" if self.engine.file(project) is None else project  # a server's projects share their connections
        with self._lock:
            if name not in self._pools:
                self._pools[name] = self.engine.new_pool(project)
            return self._pools[name]

    def _bear(self, error: exc.SQLAlchemyError, patience: "_Patience") -> None:
        failure = self.engine.failure(error)
        if failure is Failure.OURS:
            raise error
        if failure is Failure.VANISHED:
            raise StoreTableVanished from None
        if patience.allows_another_try(failure):
            return
        if failure is Failure.CONFLICT:
            logger.warning("A transaction of the store was given up, after others had its rows for too long")
            raise StoreUnavailable from None
        raise self._unavailable(self._words(error)) from None  # without the cause: a driver quotes what it was given

    def _words(self, error: exc.SQLAlchemyError) -> str:
        """What may be logged of it: a driver's own words where no connection was made, else no more than a code."""
        if not isinstance(error, exc.DBAPIError):
            return type(error).__name__
        words = f"{type(error.orig).__name__} {self.engine.code(error) or ''}".strip()
        if error.statement is None:
            words += ": " + " ".join(str(error.orig).split())
        password = self.engine.url.password
        return words.replace(password, "***") if password else words

    def _unavailable(self, words: str) -> StoreUnavailable:
        if not self._is_away:  # said once, not for every request that meets it
            logger.warning("The store cannot be used: {}", words)
        self._is_away = True
        return StoreUnavailable()

    def _back(self) -> None:
        if self._is_away:
            logger.info("The store can be used again")
        self._is_away = False


class _Patience:
    """Bears with conflicts until a time is over, with a lost connection twice, with nothing else."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._tries = 0
        self._lost = 0

    def allows_another_try(self, failure: Failure) -> bool:
        """Whether the transaction may be tried again; where it may, some time has passed."""
        self._tries += 1
        self._lost += failure is Failure.LOST
        if failure is Failure.CONFLICT:
            return self._tries < MOST_TRIES and self._rested()
        return failure is Failure.LOST and self._lost <= MOST_LOST and self._rested()

    def _rested(self) -> bool:
        most = min(LONGEST_REST, SHORTEST_REST * 2**self._tries)
        rest = random.uniform(SHORTEST_REST, most)
        if time.monotonic() + rest > self._until:
            return False
        time.sleep(rest)
        return True


def _engine(options: StoreOptions) -> Engine:
    scheme = options.url.partition("://")[0]
    known = known_engine(scheme)
    if known is None:
        raise RuntimeError(f"no engine for {scheme}, which the options took")
    try:
        engine: type[Engine] = import_module(f"{__package__}.engines.{known.module}").DatabaseEngine
        url = sa.make_url(options.url)
        url = url.set(drivername=DRIVERS.get(scheme, scheme))
        url.get_dialect().import_dbapi()
    except ModuleNotFoundError:
        raise StoreUnusable(f"The store needs a driver: pip install 'fraud-detection-api[{known.extra}]'.") from None
    except (exc.ArgumentError, ValueError):
        # without the cause, which quotes the location and so its password
        raise StoreUnusable("The store's URL cannot be read: write dialect://user:password@host/name.") from None
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
        raise StoreUnusable(f"The store's URL names port {url.port}, which no server has.")
    return engine(url, options.pool_size, options.timeout_seconds)
