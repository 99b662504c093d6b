"""PostgreSQL: a project is a schema. Connections wait only so long for a server that has stopped without a word."""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import chain
from typing import ClassVar, TypeVar, cast

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen
from psycopg.pq.abc import PGconn
from psycopg.rows import TupleRow
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql

from fraud_detection_api.storage.engines.engine import NAMES, ON_CONFLICT, SCORE_COLUMNS, Code, ScoreRows
from fraud_detection_api.storage.engines.server import ServerEngine

COPIED_FROM = 1_000  # rows; below, a temporary table costs more than it saves
MARGIN_SECONDS = 1.0  # a server that is alive ends a statement itself, and says so
_TYPES = ("int8", "float8", "text")

Answer = TypeVar("Answer")


class DatabaseEngine(ServerEngine):
    """Schemas of one database."""

    conflicts = frozenset({"40001", "40P01", "55P03", "57014"})  # serialisation, deadlock, a lock or all took too long
    vanished = frozenset({"42P01", "3F000"})
    forbidden = frozenset({"42501"})
    score_types: ClassVar[Mapping[str, str]] = {
        "id": "BIGINT",
        "outlier_prob": "DOUBLE PRECISION",
        "class_pred": r"VARCHAR(\(([89]|\d{2,})\))?|TEXT",
        "inserted_at": "TIMESTAMP WITH TIME ZONE",
    }

    def options(self) -> Mapping[str, object]:
        """Timeouts of the driver, of its sockets and of the session."""
        milliseconds, seconds = math.ceil(1000 * self.timeout_seconds), math.ceil(self.timeout_seconds)
        return {
            "connect_timeout": max(2, seconds),  # less than 2 means 2 to the driver's library
            "tcp_user_timeout": milliseconds,  # a machine that is gone says nothing
            "keepalives_idle": seconds,
            "keepalives_interval": max(1, seconds // 3),
            "options": f"-c timezone=UTC -c lock_timeout={milliseconds // 2} -c statement_timeout={milliseconds}",
        }

    def connect(self, _: sa.Dialect, named: Mapping[str, object]) -> object:
        """A connection that is closed once the server has said nothing for too long."""
        connect: Callable[..., _BoundedConnection] = _BoundedConnection.connect
        connection = connect(**named)
        connection.longest_silence = self.timeout_seconds + MARGIN_SECONDS
        return connection

    def code(self, error: exc.DBAPIError) -> Code:
        """The SQLSTATE."""
        state: Code = getattr(error.orig, "sqlstate", None)
        return state

    def insert_new(self, table: sa.Table) -> sa.Insert:
        """ON CONFLICT DO NOTHING."""
        return postgresql.insert(table).on_conflict_do_nothing()

    def try_lock(self, connection: sa.Connection, name: str) -> bool:
        """An advisory lock of the session."""
        return bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(_number(name)))).scalar_one())

    def is_locked(self, connection: sa.Connection, name: str) -> bool:
        """Whether it could not be shared."""
        number = _number(name)
        is_free = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock_shared(number))).scalar_one())
        if is_free:
            connection.execute(sa.select(sa.func.pg_advisory_unlock_shared(number)))
        return not is_free

    def upsert_scores(self, connection: sa.Connection, table: str, rows: ScoreRows, now: datetime) -> None:
        """One statement that is given arrays, or a table that many rows are copied to."""
        bound: tuple[object, ...] = (now,)
        if len(rows) < COPIED_FROM:
            arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
            given, bound = f"unnest({arrays}) AS given", (now, *next(rows.parts()))
        else:
            _copy(connection, rows)
            given = "pg_temp.given_scores AS given ORDER BY id"
        statement = f"INSERT INTO {table} AS stored ({NAMES}) SELECT given.*, %s FROM {given} {ON_CONFLICT}"  # noqa: S608 - every name is checked and quoted
        connection.exec_driver_sql(statement, bound)


def _number(name: str) -> sa.BindParameter[int]:
    """What a lock is called: PostgreSQL knows numbers alone."""
    digest = hashlib.sha256(name.encode()).digest()
    return sa.literal(int.from_bytes(digest[:8], signed=True), sa.BigInteger())


def _copy(connection: sa.Connection, rows: ScoreRows) -> None:
    shape = ", ".join(f"{name} {kind}" for name, kind in zip(SCORE_COLUMNS, _TYPES, strict=False))
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE given_scores ({shape}) ON COMMIT DROP")
    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    statement = "COPY pg_temp.given_scores FROM STDIN (FORMAT BINARY)"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(_TYPES)
            for row in chain.from_iterable(zip(*part, strict=True) for part in rows.parts()):
                copy.write_row(row)
    except psycopg.Error as error:  # SQLAlchemy has no word for COPY, so it wraps no error of it
        raise exc.OperationalError(statement, None, error, connection_invalidated=driver.closed) from error


class _BoundedConnection(psycopg.Connection[TupleRow]):
    """One that is closed once the server has said nothing for too long."""

    longest_silence = float("inf")

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """Every way to ask passes through here: statements, COPY piece by piece, the end of a transaction."""
        longest = self.longest_silence if timeout is None else timeout
        return super().wait(_heard(gen, self.pgconn, longest), interval)


def _heard(asking: PQGen[Answer], server: PGconn, longest_silence: float) -> PQGen[Answer]:
    """The same questions and answers; whoever waits for the server comes back with nothing now and then."""
    until = time.monotonic() + longest_silence
    try:
        wanted = next(asking)
        while True:
            ready = yield wanted
            if ready:
                until = time.monotonic() + longest_silence
            elif time.monotonic() > until:
                server.finish()
                raise psycopg.OperationalError("the server keeps the connection open and says nothing")
            wanted = asking.send(ready)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
