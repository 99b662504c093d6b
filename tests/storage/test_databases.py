"""Tables and queries of databases: SQLite in a file, PostgreSQL and MariaDB where they run."""

import os
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.database_cells import cells_column
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.storage.tables import Source, read_table

SERVERS = {
    "postgres": ("FRAUD_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"),
    "mysql": ("FRAUD_TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1:3306/mysql"),
}
WANTED = {
    "account": Kind.INTEGER,
    "open": Kind.INTEGER,
    "balance": Kind.NUMBER,
    "premium": Kind.BOOLEAN,
    "Channel %": Kind.CATEGORY,
    "day": Kind.DATE,
}
PASSWORD = "s3cret/"  # noqa: S105 - nobody's
TABLE = "the accounts; DROP"
ACCOUNTS = sa.Table(
    TABLE,
    sa.MetaData(),
    sa.Column("account", sa.BigInteger),
    sa.Column("open", sa.Integer),
    sa.Column("balance", sa.Numeric(20, 2)),
    sa.Column("premium", sa.Boolean),
    sa.Column("Channel %", sa.String(40)),
    sa.Column("day", sa.Date),
    sa.Column("unwanted", sa.Double),
)
CSV = """account,open,balance,premium,Channel %,day
9007199254740993,23,12.10,1,web,2024-01-31
2,,,,,
"""


def skip_or_fail(reason: str) -> None:
    """A service that is asked for has to be there."""
    if os.environ.get("FRAUD_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(params=["sqlite", *SERVERS])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that holds two accounts."""
    variable, default = SERVERS.get(request.param, ("", f"sqlite:///{tmp_path}/accounts.db"))
    found = os.environ.get(variable, default)
    engine = sa.create_engine(found, poolclass=sa.NullPool)
    try:
        ACCOUNTS.drop(engine, checkfirst=True)
    except sa.exc.OperationalError as error:
        skip_or_fail(f"no {request.param} at {found}; set {variable}: {error.orig}")
    ACCOUNTS.create(engine)
    day = np.datetime64("2024-01-31").item()
    with engine.begin() as connection:
        rows = [(9007199254740993, 23, "12.10", True, "web", day, 0.5), (2, None, None, None, None, None, None)]
        connection.execute(ACCOUNTS.insert(), [dict(zip(ACCOUNTS.columns.keys(), row, strict=True)) for row in rows])
    yield found
    ACCOUNTS.drop(engine)
    engine.dispose()


def refusal(source: Source) -> str:
    """The sentence that a source is refused with."""
    with pytest.raises(DataRefused) as refused:
        read_table(source, WANTED)
    assert refused.value.__cause__ is None  # a driver may quote its arguments
    return refused.value.message


class TestEveryDatabase:
    def test_a_table_is_read_as_the_same_csv_is(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text(CSV)
        expected, _ = read_table(Source(str(tmp_path / "a.csv")), WANTED)
        table, problems = read_table(Source(url, table=TABLE), WANTED)
        assert problems == []
        assert list(table) == list(WANTED)
        for name, column in expected.items():
            np.testing.assert_array_equal(table[name], column)
            assert table[name].dtype == column.dtype

    def test_a_query_is_read_with_its_percent_signs_and_colons(self, url: str) -> None:
        quote = "`" if "mysql" in url else '"'
        query = (
            f"SELECT 1 AS account, 0.5 AS balance, '10:30' AS day2 FROM {quote}{TABLE}{quote} WHERE 'a:b' LIKE 'a%';"  # noqa: S608
        )
        table, _ = read_table(Source(url, query=query), WANTED)
        assert {name: column.tolist() for name, column in table.items()} == {"account": [1, 1], "balance": [0.5, 0.5]}

    def test_an_empty_result_has_columns_of_the_right_types(self, url: str) -> None:
        table, _ = read_table(
            Source(url, query="SELECT 1 AS account, 'web' AS balance FROM (SELECT 1) AS one WHERE 1 = 0"), WANTED
        )
        assert [(len(column), column.dtype.kind) for column in table.values()] == [(0, "i"), (0, "f")]

    def test_an_unknown_table_is_refused_with_those_that_there_are(self, url: str) -> None:
        for name in ("acounts", f'{TABLE}"; DROP TABLE "{TABLE}', "schema.acounts"):
            message = refusal(Source(url, table=name))
            assert f"has no table {name!r}" in message
            assert TABLE in message

    def test_a_table_without_any_wanted_column_is_refused(self, url: str) -> None:
        with pytest.raises(DataRefused, match="has no column shoe_size; it has: account, open"):
            read_table(Source(url, table=TABLE), {"shoe_size": Kind.NUMBER})

    def test_a_query_that_cannot_be_used_is_refused(self, url: str) -> None:
        assert "placeholders (:day)" in refusal(Source(url, query="SELECT 1 AS account WHERE 1 = :day"))
        assert "cannot be read" in refusal(Source(url, query="SELEKT 1"))
        assert "gives none of the columns" in refusal(Source(url, query="SELECT 1 AS shoe_size"))
        assert "more than one column account" in refusal(Source(url, query="SELECT 1 AS account, 2 AS account"))
        assert "not both" in refusal(Source(url, query="SELECT 1", table=TABLE))
        assert "not both" in refusal(Source(url))

    def test_reading_changes_nothing(self, url: str) -> None:
        quote = "`" if "mysql" in url else '"'
        assert refusal(Source(url, query=f"DELETE FROM {quote}{TABLE}{quote}"))  # noqa: S608
        table, _ = read_table(Source(url, table=TABLE), WANTED)
        assert len(table["account"]) == 2

    def test_a_column_of_another_type_is_refused(self, url: str) -> None:
        with pytest.raises(DataRefused, match="Column Channel % holds string, but the record says number"):
            read_table(Source(url, table=TABLE), {"Channel %": Kind.NUMBER})


@pytest.mark.parametrize(("backend", "word"), [("postgres", "postgresql+psycopg"), ("mysql", "mysql+pymysql")])
class TestUnreachableServers:
    def test_nobody_there_is_refused_without_the_credentials(self, backend: str, word: str) -> None:
        assert backend in SERVERS
        location = f"{word}://bob:s3cr%2Ft@127.0.0.1:1/shop"
        message = refusal(Source(location, table="accounts"))
        assert message.startswith(f"{word}://127.0.0.1:1/shop cannot be read: ")
        assert not any(secret in message for secret in ("bob", "s3cr/t", "s3cr%2Ft"))

    def test_a_wrong_password_is_refused_without_it(self, backend: str, word: str) -> None:
        variable, default = SERVERS[backend]
        url = sa.make_url(os.environ.get(variable, default)).set(username="nobody_here", password=PASSWORD)
        message = refusal(Source(url.render_as_string(hide_password=False), table="accounts"))
        assert message.startswith(f"{word}://")
        assert PASSWORD not in message


class TestSqlite:
    def test_cells_of_another_type_are_problems_with_their_rows(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "a.db") as connection:
            connection.execute('CREATE TABLE accounts (account, open, balance, premium, "Channel %", day)')
            rows = [
                (1, 2, 2.5, 1, "web", "2024-01-31"),
                (2, "2 apples", b"x", "yes", 7, 20240131),
                (3, None, 2**62, 2, 1.5, 1.5),
                (4, 4.0, "5", 0, None, "soon"),
            ]
            connection.executemany("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.close()
        table, problems = read_table(Source(f"sqlite:///{tmp_path}/a.db", table="accounts"), WANTED)
        assert sorted((problem.row, problem.field, problem.value) for problem in problems) == [
            (1, "balance", "b'x'"),
            (1, "open", "2 apples"),
            (1, "premium", "yes"),
            (2, "Channel %", 1.5),
            (2, "day", 1.5),
            (3, "balance", "5"),
            (3, "day", "soon"),
        ]
        np.testing.assert_array_equal(table["open"], [2, np.nan, np.nan, 4])
        np.testing.assert_array_equal(table["balance"], [2.5, np.nan, 2.0**62, np.nan])
        np.testing.assert_array_equal(table["premium"], [1, np.nan, 2, 0])
        assert table["Channel %"].tolist() == ["web", "7", None, None]
        days = ["2024-01-31", "2024-01-31", "NaT", "NaT"]
        np.testing.assert_array_equal(table["day"], np.array(days, dtype="datetime64[us]"))

    def test_a_file_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        assert "There is no SQLite file" in refusal(Source(f"sqlite:///{tmp_path}/a.db", table="accounts"))
        assert not (tmp_path / "a.db").exists()

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        write_table(tmp_path / "a.csv", {"account": np.arange(1000)})
        assert "not a database" in refusal(Source(f"sqlite:///{tmp_path}/a.csv", table="accounts"))

    def test_many_rows_come_in_several_batches(self, tmp_path: Path) -> None:
        numbers = "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 99999)"
        query = f"{numbers} SELECT n AS account, n / 2.0 AS balance FROM c"  # noqa: S608 - the test's own words
        (tmp_path / "a.db").touch()
        table, _ = read_table(Source(f"sqlite:///{tmp_path}/a.db", query=query), WANTED)
        np.testing.assert_array_equal(table["account"], np.arange(100_000))
        np.testing.assert_array_equal(table["balance"], np.arange(100_000) / 2)


@pytest.mark.parametrize(
    ("location", "advice"),
    [
        ("oracle9://u:p4ss@host/name", "use one of sqlite, mysql+pymysql"),
        ("mysql://u:p4ss@host/name", "write mysql+pymysql://"),
        ("firebird+nodriver://u:p4ss@host/name", "SQLAlchemy knows no database"),
        ("oracle://u:p4ss@host/name", "The driver for oracle is not installed"),
        ("postgresql+psycopg://u:p4ss@host:port/name", "The database URL cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_advice(location: str, advice: str) -> None:
    message = refusal(Source(location, table="accounts"))
    assert advice in message
    assert "p4ss" not in message


def test_cells_that_drivers_give_in_several_types_are_read_one_by_one() -> None:
    moment = datetime(2024, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    cells = [date(2024, 1, 31), datetime(2024, 1, 31, 10), moment, "0000-00-00", None]  # noqa: DTZ001 - as drivers give them
    days, problems = cells_column(cells, Kind.DATE, "day")
    expected = ["2024-01-31", "2024-01-31T10:00", "2024-02-01T01:30", "NaT", "NaT"]
    np.testing.assert_array_equal(days, np.array(expected, dtype="datetime64[us]"))
    assert [(problem.row, problem.value) for problem in problems] == [(3, "0000-00-00")]
    keys, problems = cells_column([UUID(int=7), "key", None], Kind.CATEGORY, "key")
    assert keys.tolist() == ["00000000-0000-0000-0000-000000000007", "key", None]
    assert problems == []
    amounts, problems = cells_column([Decimal("0.10"), 2**70, None], Kind.NUMBER, "amount")
    np.testing.assert_array_equal(amounts, [0.1, 2.0**70, np.nan])
    assert problems == []
