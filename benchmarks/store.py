"""The score store against each driver's own bulk insert: `python -m benchmarks.store`.

Every candidate puts the same 100,000 scores, in lists, into an empty table with the store's columns, key and checks,
in one committed transaction. The drivers insert and nothing else: sqlite3 and pymysql by `executemany` (pymysql makes
statements of many rows of it), psycopg by `executemany` and by COPY from `write_row`, as text (its default, which ours
is measured by) and binary; COPY cannot update what is there. Ours sorts, drops duplicates, and updates: through the
service's class, and through HTTP with the body's JSON read and every value looked at. Medians of rounds in which all
take turns.

Servers: FRAUD_TEST_MYSQL_URL and FRAUD_TEST_POSTGRES_URL, as for the tests; one that does not answer is left out.
"""

import json
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import httpx
import numpy as np
import psycopg
import pymysql
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from fraud_detection_api.schemas.stored_scores import StoredScores
from fraud_detection_api.storage.score_store import ScoreStore
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.storage.store_options import StoreOptions
from tests.running_service import running_service

ROWS, ROUNDS = 100_000, 5
MYSQL = os.environ.get("FRAUD_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306/mysql")
POSTGRES = os.environ.get("FRAUD_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
COLUMNS = "id, outlier_prob, class_pred, inserted_at"
NOW = datetime.now(UTC).replace(tzinfo=None)
NOTHING = StoredScores(np.array([], np.int64), np.array([], np.float64), [])
Work = Callable[[], object]
Candidate = Callable[[str], Work]  # for a table: what is made ready before the clock runs, gives what is measured


class Connection(Protocol):
    """What every driver's connection can do."""

    def commit(self) -> None:
        """Keep what was inserted."""

    def close(self) -> None:
        """Let it go."""


class Scores:
    """What is inserted: in the order that a caller may have, and ready for each candidate."""

    def __init__(self) -> None:
        drawn = np.random.default_rng(7)
        self.ids = drawn.choice(2**62, ROWS, replace=False)
        self.probabilities = drawn.random(ROWS)
        self.classes = np.where(self.probabilities >= 0.5, "fraud", "nonfraud").tolist()
        values = zip(self.ids.tolist(), self.probabilities.tolist(), self.classes, strict=True)
        self.rows = sorted((*row, NOW) for row in values)  # by id, as every database likes it best

    @property
    def stored(self) -> StoredScores:
        """The columns as our service takes them."""
        return StoredScores(self.ids, self.probabilities, self.classes)

    def body(self, project: str, table: str) -> bytes:
        """The columns as a caller sends them."""
        columns = {"id": self.ids.tolist(), "outlier_prob": self.probabilities.tolist(), "class_pred": self.classes}
        return json.dumps({**columns, **_names(project, table)}).encode()


def main() -> None:
    """Measure everything and print one table."""
    scores, project = Scores(), f"scores_{secrets.token_hex(4)}"
    table = Table("", "", "rows/s", "x driver", title=f"{ROWS:,} scores in one transaction, median of {ROUNDS} rounds")
    with tempfile.TemporaryDirectory() as folder:
        places = {f"sqlite:///{folder}/store": _sqlite_drivers, MYSQL: _mysql_drivers, POSTGRES: _postgres_drivers}
        for url, drivers in places.items():
            backend = sa.make_url(url).get_backend_name()
            if not _answers(url):
                print(f"No {backend} answers: left out")
                continue
            try:
                with _ours(url, project, scores, Path(folder)) as ours:
                    medians = _medians({**drivers(url, project, scores), **ours})
            finally:
                _drop(url, project)
            driver = next(iter(medians.values()))
            for name, seconds in medians.items():
                table.add_row(backend, name, f"{ROWS / seconds:,.0f}", f"{driver / seconds:.2f}")
    Console(width=100).print(table)


@contextmanager
def _ours(url: str, project: str, scores: Scores, folder: Path) -> Iterator[dict[str, Candidate]]:
    store = ScoreStore(StoreDatabase(StoreOptions(url, (project,))))
    with running_service(folder, {"store": url, "store_projects": project}) as service, service.client() as client:

        def post(body: bytes) -> None:
            response = client.post("/insert", content=body, headers={"Content-Type": "application/json"})
            assert response.status_code == httpx.codes.OK, response.text

        def in_process(table: str) -> Work:
            store.write(project, table, NOTHING)  # makes the table, for the drivers, too
            return lambda: store.write(project, table, scores.stored)

        def over_http(table: str) -> Work:
            post(json.dumps({"id": [], "outlier_prob": [], "class_pred": [], **_names(project, table)}).encode())
            body = scores.body(project, table)
            return lambda: post(body)

        yield {"ours, service": in_process, "ours, HTTP": over_http}
    store.close()


def _sqlite_drivers(url: str, project: str, scores: Scores) -> dict[str, Candidate]:
    def executemany(table: str) -> Work:
        connection = sqlite3.connect(Path(str(sa.make_url(url).database)) / f"{project}.sqlite")
        statement = f"INSERT INTO {table} ({COLUMNS}) VALUES (?, ?, ?, ?)"  # noqa: S608 - our own names
        rows = [(*row[:3], row[3].isoformat(" ", "microseconds")) for row in scores.rows]
        return _committed(connection, lambda: connection.executemany(statement, rows))

    return {"sqlite3 executemany": executemany}


def _mysql_drivers(url: str, project: str, scores: Scores) -> dict[str, Candidate]:
    place = sa.make_url(url)

    def executemany(table: str) -> Work:
        connection = pymysql.connect(
            host=place.host, port=place.port or 3306, user=place.username, password=place.password or ""
        )
        statement = f"INSERT INTO {project}.{table} ({COLUMNS}) VALUES (%s, %s, %s, %s)"  # noqa: S608 - our own names
        return _committed(connection, lambda: connection.cursor().executemany(statement, scores.rows))

    return {"pymysql executemany": executemany}


def _postgres_drivers(url: str, project: str, scores: Scores) -> dict[str, Candidate]:
    location = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def executemany(table: str) -> Work:
        connection = psycopg.connect(location)
        statement = f"INSERT INTO {project}.{table} ({COLUMNS}) VALUES (%s, %s, %s, %s)"  # noqa: S608 - our own names
        return _committed(connection, lambda: connection.cursor().executemany(statement, scores.rows))

    def copy(table: str, form: str = "TEXT") -> Work:
        connection = psycopg.connect(location)
        rows = [(*row[:3], row[3].replace(tzinfo=UTC)) for row in scores.rows]

        def work() -> None:
            statement = f"COPY {project}.{table} ({COLUMNS}) FROM STDIN (FORMAT {form})"
            with connection.cursor() as cursor, cursor.copy(statement) as stream:
                if form == "BINARY":
                    stream.set_types(("int8", "float8", "varchar", "timestamptz"))
                for row in rows:
                    stream.write_row(row)

        return _committed(connection, work)

    return {
        "psycopg copy, write_row": copy,
        "psycopg copy, binary": partial(copy, form="BINARY"),
        "psycopg executemany": executemany,
    }


def _committed(connection: Connection, work: Work) -> Work:
    def run() -> None:
        work()
        connection.commit()
        connection.close()

    return run


def _names(project: str, table: str) -> dict[str, str]:
    return {"project_name": project, "table_name": table}


def _medians(candidates: dict[str, Candidate]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    make_table = candidates["ours, service"]
    for turn in range(ROUNDS):
        for place, (name, prepare) in enumerate(candidates.items()):
            table = f"scores_{turn}_{place}"
            make_table(table)
            work = prepare(table)
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(measured) for name, measured in seconds.items()}


def _drop(url: str, project: str) -> None:
    place = sa.make_url(url)
    if place.get_backend_name() != "sqlite":
        cascade = " CASCADE" if place.get_backend_name() == "postgresql" else ""
        engine = sa.create_engine(place, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {project}{cascade}"))


def _answers(url: str) -> bool:
    try:
        _drop(url, "scores_nobody")
    except sa.exc.OperationalError:
        return False
    return True


if __name__ == "__main__":
    main()
