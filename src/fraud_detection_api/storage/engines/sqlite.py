"""SQLite: a folder of files, one for each project, each attached under the project's name."""

import sqlite3
import time
from collections.abc import Mapping
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import ClassVar, cast

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from fraud_detection_api.errors import StoreUnusable
from fraud_detection_api.storage.engines.engine import NAMES, ON_CONFLICT, READS_ONLY, Code, Engine, ScoreRows

_BUSY, _LOCKED, _ERROR = 5, 6, 1
_NO_TABLE = "no such table"  # _ERROR is whatever a statement has wrong
_FILE = "fraud_file"
_LOOKS_AT_THE_CLOCK = 10_000  # instructions of SQLite's, about a tenth of a millisecond


class DatabaseEngine(Engine):
    """Files that are made on first use, in WAL mode, every commit on the disk."""

    conflicts = frozenset({_BUSY, _LOCKED})
    vanished = frozenset({_NO_TABLE})
    ours = frozenset({_ERROR})
    whole_number = sa.Integer()  # a BIGINT is kept beside SQLite's own row number, an INTEGER as it
    score_types: ClassVar[Mapping[str, str]] = {
        "id": "INTEGER",
        "outlier_prob": "DOUBLE( PRECISION|_PRECISION)?|FLOAT|REAL",
        "class_pred": r"VARCHAR(\(([89]|\d{2,})\))?|TEXT",
        "inserted_at": "DATETIME|TIMESTAMP",
    }

    def __init__(self, url: sa.URL, pool_size: int, timeout_seconds: float) -> None:
        if not url.database or ":" in url.database or url.query or url.host:
            raise StoreUnusable("A SQLite store is a folder: write sqlite:///folder.")
        super().__init__(url, pool_size, timeout_seconds)
        self._folder = Path(url.database)

    def new_pool(self, project: str) -> sa.Engine:
        """Connections to a project's file, none to one that has been replaced."""
        file = self.file(project)
        engine = sa.create_engine(
            "sqlite://",
            creator=lambda: self._attached(file, project),
            poolclass=QueuePool,
            pool_size=self.pool_size,
            max_overflow=0,
            pool_timeout=self.timeout_seconds,
            hide_parameters=True,
        )

        def remember(_: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
            record.info[_FILE] = _identity(file)

        def refuse_replaced(_: sqlite3.Connection, record: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
            if record.info[_FILE] != _identity(file):  # what is written to a file without a name is lost
                raise exc.DisconnectionError

        event.listen(engine, "begin", self._begin)
        event.listen(engine, "connect", remember)
        event.listen(engine, "checkout", refuse_replaced)
        return engine

    def file(self, project: str) -> Path:
        """The file in the folder, made on first use."""
        return self._folder / f"{project}.sqlite"

    def code(self, error: exc.DBAPIError) -> Code:
        """SQLite's number, without what tells kinds of a kind."""
        number = int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF
        return _NO_TABLE if number == _ERROR and _NO_TABLE in str(error.orig) else number

    def insert_new(self, table: sa.Table) -> sa.Insert:
        """ON CONFLICT DO NOTHING."""
        return sqlite.insert(table).on_conflict_do_nothing()

    def upsert_scores(self, connection: sa.Connection, table: str, rows: ScoreRows, now: datetime) -> None:
        """One statement, many times."""
        moment = now.replace(tzinfo=None).isoformat(" ", "microseconds")
        statement = f"INSERT INTO {table} AS stored ({NAMES}) VALUES (?, ?, ?, ?) {ON_CONFLICT}"  # noqa: S608 - every name is checked and quoted
        for part in rows.parts():
            connection.exec_driver_sql(statement, list(zip(*part, repeat(moment), strict=False)))

    def _begin(self, connection: sa.Connection) -> None:
        reads_only = connection.get_execution_options().get(READS_ONLY)
        until = time.monotonic() + self.timeout_seconds
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        # a read ends in time, as on a server; what is half written is not given up for a slow disk
        driver.set_progress_handler((lambda: time.monotonic() > until) if reads_only else None, _LOOKS_AT_THE_CLOCK)
        # a transaction that is going to write asks for the lock at once: one that asks later may have to be given up
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    def _attached(self, file: Path, project: str) -> sqlite3.Connection:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not file.exists()
        connection = sqlite3.connect(
            ":memory:", timeout=self.timeout_seconds, isolation_level=None, check_same_thread=False
        )
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


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
