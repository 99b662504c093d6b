"""The answer log read back: every answer once, in the order of writing, also from tables of earlier versions."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from fraud_detection_api.errors import AnswersMissing, StoreTableUnfit
from fraud_detection_api.schemas.answer_log import AnswersQuery
from fraud_detection_api.storage.answer_log.entry import AnsweredRequest, packed_forms, unpacked_forms
from fraud_detection_api.storage.answer_log.reading import AnswerReader
from fraud_detection_api.storage.answer_log.writing import AnswerTables, Entry
from fraud_detection_api.storage.store_database import StoreDatabase
from tests.declared_use_cases import LOAN_APPLICATIONS
from tests.storage.answer_stores import KINDS, AnswerStore, answer_store
from tests.storage.test_spool_entries import answer_about

LOANS = LOAN_APPLICATIONS.name
FORM = unpacked_forms(packed_forms({LOANS: LOAN_APPLICATIONS}))[LOANS]
Answer = dict[str, object]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnswerStore]:
    """Every kind of database."""
    with answer_store(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def database(store: AnswerStore) -> Iterator[StoreDatabase]:
    """The database as the product opens it."""
    database = StoreDatabase(store.options.store)
    yield database
    database.dispose()


@pytest.fixture
def answers(store: AnswerStore, database: StoreDatabase) -> AnswerTables:
    """What writes to it."""
    return AnswerTables(database, store.project)


@pytest.fixture
def reader(store: AnswerStore, database: StoreDatabase) -> AnswerReader:
    """What reads from it."""
    return AnswerReader(database, store.project)


def loans(*keys: str, score: float = 0.25, version: str = "1-abc", seconds: int = 0) -> AnsweredRequest:
    """An answer without records about loans with these keys."""
    scores = np.full(len(keys), score, dtype=np.float32)
    moment = (1_700_000_000 + seconds) * 10**9
    return AnsweredRequest(LOANS, "/score/loans", "", version, moment, scores, scores > 0.5, list(keys))


def written(answers: AnswerTables, name: str, answer: AnsweredRequest, *reasons: str | None) -> None:
    """Write one answer."""
    assert answers.write([Entry(name, answer, FORM, reasons)]) == []


def read(reader: AnswerReader, **query: object) -> list[Answer]:
    """Every answer that is asked for, page by page, as a caller gets it."""
    found: list[Answer] = []
    after = query.pop("after", None)
    while True:
        answers, after = reader.page(LOANS, AnswersQuery.model_validate({"limit": 2, **query, "after": after}))
        found += orjson.loads(orjson.dumps(answers))
        if after is None:
            return found


def keys(found: list[Answer]) -> list[object]:
    """Whose answers they are."""
    return [answer["key"] for answer in found]


def as_yesterday(store: AnswerStore) -> None:
    """The table as the version before made it."""
    index = next(name for name in store.indexes(LOANS) if name.startswith("number_"))
    table = store.named(LOANS)
    on_table = f" ON {table}" if store.url.startswith("mysql") else ""
    schema = f"{store.project}." if store.url.startswith("postgresql") else ""
    store.run(f"DROP INDEX {schema}{index}{on_table}")
    for column in ("number", "reasons"):
        store.run(f"ALTER TABLE {table} DROP COLUMN {column}")
    store.run(f"DROP TABLE {store.named('_numbers')}")


def test_every_answer_is_on_one_page_in_the_order_of_writing(answers: AnswerTables, reader: AnswerReader) -> None:
    for name, given in (("b", ("1", "2", "3")), ("a", ("4",)), ("c", ("5", "6"))):
        written(answers, name, loans(*given))
    found = read(reader)
    assert keys(found) == ["1", "2", "3", "4", "5", "6"]
    assert len({answer["id"] for answer in found}) == 6
    assert keys(read(reader, after=found[3]["id"])) == ["5", "6"]


def test_who_reads_on_gets_what_was_written_since_and_nothing_twice(
    answers: AnswerTables, reader: AnswerReader
) -> None:
    written(answers, "z", loans("1"))
    last = read(reader)[-1]["id"]
    written(answers, "a", loans("2"))  # of a segment that was begun earlier, for instance
    written(answers, "z", loans("1"))
    assert keys(read(reader, after=last)) == ["2"]


def test_an_answer_says_what_was_asked_and_answered(answers: AnswerTables, reader: AnswerReader) -> None:
    written(answers, "a", answer_about(LOAN_APPLICATIONS, 4), None, None, None, '[{"field":"purpose"}]')
    first, *_, last = read(reader)
    expected = {"score": 0.0, "anomaly_score": None, "decision": "passed", "model_version": "1-abc"}
    assert first.items() >= expected.items()
    assert first["answered_at"] == "2023-11-14T22:13:20.123456+00:00"
    assert first["request_id"] == "asked-by:me"
    record = first["record"]
    assert isinstance(record, dict)
    assert record["application_id"] == first["key"]
    assert (first["reasons"], last["reasons"]) == (None, [{"field": "purpose"}])


def test_answers_are_found_by_decision_key_time_and_version(answers: AnswerTables, reader: AnswerReader) -> None:
    written(answers, "a", loans("x", "y", seconds=0))
    written(answers, "b", loans("x", "k" * 400, score=0.75, version="2-def", seconds=60))
    moment = loans("x").moment
    later = moment + timedelta(seconds=60)
    assert keys(read(reader, decision="passed")) == ["x", "y"]
    assert len(read(reader, key="x")) == 2
    assert len(read(reader, key="k" * 400)) == 1
    assert keys(read(reader, model_version="2-def", decision="flagged"))[0] == "x"
    assert keys(read(reader, to=later)) == ["x", "y"]
    assert len(read(reader, **{"from": later})) == 2
    assert read(reader, **{"from": later.astimezone().isoformat(), "to": later.isoformat()}) == []


def test_a_table_of_yesterday_is_read_as_it_is_and_goes_on_with_what_it_lacks(
    store: AnswerStore, database: StoreDatabase, reader: AnswerReader
) -> None:
    written(AnswerTables(database, store.project), "b", loans("1", "2"))
    as_yesterday(store)
    assert keys(read(reader)) == ["1", "2"]
    last = read(reader)[-1]["id"]
    today = AnswerTables(database, store.project)
    written(today, "a", loans("3"), "[]")
    written(today, "b", loans("1", "2"))
    assert keys(read(reader)) == ["1", "2", "3"]
    assert keys(read(reader, after=last)) == ["3"]
    assert len(store.indexes(LOANS)) == 3


def test_who_reads_while_many_write_misses_nothing(
    store: AnswerStore, database: StoreDatabase, reader: AnswerReader
) -> None:
    def write(writer: int) -> None:
        own = StoreDatabase(store.options.store)
        answers = AnswerTables(own, store.project)
        for turn in range(10):
            written(answers, f"{9 - writer}-{turn:02}", loans(f"{writer}-{turn}"))
        own.dispose()

    written(AnswerTables(database, store.project), "0", loans("first"))
    found = read(reader)
    with ThreadPoolExecutor(3) as threads:
        writing = [threads.submit(write, writer) for writer in range(3)]
        while not all(each.done() for each in writing):
            found += read(reader, after=found[-1]["id"])
        for each in writing:
            each.result()
    found += read(reader, after=found[-1]["id"])
    assert sorted(map(str, keys(found))) == sorted(["first", *(f"{w}-{turn}" for w in range(3) for turn in range(10))])


def test_a_counter_that_was_lost_goes_on_where_the_answers_are(
    store: AnswerStore, database: StoreDatabase, reader: AnswerReader
) -> None:
    answers = AnswerTables(database, store.project)
    for name in "ab":
        written(answers, name, loans(name))
    last = read(reader)[-1]["id"]
    store.run(f"DROP TABLE {store.named('_numbers')}")
    written(answers, "0", loans("c"))
    assert keys(read(reader, after=last)) == ["c"]


def test_nothing_that_was_ever_kept_is_said_to_be_so_and_made_by_nobody(
    store: AnswerStore, reader: AnswerReader
) -> None:
    with pytest.raises(AnswersMissing):
        read(reader)
    assert store.rows(LOANS) == []


def test_a_table_of_another_shape_is_not_read(store: AnswerStore, answers: AnswerTables, reader: AnswerReader) -> None:
    written(answers, "a", loans("1"))
    store.run(f"DROP TABLE {store.named(LOANS)}")
    store.run(f"CREATE TABLE {store.named(LOANS)} (entry_id VARCHAR(40), horse INTEGER)")
    with pytest.raises(StoreTableUnfit, match="it has no column address, anomaly_score, answered_at"):
        read(reader)


@pytest.mark.parametrize(
    "query",
    [
        {"after": "1"},
        {"after": "1.a.b"},
        {"after": "x'; --"},
        {"limit": 0},
        {"limit": 1001},
        {"decision": "fraud"},
        {"from": "2026-01-01T00:00:00"},
        {"to": "yesterday"},
        {"horse": 1},
    ],
)
def test_a_query_that_means_nothing_is_refused(query: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(query))):
        AnswersQuery.model_validate(json.loads(json.dumps(query)))
