"""Engines: one pool of connections to a server, or to a SQLite file that is attached under its project's name."""

import math
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from loguru import logger
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from fraud_detection_api.errors import StoreUnusable

READS_ONLY = "fraud_reads_only"
_FILE = "fraud_file"
_DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
}
_LAST_PORT = 65_535
_EXTRAS = {"mysql": "mysql", "mariadb": "mysql", "postgresql": "postgres"}


def server_engine(url: sa.URL, pool_size: int, timeout_seconds: float) -> sa.Engine:
    """Connections to MySQL, MariaDB or PostgreSQL; a lock is waited for half as long as an answer."""
    options = _postgres_options if url.get_backend_name() == "postgresql" else _mysql_options
    try:
        engine = sa.create_engine(
            url,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=timeout_seconds,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            hide_parameters=True,
            connect_args=options(timeout_seconds),
        )
    except ModuleNotFoundError:
        extra = _EXTRAS[url.get_backend_name()]
        raise StoreUnusable(f"The score store needs a driver: pip install 'fraud-detection-api[{extra}]'.") from None
    except (exc.ArgumentError, ValueError):
        raise _unknown_options(url) from None
    event.listen(engine, "do_connect", _connecting(url, timeout_seconds))
    return engine


def sqlite_engine(file: Path, project: str, pool_size: int, timeout_seconds: float) -> sa.Engine:
    """Connections to a file that is made on first use."""
    engine = sa.create_engine(
        "sqlite://",
        creator=_attaching(file, project, timeout_seconds),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout_seconds,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    event.listen(engine, "connect", partial(_remember, file))
    event.listen(engine, "checkout", partial(_refuse_replaced, file))
    return engine


def read_url(location: str) -> sa.URL:
    """The URL, with a driver of ours; for SQLite it names a folder."""
    try:
        url = sa.make_url(location)
    except (exc.ArgumentError, ValueError):
        # without the cause, which quotes the location and so its password
        raise StoreUnusable("The score store's URL cannot be read: write dialect://user:password@host/name.") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and (not url.database or ":" in url.database or url.query or url.host):
        raise StoreUnusable("A SQLite score store is a folder: write sqlite:///folder.")
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
        raise StoreUnusable(f"The score store's URL names port {url.port}, which no server has.")
    return url.set(drivername=_DRIVERS[backend])


def _attaching(file: Path, project: str, timeout_seconds: float) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not file.exists()
        connection = sqlite3.connect(":memory:", timeout=timeout_seconds, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f'ATTACH DATABASE ? AS "{project}"', (str(file),))
            if is_new:  # SQLite gives the files beside it the same rights
                file.chmod(0o600)
            connection.execute(f'PRAGMA "{project}".journal_mode = WAL')
            connection.execute(f'PRAGMA "{project}".synchronous = FULL')
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    return connect


def _remember(file: Path, _: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    record.info[_FILE] = _identity(file)


def _refuse_replaced(file: Path, _: sqlite3.Connection, record: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
    if record.info[_FILE] != _identity(file):  # what is written to a file without a name is lost
        raise exc.DisconnectionError


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _connecting(url: sa.URL, timeout_seconds: float) -> Callable[..., object]:
    def connect(dialect: sa.Dialect, _: ConnectionPoolEntry, arguments: list[str], named: dict[str, object]) -> object:
        try:
            if dialect.name == "postgresql":
                from fraud_detection_api.storage.scores.bounded_postgres import bounded_connection

                return bounded_connection(timeout_seconds, **named)
            return dialect.connect(*arguments, **named)
        except (TypeError, ValueError, LookupError, dialect.loaded_dbapi.ProgrammingError):
            if url.query:
                raise _unknown_options(url) from None
            raise

    return connect


def _unknown_options(url: sa.URL) -> StoreUnusable:
    # without the driver's words, which may quote the value of an option
    options = ", ".join(sorted(url.query))
    words = f"The score store's driver cannot use the options of its URL: {options}. Mend FRAUD_STORE."
    logger.error("{}", words)
    return StoreUnusable(words)


def _begin(connection: sa.Connection) -> None:
    # a transaction that is going to write asks for the lock at once: one that asks later may have to be given up
    reads_only = connection.get_execution_options().get(READS_ONLY)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _postgres_options(timeout_seconds: float) -> dict[str, object]:
    milliseconds, seconds = math.ceil(1000 * timeout_seconds), math.ceil(timeout_seconds)
    return {
        "connect_timeout": max(2, seconds),  # less than 2 means 2 to the driver's library
        "tcp_user_timeout": milliseconds,  # a machine that is gone says nothing
        "keepalives_idle": seconds,
        "keepalives_interval": max(1, seconds // 3),
        "options": f"-c timezone=UTC -c lock_timeout={milliseconds // 2} -c statement_timeout={milliseconds}",
    }


def _mysql_options(timeout_seconds: float) -> dict[str, object]:
    seconds = math.ceil(timeout_seconds)
    waits = max(1, seconds // 2)
    # an id of 0 is 0, also in a table that numbers its rows itself
    session = f"sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO', SESSION innodb_lock_wait_timeout = {waits}"
    return {
        "connect_timeout": seconds,
        "read_timeout": max(seconds, waits + 1),
        "write_timeout": seconds,
        "init_command": f"SET SESSION {session}",
    }
