"""Many scores in one transaction, each database in the fastest way that its driver knows; what is there is updated.

The rows come sorted by id, so that writers of the same rows lock them in one order and none of them deadlocks.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import repeat
from typing import TYPE_CHECKING, cast

import numpy as np
import sqlalchemy as sa
from sqlalchemy import exc

from fraud_detection_api.schemas.stored_scores import StoredScores
from fraud_detection_api.storage.scores.score_table import COLUMNS

if TYPE_CHECKING:
    import psycopg

Columns = tuple[list[int], list[float], list[str]]

COPIED_FROM = 1_000  # PostgreSQL: below, a temporary table costs more than it saves
_NAMES = ", ".join(COLUMNS)
_TYPES = ("int8", "float8", "text")
# both name the table that is written `stored`: `excluded`, the row that was given, may be its own name
_ON_CONFLICT = "ON CONFLICT (id) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
# the way to say it that MariaDB knows, too, and that keeps the driver's statements of many rows
_ON_DUPLICATE = "ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in COLUMNS[1:])


def write_scores(connection: sa.Connection, table: sa.Table, scores: StoredScores, now: datetime) -> None:
    """Insert or update every row; `now` is in UTC and becomes the time of each."""
    if len(scores):
        quoted = connection.dialect.identifier_preparer.format_table(table)
        _WRITERS[connection.dialect.name](connection, quoted, _sorted_columns(scores), now)


def _sorted_columns(scores: StoredScores) -> Columns:
    # the first of each id in the reversed column is the last one that was given
    ids, reversed_places = np.unique(scores.ids[::-1], return_index=True)
    places = len(scores) - 1 - reversed_places
    classes = scores.classes
    return ids.tolist(), scores.probabilities[places].tolist(), [classes[place] for place in places.tolist()]


def _write_sqlite(connection: sa.Connection, table: str, columns: Columns, now: datetime) -> None:
    moment = now.replace(tzinfo=None).isoformat(" ", "microseconds")
    statement = f"INSERT INTO {table} AS stored ({_NAMES}) VALUES (?, ?, ?, ?) {_ON_CONFLICT}"  # noqa: S608 - every name is checked and quoted
    connection.exec_driver_sql(statement, list(zip(*columns, repeat(moment), strict=False)))


def _write_mysql(connection: sa.Connection, table: str, columns: Columns, now: datetime) -> None:
    moment = now.replace(tzinfo=None)
    statement = f"INSERT INTO {table} ({_NAMES}) VALUES (%s, %s, %s, %s) {_ON_DUPLICATE}"  # noqa: S608 - every name is checked and quoted
    connection.exec_driver_sql(statement, list(zip(*columns, repeat(moment), strict=False)))


def _write_postgres(connection: sa.Connection, table: str, columns: Columns, now: datetime) -> None:
    bound: tuple[object, ...] = (now,)
    if len(columns[0]) < COPIED_FROM:
        arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES)
        given, bound = f"unnest({arrays}) AS given", (now, *columns)
    else:
        _copy(connection, columns)
        given = "pg_temp.given_scores AS given ORDER BY id"
    statement = f"INSERT INTO {table} AS stored ({_NAMES}) SELECT given.*, %s FROM {given} {_ON_CONFLICT}"  # noqa: S608 - every name is checked and quoted
    connection.exec_driver_sql(statement, bound)


def _copy(connection: sa.Connection, columns: Columns) -> None:
    import psycopg

    shape = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, _TYPES, strict=False))
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE given_scores ({shape}) ON COMMIT DROP")
    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    statement = "COPY pg_temp.given_scores FROM STDIN (FORMAT BINARY)"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(_TYPES)
            for row in zip(*columns, strict=True):
                copy.write_row(row)
    except psycopg.Error as error:  # SQLAlchemy has no word for COPY, so it wraps no error of it
        raise exc.OperationalError(statement, None, error, connection_invalidated=driver.closed) from error


_WRITERS: dict[str, Callable[[sa.Connection, str, Columns, datetime], None]] = {
    "sqlite": _write_sqlite,
    "mysql": _write_mysql,
    "mariadb": _write_mysql,
    "postgresql": _write_postgres,
}
