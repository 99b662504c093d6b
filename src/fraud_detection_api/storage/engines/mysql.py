"""MySQL and MariaDB: a project is a database."""

import math
from collections.abc import Mapping
from datetime import datetime
from itertools import repeat
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import mysql

from fraud_detection_api.storage.engines.engine import NAMES, SCORE_COLUMNS, Code, ScoreRows
from fraud_detection_api.storage.engines.server import ServerEngine

# the way to say it that MariaDB knows, too, and that keeps the driver's statements of many rows
_ON_DUPLICATE = "ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in SCORE_COLUMNS[1:])


class DatabaseEngine(ServerEngine):
    """Tables in InnoDB, texts by their code points."""

    conflicts = frozenset({1020, 1205, 1213})  # changed since it was read, waited too long for a lock, deadlock
    vanished = frozenset({1146, 1049})
    # a broken CHECK; tables, columns and indexes of another shape
    ours = frozenset({3819, 4025, 1050, 1051, 1054, 1060, 1061, 1072, 1091, 1136, 1364})
    moment = mysql.DATETIME(fsp=6)
    long_text = mysql.MEDIUMTEXT()
    score_types: ClassVar[Mapping[str, str]] = {
        "id": r"BIGINT(\(\d+\))?",
        "outlier_prob": "DOUBLE",
        "class_pred": r"(VARCHAR\(([89]|\d{2,})\)|(TINY|MEDIUM|LONG)?TEXT)( .+)?",
        "inserted_at": r"DATETIME\(6\)",
    }

    def options(self) -> Mapping[str, object]:
        """Timeouts of the driver and of the session."""
        seconds = math.ceil(self.timeout_seconds)
        waits = max(1, seconds // 2)
        # an id of 0 is 0, also in a table that numbers its rows itself
        session = f"sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO', SESSION innodb_lock_wait_timeout = {waits}"
        return {
            "connect_timeout": seconds,
            "read_timeout": max(seconds, waits + 1),
            "write_timeout": seconds,
            "init_command": f"SET SESSION {session}",
        }

    def table(self, project: str, name: str, *items: sa.schema.SchemaItem) -> sa.Table:
        """In an engine that knows transactions; texts are compared code point by code point."""
        table = super().table(project, name, *items)
        for server in ("mysql", "mariadb"):
            options = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}
            table.dialect_options[server].update(options)
        return table

    def code(self, error: exc.DBAPIError) -> Code:
        """The server's number."""
        first = error.orig.args[0] if error.orig is not None and error.orig.args else None
        return first if isinstance(first, int) else None

    def insert_new(self, table: sa.Table) -> sa.Insert:
        """INSERT IGNORE would also let values pass that do not fit."""
        key = table.primary_key.columns[0]
        return mysql.insert(table).on_duplicate_key_update({key.name: key})

    def try_lock(self, connection: sa.Connection, name: str) -> bool:
        """GET_LOCK, without waiting."""
        return bool(connection.execute(sa.select(sa.func.get_lock(name, 0))).scalar_one() == 1)

    def is_locked(self, connection: sa.Connection, name: str) -> bool:
        """IS_FREE_LOCK."""
        return bool(connection.execute(sa.select(sa.func.is_free_lock(name))).scalar_one() == 0)

    def upsert_scores(self, connection: sa.Connection, table: str, rows: ScoreRows, now: datetime) -> None:
        """Statements of many rows, which the driver makes of one."""
        moment = now.replace(tzinfo=None)
        statement = f"INSERT INTO {table} ({NAMES}) VALUES (%s, %s, %s, %s) {_ON_DUPLICATE}"  # noqa: S608 - every name is checked and quoted
        for part in rows.parts():
            connection.exec_driver_sql(statement, list(zip(*part, repeat(moment), strict=False)))
