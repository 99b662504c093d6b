"""Kept answers in SQLite, PostgreSQL and MariaDB: rows as they were answered, the same ones once only."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import StoreUnavailable, StoreUnusable
from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions
from fraud_detection_api.storage.answer_log.entry import AnsweredRequest, RecordForm, packed_forms, unpacked_forms
from fraud_detection_api.storage.answer_log.writing import AnswerTables, Entry
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import LOAN_APPLICATIONS
from tests.examples import good_rows
from tests.running_service import free_port
from tests.storage.answer_stores import KINDS, AnswerStore, answer_store
from tests.storage.test_spool_entries import answer_about

LOANS = LOAN_APPLICATIONS.name
FORMS = unpacked_forms(packed_forms({LOANS: LOAN_APPLICATIONS, CREDIT_ACCOUNTS.name: CREDIT_ACCOUNTS}))


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnswerStore]:
    """Every kind of database."""
    with answer_store(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def answers(store: AnswerStore) -> Iterator[AnswerTables]:
    """What writes to it."""
    database = StoreDatabase(store.options.store)
    yield AnswerTables(database, store.project)
    database.dispose()


def entry(name: str, answer: AnsweredRequest) -> Entry:
    """An entry of the spool."""
    return Entry(name, answer, FORMS[answer.use_case])


def loans_of(*keys: str, score: float = 0.25) -> AnsweredRequest:
    """An answer without records about loans with these keys."""
    scores = np.full(len(keys), score, dtype=np.float32)
    return AnsweredRequest(LOANS, "/score/loans", "", "1-abc", 10**18, scores, scores > 0.5, list(keys))


def test_rows_are_what_was_asked_and_answered(store: AnswerStore, answers: AnswerTables) -> None:
    loans, accounts = answer_about(LOAN_APPLICATIONS, 40), answer_about(CREDIT_ACCOUNTS, 3, with_records=False)
    assert answers.write([entry("a", loans)]) == answers.write([entry("b", accounts)]) == []
    found = store.rows(LOANS)
    rows = good_rows(LOAN_APPLICATIONS, 40, seed=5)
    assert [row["record_key"] for row in found] == [row["application_id"] for row in rows]
    assert [json.loads(str(row["record"]))["purpose"] for row in found] == [row["purpose"] for row in rows]
    assert [row["score"] for row in found] == [pytest.approx(place / 40, abs=1e-7) for place in range(40)]
    assert [row["decision"] for row in found] == ["passed"] * 20 + ["flagged"] * 20
    first = store.rows(CREDIT_ACCOUNTS.name)[0]
    assert (first["entry_id"], first["position"], first["record"], first["anomaly_score"]) == ("b", 0, None, None)
    assert (first["request_id"], first["model_version"]) == ("asked-by:me", "1-abc")
    moment = datetime.fromisoformat(str(first["answered_at"]))
    assert moment.replace(tzinfo=UTC) == datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)


def test_the_same_entry_again_changes_nothing(store: AnswerStore, answers: AnswerTables) -> None:
    answers.write([entry("a", loans_of("x", "y"))])
    before = store.rows(LOANS)
    answers.write([entry("a", loans_of("other", "keys", "z")), entry("b", loans_of("x"))])
    after = store.rows(LOANS)
    assert after[:2] == before
    assert [row["record_key"] for row in after] == ["x", "y", "z", "x"]


def test_any_text_is_a_key_and_long_ones_stay_apart(store: AnswerStore, answers: AnswerTables) -> None:
    keys = ["", "O'Brien; DROP TABLE x --", "\u4e2d\U0001f600%s:key", "nul\0nul", "k" * 400, "k" * 399 + "l", "k" * 255]
    answers.write([entry("a", loans_of(*keys))])
    found = [str(row["record_key"]) for row in store.rows(LOANS)]
    assert found[:4] == [*keys[:3], "nul\N{SYMBOL FOR NULL}nul"]
    assert len(set(found)) == len(keys)
    assert found[6] == keys[6]


def test_what_the_database_refuses_keeps_nothing_else_out(store: AnswerStore, answers: AnswerTables) -> None:
    wrong = {"c", "f"}
    entries = [entry(name, loans_of(name, score=np.nan if name in wrong else 0.5)) for name in "abcdefg"]
    assert {each.id for each in answers.write(entries)} == wrong
    assert [row["record_key"] for row in store.rows(LOANS)] == list("abdeg")


def test_the_scores_behind_percentiles_are_kept_to_the_bit(store: AnswerStore, answers: AnswerTables) -> None:
    behind = np.array([-0.1 - 0.2, np.nextafter(-1, 0)])
    answers.write([entry("a", loans_of("x", "y")._replace(anomaly_scores=behind))])
    assert [row["anomaly_score"] for row in store.rows(LOANS)] == behind.tolist()


def test_a_table_that_was_dropped_is_made_anew(store: AnswerStore, answers: AnswerTables) -> None:
    answers.write([entry("a", loans_of("x"))])
    store.run(f"DROP TABLE {store.named(LOANS)}")
    answers.write([entry("b", loans_of("y"))])
    assert [row["record_key"] for row in store.rows(LOANS)] == ["y"]


def test_a_table_whose_maker_was_killed_before_its_indexes_gets_them(store: AnswerStore, answers: AnswerTables) -> None:
    answers.write([entry("a", loans_of("x"))])
    before = store.indexes(LOANS)
    dropped = store.named(before[0]) if store.url.startswith("postgresql") else before[0]
    store.run(f"DROP INDEX {dropped}" + (f" ON {store.named(LOANS)}" if store.url.startswith("mysql") else ""))
    assert len(store.indexes(LOANS)) == len(before) - 1
    database = StoreDatabase(store.options.store)
    AnswerTables(database, store.project).write([entry("b", loans_of("y"))])
    database.dispose()
    assert store.indexes(LOANS) == before
    assert len(before) == 3


def test_use_cases_of_long_names_go_into_tables_and_indexes_of_their_own(
    store: AnswerStore, answers: AnswerTables
) -> None:
    names = ["l" * 62 + end for end in "xy"]
    for name in names:
        answers.write([Entry(name[-3:], loans_of("x")._replace(use_case=name), FORMS[LOANS])])
        assert len(store.rows(name)) == 1
    found = [index for name in names for index in store.indexes(name)]
    assert len(set(found)) == 6


def test_nobody_else_may_read_what_sqlite_keeps(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with answer_store("sqlite", tmp_path) as store:
            database = StoreDatabase(store.options.store)
            AnswerTables(database, store.project).write([entry("a", loans_of("x"))])
            files = [*(tmp_path / "store").iterdir()]
            modes = {path.stat().st_mode & 0o777 for path in files}
            database.dispose()
    finally:
        os.umask(before)
    assert len(files) == 3  # the database, its log and its index
    assert modes == {0o600}
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("backend", ["postgresql+psycopg://postgres@", "mysql+pymysql://root@"])
def test_a_database_that_is_away_is_said_to_be(backend: str) -> None:
    options = WriterOptions(f"{backend}127.0.0.1:{free_port()}/shop", "kept", 2, "INFO", log_json=False)
    database = StoreDatabase(options.store)
    with pytest.raises(StoreUnavailable):
        AnswerTables(database, "kept").write([Entry("a", loans_of("x"), RecordForm(None, ()))])
    database.dispose()


@pytest.mark.parametrize(("url", "project"), [("nonsense", "kept"), ("sqlite:///store", 'kept"; DROP')])
def test_what_can_never_be_is_refused_at_once(url: str, project: str) -> None:
    with pytest.raises(StoreUnusable):
        StoreDatabase(WriterOptions(url, project, 5, "INFO", log_json=False).store)
