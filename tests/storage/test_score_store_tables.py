"""Names and tables that are there already: every safe name is a table of its own, and none but ours is written to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from fraud_detection_api.errors import StoreTableMissing, StoreTableUnfit, StoreUnavailable
from fraud_detection_api.schemas.stored_scores import ScoresQuery, StoredScores
from fraud_detection_api.storage.engines.postgresql import COPIED_FROM
from fraud_detection_api.storage.score_store import ScoreStore
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.storage.store_options import StoreOptions
from tests.storage.databases import DATABASES, StorePlace, store_place

TABLE = "fraud"
MOMENTS = {"postgres": "TIMESTAMPTZ", "mysql": "DATETIME(6)", "sqlite": "DATETIME"}
FITTING = {
    "id": "BIGINT PRIMARY KEY",
    "outlier_prob": "DOUBLE PRECISION NOT NULL",
    "class_pred": "VARCHAR(8) NOT NULL",
    "inserted_at": "{moment} NOT NULL",
}


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    """A place of each kind whose project is made."""
    with store_place(request.param, tmp_path) as place:
        place.store().write(place.project, "another", scores_of(0.5))
        yield place


def scores_of(probability: float, rows: int = 2) -> StoredScores:
    """Scores of the ids from 0 on."""
    return StoredScores(np.arange(rows), np.full(rows, probability), ["fraud"] * rows)


def made(place: StorePlace, changes: dict[str, str], more: str = "") -> None:
    """A table that would do, but for these columns."""
    columns = {**FITTING, **changes}
    if place.kind == "sqlite":
        columns = {name: words.replace("BIGINT", "INTEGER") for name, words in columns.items()}
    words = ", ".join(f"{name} {kind}" for name, kind in columns.items()).format(moment=MOMENTS[place.kind])
    place.run(f"CREATE TABLE {place.named(TABLE)} ({words}{more})")


@pytest.mark.parametrize("rows", [2, COPIED_FROM])
def test_a_word_of_the_language_is_a_table_whose_scores_are_updated(place: StorePlace, rows: int) -> None:
    store = place.store()
    for name in ("excluded", "returning", "nothing", "stored", "given"):
        for probability in (0.25, 0.75):
            store.write(place.project, name, scores_of(probability, rows))
            found = store.page(place.project, name, ScoresQuery(limit=10_000)).scores
            assert [row.outlier_prob for row in found] == [probability] * rows, name


class TestTablesOfOthers:
    def test_one_that_would_do_is_taken_as_it_is(self, place: StorePlace) -> None:
        made(place, {})
        place.store().write(place.project, TABLE, scores_of(0.5))
        assert [row[0] for row in place.rows(TABLE)] == [0, 1]

    @pytest.mark.parametrize(
        ("changes", "more", "why"),
        [
            ({"outlier_prob": "DOUBLE PRECISION"}, "", "its column outlier_prob may be empty"),
            ({"class_pred": "CHAR(8) NOT NULL"}, "", r"its column class_pred is CHAR\(8\)"),
            ({"class_pred": "VARCHAR(8) NOT NULL UNIQUE"}, "", "more than its id is unique"),
            ({}, ", UNIQUE (outlier_prob, class_pred)", "more than its id is unique"),
        ],
    )
    def test_one_that_would_refuse_or_change_scores_is_left_alone(
        self, place: StorePlace, changes: dict[str, str], more: str, why: str
    ) -> None:
        made(place, changes, more)
        refused(place, why)

    def test_one_with_a_unique_index_is_left_alone(self, place: StorePlace) -> None:
        made(place, {})
        place.run(f"CREATE UNIQUE INDEX only_once ON {place.named(TABLE)} (outlier_prob)")
        refused(place, r"more than its id is unique \(only_once\)")

    @pytest.mark.parametrize(
        ("kind", "changes", "why"),
        [
            ("mysql", {"id": "BIGINT UNSIGNED PRIMARY KEY"}, "its column id is BIGINT.* UNSIGNED"),
            ("mysql", {"outlier_prob": "DOUBLE(5, 2) NOT NULL"}, "its column outlier_prob is DOUBLE"),
            ("mysql", {"id": "BIGINT AUTO_INCREMENT PRIMARY KEY"}, "its column id is given its values"),
            ("postgres", {"id": "BIGSERIAL PRIMARY KEY"}, "its column id is given its values"),
            (
                "postgres",
                {"id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"},
                "its column id is given its values",
            ),
        ],
    )
    def test_what_only_servers_know_is_looked_at_too(
        self, tmp_path: Path, kind: str, changes: dict[str, str], why: str
    ) -> None:
        with store_place(kind, tmp_path) as place:
            place.store().write(place.project, "another", scores_of(0.5))
            made(place, changes)
            refused(place, why)

    def test_one_that_came_in_the_place_of_ours_is_refused_and_left_alone(self, place: StorePlace) -> None:
        store = place.store()
        store.write(place.project, TABLE, scores_of(0.5))
        place.run(f"DROP TABLE {place.named(TABLE)}")
        place.run(f"CREATE TABLE {place.named(TABLE)} (id INTEGER, horse VARCHAR(9))")
        for _ in range(2):
            with pytest.raises(StoreTableUnfit, match="its columns are id, horse"):
                store.page(place.project, TABLE, ScoresQuery())
            with pytest.raises(StoreTableUnfit, match="its columns are id, horse"):
                store.write(place.project, TABLE, scores_of(0.5))
        place.run(f"DROP TABLE {place.named(TABLE)}")
        store.write(place.project, TABLE, scores_of(0.5))
        assert len(place.rows(TABLE)) == 2

    @pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)  # MariaDB's indexes have other names
    def test_a_name_that_stands_for_something_else_is_refused(self, place: StorePlace) -> None:
        store, index = place.store(), "another_pkey"  # so PostgreSQL calls the key of `another`
        if place.kind == "sqlite":
            place.run(f"CREATE INDEX {index} ON another (outlier_prob)")
        for _ in range(2):
            with pytest.raises(StoreTableUnfit, match="given its name to something else"):
                store.write(place.project, index, scores_of(0.5))


def refused(place: StorePlace, why: str) -> None:
    """A table is neither written to nor read."""
    store = place.store()
    with pytest.raises(StoreTableUnfit, match=why):
        store.write(place.project, TABLE, scores_of(0.5))
    with pytest.raises(StoreTableUnfit, match=why):
        store.page(place.project, TABLE, ScoresQuery())
    assert place.rows(TABLE, "id") == []


@pytest.mark.parametrize("place", ["mysql"], indirect=True)
def test_an_id_of_0_is_0_in_tables_that_number_their_rows(place: StorePlace) -> None:
    made(place, {"id": "BIGINT AUTO_INCREMENT PRIMARY KEY"})
    statement = f"INSERT INTO {place.named(TABLE)} VALUES (0, 0.5, 'fraud', NOW())"  # noqa: S608 - our words
    place.database().in_transaction(place.project, lambda connection: connection.execute(sa.text(statement)))
    assert place.rows(TABLE, "id") == [(0,)]


class TestFilesOfSqlite:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[StorePlace]:
        """Two scores in a file, and whoever has it open."""
        with store_place("sqlite", tmp_path) as place:
            yield place

    @pytest.mark.parametrize("whole_folder", [False, True])
    def test_scores_for_one_that_was_removed_go_to_a_new_one(self, place: StorePlace, whole_folder: bool) -> None:
        store = place.store()
        store.write(place.project, TABLE, scores_of(0.5))
        if whole_folder:
            shutil.rmtree(place.folder)
        else:
            (place.folder / f"{place.project}.sqlite").unlink()
        with pytest.raises(StoreTableMissing):
            store.page(place.project, TABLE, ScoresQuery())
        assert not (place.folder / f"{place.project}.sqlite").exists()
        store.write(place.project, TABLE, scores_of(0.75))
        assert [row[1] for row in place.rows(TABLE)] == [0.75, 0.75]

    def test_one_that_was_put_in_its_place_is_read_and_written(self, place: StorePlace, tmp_path: Path) -> None:
        store = place.store()
        store.write(place.project, TABLE, scores_of(0.5))
        with store_place("sqlite", tmp_path / "elsewhere") as other:
            other.store().write(other.project, TABLE, scores_of(0.25, rows=5))
            other.close()
            shutil.rmtree(place.folder)  # with the log beside the file, which belongs to no other
            place.folder.mkdir()
            shutil.copy(other.folder / f"{other.project}.sqlite", place.folder / f"{place.project}.sqlite")
        assert {row.outlier_prob for row in store.page(place.project, TABLE, ScoresQuery()).scores} == {0.25}
        store.write(place.project, TABLE, scores_of(0.75, rows=1))
        assert [row[1] for row in place.rows(TABLE)] == [0.75, 0.25, 0.25, 0.25, 0.25]


def test_a_folder_that_cannot_be_looked_into_is_refused_and_not_empty(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/{'a' * 300}"  # refused to everybody, root too, as a folder of others is to us
    store = ScoreStore(StoreDatabase(StoreOptions(url, ("shop",))))
    with pytest.raises(StoreUnavailable):
        store.page("shop", TABLE, ScoresQuery())
    with pytest.raises(StoreUnavailable):
        store.write("shop", TABLE, scores_of(0.5))
