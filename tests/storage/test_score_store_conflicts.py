"""Conflicts and absences as the store meets them: borne with where that helps, refused in one way where it does not."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from loguru import logger

from fraud_detection_api.errors import StoreTableVanished, StoreUnavailable, StoreUnusable
from fraud_detection_api.schemas.stored_scores import ScoresQuery, StoredScores
from fraud_detection_api.storage.score_store import ScoreStore
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.storage.store_options import StoreOptions
from tests.storage.databases import DATABASES, StorePlace, store_place
from tests.storage.test_databases import SERVERS

TABLE = "fraud"
SCORES = StoredScores(np.array([1, 2]), np.array([0.5, 0.5]), ["fraud", "fraud"])


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    """A place of each kind that holds two scores."""
    with store_place(request.param, tmp_path) as place:
        place.store().write(place.project, TABLE, SCORES)
        yield place


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the log says."""
    lines: list[str] = []
    handler = logger.add(lines.append, format="{message}")
    yield lines
    logger.remove(handler)


def locking(place: StorePlace) -> sa.TextClause:
    """A statement that nobody else's write can pass until the end of its transaction."""
    return sa.text(f"UPDATE {place.named(TABLE)} SET outlier_prob = 0.75 WHERE id = 1")  # noqa: S608 - our words


def test_a_read_of_a_file_that_takes_too_long_is_ended_and_nothing_else_is(tmp_path: Path) -> None:
    with store_place("sqlite", tmp_path) as place:
        ids = np.arange(300_000)
        scores = StoredScores(ids, np.full(len(ids), 0.5), ["fraud"] * len(ids))
        hurried = place.store(timeout_seconds=0.002)
        hurried.write(place.project, TABLE, scores)
        assert len(hurried.page(place.project, TABLE, ScoresQuery(limit=10)).scores) == 10
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                hurried.page(place.project, TABLE, ScoresQuery(min_prob=0.6))
        assert place.store().page(place.project, TABLE, ScoresQuery(min_prob=0.6)).scores == []
        hurried.write(place.project, TABLE, scores)
        assert place.rows(TABLE, "count(*)") == [(len(ids),)]


def test_a_lock_that_is_released_in_time_is_waited_for(place: StorePlace) -> None:
    locked = threading.Event()

    def hold() -> None:
        with place.connection() as connection:
            connection.execute(locking(place))
            locked.set()
            time.sleep(1.5)  # longer than one wait for a lock, which is half of the timeout

    with ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold)
        assert locked.wait(10)
        place.store(timeout_seconds=2).write(place.project, TABLE, SCORES)
        holding.result()
    assert place.rows(TABLE) == [(1, 0.5, "fraud"), (2, 0.5, "fraud")]


def test_a_lock_that_is_held_too_long_is_refused_and_reading_goes_on(place: StorePlace, told: list[str]) -> None:
    store = place.store(timeout_seconds=0.5)
    with place.connection() as connection:
        connection.execute(locking(place))
        start = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.write(place.project, TABLE, SCORES)
        assert time.monotonic() - start < 10
        assert len(store.page(place.project, TABLE, ScoresQuery()).scores) == 2
    store.write(place.project, TABLE, SCORES)
    assert told == ["A transaction of the store was given up, after others had its rows for too long\n"]


def test_a_deadlock_is_tried_again_until_both_succeed(place: StorePlace) -> None:
    database = place.database()
    both, runs = threading.Barrier(2), []

    def update(first: int, second: int) -> None:
        def work(connection: sa.Connection) -> None:
            runs.append(first)
            for id_ in (first, second):
                statement = f"UPDATE {place.project}.{TABLE} SET outlier_prob = :p WHERE id = :id"  # noqa: S608
                connection.execute(sa.text(statement), {"p": first / 4, "id": id_})
                with suppress(threading.BrokenBarrierError):
                    both.wait(0.5)  # SQLite lets one writer in after the other: nobody comes

        database.in_transaction(place.project, work)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(update, (1, 2), (2, 1)))
    assert len({row[1] for row in place.rows(TABLE)}) == 1
    if place.kind != "sqlite":
        assert len(runs) == 3  # the one that the server gave up came again


@pytest.mark.parametrize("place", ["postgres"], indirect=True)  # where the wait for rows counts as work on them
def test_many_long_writers_of_the_same_ids_wait_for_their_turn_however_long_each_may_take(place: StorePlace) -> None:
    options = StoreOptions(place.url, (place.project,), pool_size=8, timeout_seconds=1)
    store, rows = ScoreStore(StoreDatabase(options)), 20_000

    def write(seed: int) -> None:
        drawn = np.random.default_rng(seed)
        for _ in range(3):  # all of them together take longer than one may
            store.write(
                place.project, TABLE, StoredScores(drawn.permutation(rows), drawn.random(rows), ["fraud"] * rows)
            )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    store.close()
    assert len(place.rows(TABLE)) == rows


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_a_statement_that_took_too_long_is_tried_again(place: StorePlace) -> None:
    runs: list[int] = []

    def work(connection: sa.Connection) -> None:
        runs.append(len(runs))
        connection.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": 0 if runs[1:] else 5})

    place.database(timeout_seconds=0.5).in_transaction(place.project, work)
    assert runs == [0, 1]


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_a_connection_that_is_cut_in_the_middle_is_tried_again_from_the_start(place: StorePlace) -> None:
    asked = {
        "postgres": ("pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        "mysql": ("connection_id()", "KILL {}"),
    }
    number, cut = asked[place.kind]
    cuts: list[int] = []

    def work(connection: sa.Connection) -> None:
        for id_ in (3, 4):
            statement = f"INSERT INTO {place.project}.{TABLE} SELECT :id, outlier_prob, class_pred, inserted_at "
            connection.execute(sa.text(statement + f"FROM {place.project}.{TABLE} WHERE id = 1"), {"id": id_})
            if not cuts:
                cuts.append(connection.execute(sa.text(f"SELECT {number}")).scalar_one())
                place.run(cut.format(cuts[0]))

    place.database().in_transaction(place.project, work)
    assert [row[0] for row in place.rows(TABLE)] == [1, 2, 3, 4]


def test_more_work_than_connections_waits_for_its_turn(place: StorePlace) -> None:
    store = ScoreStore(StoreDatabase(StoreOptions(place.url, (place.project,), pool_size=1)))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.write(place.project, TABLE, SCORES), range(40)))
    store.close()


def test_no_free_connection_within_the_timeout_is_refused(place: StorePlace) -> None:
    database = StoreDatabase(StoreOptions(place.url, (place.project,), pool_size=1, timeout_seconds=0.5))
    with pytest.raises(StoreUnavailable):
        database.in_transaction(place.project, lambda _: database.in_transaction(place.project, lambda _: None))
    database.dispose()


@pytest.mark.parametrize("url", ["mysql://bob:s3cret@127.0.0.1:1/x", "postgresql://bob:s3cret@127.0.0.1:1/x"])
def test_nobody_there_is_refused_without_the_password(url: str, told: list[str]) -> None:
    options = StoreOptions(url, ("shop",), timeout_seconds=1)
    assert "s3cret" not in repr(options)
    with pytest.raises(StoreUnavailable) as refused:
        StoreDatabase(options).ensure_project("shop")
    assert refused.value.__cause__ is None
    assert len(told) == 1
    assert "cannot be used: OperationalError" in told[0]
    assert "s3cret" not in told[0]


@pytest.mark.parametrize("place", SERVERS, indirect=True)
def test_a_database_of_the_url_that_is_not_there_is_no_empty_store(place: StorePlace) -> None:
    url = sa.make_url(place.url).set(database="nobody_made_it").render_as_string(hide_password=False)
    store = ScoreStore(StoreDatabase(StoreOptions(url, (place.project,))))
    with pytest.raises(StoreUnavailable) as refused:
        store.page(place.project, TABLE, ScoresQuery())
    assert not isinstance(refused.value, StoreTableVanished)
    with pytest.raises(StoreUnavailable):
        store.write(place.project, TABLE, SCORES)


@pytest.mark.parametrize(
    ("backend", "option"),
    [("mysql", "chraset=s3cret"), ("mysql", "connect_timeout=s3cret"), ("postgresql", "aplication_name=s3cret")],
)
def test_an_option_that_the_driver_does_not_know_is_named_without_its_value(
    backend: str, option: str, told: list[str]
) -> None:
    url = f"{backend}://bob:s3cret@127.0.0.1:1/x?{option}"
    store = ScoreStore(StoreDatabase(StoreOptions(url, ("shop",), timeout_seconds=1)))
    with pytest.raises(StoreUnusable, match=f"options of its URL: {option.partition('=')[0]}") as refused:
        store.write("shop", TABLE, SCORES)
    assert refused.value.__cause__ is None
    assert told == [f"{refused.value.message}\n"]
    assert "s3cret" not in told[0]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreUnavailable):
        ScoreStore(StoreDatabase(StoreOptions(f"sqlite:///{tmp_path}/store", ("shop",)))).write("shop", "t", SCORES)


@pytest.mark.parametrize(
    "url",
    ["", "store", "oracle://bob:s3cret@host/x", "mysql+mysqldb://bob:s3cret@host/x", "postgresql+psycopg2://host/x"],
)
def test_a_url_of_another_kind_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(StoreUnusable, match="has to begin with one of sqlite://") as refused:
        StoreDatabase(StoreOptions(url, ()))
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://", "write sqlite:///folder"),
        ("sqlite:///:memory:", "write sqlite:///folder"),
        ("mysql://bob:s3cret@host:port/x", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_on_first_use(url: str, why: str) -> None:
    with pytest.raises(StoreUnusable, match=why) as refused:
        StoreDatabase(StoreOptions(url, ("shop",))).ensure_project("shop")
    assert refused.value.__cause__ is None
    assert "s3cret" not in refused.value.message
