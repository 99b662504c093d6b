"""The store of scores, the same on SQLite, MariaDB and PostgreSQL: all or none, updated, never twice."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import sqlalchemy as sa

from fraud_detection_api.errors import InputRefused, StoreTableMissing, StoreTableUnfit, StoreUnusable
from fraud_detection_api.schemas.stored_scores import ScoresQuery, StoredScores
from fraud_detection_api.storage.engines.postgresql import COPIED_FROM
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.storage.store_options import StoreOptions
from tests.storage.databases import DATABASES, StorePlace, store_place

TABLE = "fraud"
CLASSES = ("nonfraud", "fraud")
MANY = 2 * COPIED_FROM


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    """An empty place of each kind."""
    with store_place(request.param, tmp_path) as place:
        yield place


def scores_of(ids: Sequence[int], probabilities: Sequence[float], classes: Sequence[str] = ()) -> StoredScores:
    """Scores by rows that read as such."""
    named = classes or [CLASSES[probability >= 0.5] for probability in probabilities]
    return StoredScores(np.array(ids, np.int64), np.array(probabilities, np.float64), named)


def many_scores(seed: int, rows: int = MANY) -> StoredScores:
    """Scores of one and the same set of ids, in another order and with other values for each seed."""
    drawn = np.random.default_rng(seed)
    ids = drawn.permutation(np.random.default_rng(0).choice(2**62, rows, replace=False))
    return scores_of(ids.tolist(), drawn.random(rows).tolist())


class TestWriting:
    def test_the_first_scores_make_project_and_table_and_come_back_to_the_bit(self, place: StorePlace) -> None:
        ids = [-(2**63), -1, 0, 9007199254740993, 2**63 - 1]
        probabilities = [0.0, 5e-324, 0.1 + 0.2, math.nextafter(1, 0), 1.0]
        store = place.store()
        store.write(place.project, TABLE, scores_of(ids, probabilities))
        expected = [(id_, p, CLASSES[p >= 0.5]) for id_, p in zip(ids, probabilities, strict=True)]
        assert place.rows(TABLE) == expected
        page = store.page(place.project, TABLE, ScoresQuery())
        assert [(row.id, row.outlier_prob, row.class_pred) for row in page.scores] == expected
        assert page.next is None

    def test_writing_again_changes_nothing_but_the_time(self, place: StorePlace) -> None:
        store, scores = place.store(), many_scores(1)
        store.write(place.project, TABLE, scores)
        once, first_times = place.rows(TABLE), place.rows(TABLE, "inserted_at")
        store.write(place.project, TABLE, scores)
        assert place.rows(TABLE) == once
        assert all(before < after for before, after in zip(first_times, place.rows(TABLE, "inserted_at"), strict=True))

    @pytest.mark.parametrize("extra", [0, MANY])
    def test_an_id_that_is_there_is_updated_and_the_others_stay(self, place: StorePlace, extra: int) -> None:
        store, more = place.store(), list(range(100, 100 + extra))
        store.write(place.project, TABLE, scores_of([1, 2, 3, *more], [0.1, 0.2, 0.3, *[0.4] * extra]))
        store.write(place.project, TABLE, scores_of([2, 4, *more], [0.9, 0.8, *[0.6] * extra]))
        rows = place.rows(TABLE)
        assert rows[:4] == [(1, 0.1, "nonfraud"), (2, 0.9, "fraud"), (3, 0.3, "nonfraud"), (4, 0.8, "fraud")]
        assert rows[4:] == [(id_, 0.6, "fraud") for id_ in more]

    def test_of_an_id_that_comes_twice_the_last_one_counts(self, place: StorePlace) -> None:
        place.store().write(place.project, TABLE, scores_of([7, 3, 7, 7], [0.1, 0.2, 0.3, 0.9]))
        assert place.rows(TABLE) == [(3, 0.2, "nonfraud"), (7, 0.9, "fraud")]

    def test_nothing_is_stored_for_no_rows(self, place: StorePlace) -> None:
        place.store().write(place.project, TABLE, scores_of([], []))
        assert place.rows(TABLE) == []

    @pytest.mark.parametrize("rows", [3, MANY])
    @pytest.mark.parametrize(("probability", "name"), [(1.5, "fraud"), (0.5, "maybe"), (np.nan, "fraud")])
    def test_one_bad_row_and_none_is_stored(self, place: StorePlace, rows: int, probability: float, name: str) -> None:
        store = place.store()
        store.write(place.project, TABLE, scores_of([0], [0.25]))
        bad = scores_of(range(rows), [0.5] * (rows - 1) + [probability], ["fraud"] * (rows - 1) + [name])
        with pytest.raises(sa.exc.DBAPIError):  # the database itself holds the line
            store.write(place.project, TABLE, bad)
        assert place.rows(TABLE) == [(0, 0.25, "nonfraud")]

    def test_values_are_bound_and_never_part_of_a_statement(self, place: StorePlace) -> None:
        store = place.store()
        store.write(place.project, TABLE, scores_of([1], [0.25]))
        for text in ("');DROP TABLE x", "%s", "fraud'--", "\\'", "?", ":a"):
            with pytest.raises(sa.exc.DBAPIError):
                store.write(place.project, TABLE, scores_of([1, 2], [0.5, 0.5], ["fraud", text]))
        assert place.rows(TABLE) == [(1, 0.25, "nonfraud")]

    def test_a_table_or_project_that_was_dropped_meanwhile_is_made_anew(self, place: StorePlace) -> None:
        store = place.store()
        for statement in (f"DROP TABLE {place.named(TABLE)}", None):
            store.write(place.project, TABLE, scores_of([1], [0.5]))
            if statement:
                place.run(statement)
            else:
                place.drop()
            store.write(place.project, TABLE, scores_of([2], [0.5]))
            assert (2, 0.5, "fraud") in place.rows(TABLE)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["", "Fraud", "1st", "fraud; DROP TABLE fraud", 'fraud"', "fraud`", "a.b", "a" * 64, "naïve", "fraud\n", "a b"],
    )
    def test_only_safe_names_reach_the_database(self, place: StorePlace, name: str) -> None:
        store = place.store()
        with pytest.raises(InputRefused):
            store.write(place.project, name, scores_of([1], [0.5]))
        with pytest.raises(InputRefused):
            store.write(name, TABLE, scores_of([1], [0.5]))
        with pytest.raises(InputRefused):
            store.page(name, TABLE, ScoresQuery())
        with pytest.raises(StoreUnusable):
            StoreDatabase(StoreOptions(place.url, (name,)))

    def test_what_is_refused_is_not_remembered(self, place: StorePlace) -> None:
        store = place.store()
        for project, table in [("nobody", TABLE), (place.project, "Fraud")]:
            with pytest.raises(InputRefused):
                store.write(project, table, many_scores(1))
        assert not store._turns

    def test_words_of_the_language_are_names_like_others(self, place: StorePlace) -> None:
        store = place.store()
        for name in ("select", "table", "order", "user", "a" * 63):
            store.write(place.project, name, scores_of([1], [0.5]))
            assert len(store.page(place.project, name, ScoresQuery()).scores) == 1


class TestTablesThatAreThere:
    @pytest.mark.parametrize(
        ("columns", "why"),
        [
            ("id BIGINT PRIMARY KEY, amount INTEGER", "its columns are id, amount, not id, outlier_prob"),
            (
                "id VARCHAR(20) PRIMARY KEY, outlier_prob INTEGER, class_pred VARCHAR(8), inserted_at TIMESTAMP",
                "its column id is VARCHAR",
            ),
            (
                "id BIGINT, outlier_prob DOUBLE PRECISION, class_pred VARCHAR(8), inserted_at {moment}",
                "id is not its primary key",
            ),
        ],
    )
    def test_one_of_another_shape_is_refused_and_left_alone(self, place: StorePlace, columns: str, why: str) -> None:
        store = place.store()
        store.write(place.project, "first", scores_of([1], [0.5]))
        moment = {"postgres": "TIMESTAMPTZ", "mysql": "DATETIME(6)", "sqlite": "DATETIME"}[place.kind]
        place.run(f"CREATE TABLE {place.named(TABLE)} ({columns.format(moment=moment)})")
        for ask in (
            lambda: store.write(place.project, TABLE, scores_of([1], [0.5])),
            lambda: store.page(place.project, TABLE, ScoresQuery()),
        ):
            with pytest.raises(StoreTableUnfit, match=why):
                ask()
        assert place.rows(TABLE, "id") == []

    def test_one_whose_shape_is_changed_meanwhile_is_refused_and_left_alone(self, place: StorePlace) -> None:
        store = place.store()
        store.write(place.project, TABLE, scores_of([1], [0.5]))
        place.run(f"ALTER TABLE {place.named(TABLE)} RENAME COLUMN outlier_prob TO amount")
        with pytest.raises(StoreTableUnfit, match="its columns are id, amount"):
            store.write(place.project, TABLE, scores_of([2], [0.5]))
        assert place.rows(TABLE, "id") == [(1,)]


class TestManyWriters:
    def test_eight_that_write_the_same_ids_at_once_all_succeed(self, place: StorePlace) -> None:
        stores, start = [place.store() for _ in range(8)], Barrier(8)

        def write(seed: int) -> None:
            start.wait()  # project and table are made by eight at once, too
            for turn in range(3):
                stores[seed].write(place.project, TABLE, many_scores(10 * seed + turn))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write, range(8)))
        rows = place.rows(TABLE, "id, outlier_prob")
        assert len(rows) == MANY
        lasts = [many_scores(10 * seed + 2) for seed in range(8)]
        whole = [sorted(zip(last.ids.tolist(), last.probabilities.tolist(), strict=True)) for last in lasts]
        assert rows in whole  # what one of them wrote last, never a mixture


class TestPages:
    def test_every_score_is_on_one_page_in_the_order_of_ids(self, place: StorePlace) -> None:
        store, scores = place.store(), many_scores(1)
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        store.write(place.project, TABLE, scores)
        after, pages = None, []
        while True:
            page = store.page(place.project, TABLE, ScoresQuery(after=after, limit=MANY // 4))
            after = page.next
            pages.append(page.scores)
            if after is None:
                break
        assert [len(page) for page in pages] == [MANY // 4] * 4
        found = [row for page in pages for row in page]
        assert [row.id for row in found] == sorted(scores.ids.tolist())
        assert all(before <= row.inserted_at <= datetime.now(UTC) for row in found)
        assert {row.inserted_at.tzinfo for row in found} == {UTC}

    def test_scores_are_found_by_class_and_by_probability(self, place: StorePlace) -> None:
        store = place.store()
        store.write(place.project, TABLE, scores_of([1, 2, 3], [0.1, 0.5, 0.9], ["fraud", "nonfraud", "fraud"]))

        def ids(query: ScoresQuery) -> list[int]:
            return [row.id for row in store.page(place.project, TABLE, query).scores]

        assert ids(ScoresQuery(class_pred="fraud")) == [1, 3]
        assert ids(ScoresQuery(min_prob=0.5)) == [2, 3]
        assert ids(ScoresQuery(class_pred="fraud", min_prob=0.1, after=1)) == [3]

    def test_asking_for_what_was_never_stored_makes_nothing(self, place: StorePlace) -> None:
        with pytest.raises(StoreTableMissing):
            place.store().page(place.project, TABLE, ScoresQuery())
        if place.kind == "sqlite":
            assert not place.folder.exists()
            return
        with place.connection() as connection:
            assert place.project not in sa.inspect(connection).get_schema_names()
