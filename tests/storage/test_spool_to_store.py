"""Kept answers in SQLite, PostgreSQL and MariaDB: rows as they were answered, the same ones once only."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import StoreUnavailable, StoreUnusable
from fraud_detection_api.schemas.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.services.drainer import DrainOptions
from fraud_detection_api.storage.kept_answers import Entry, KeptAnswers
from fraud_detection_api.storage.kept_entry import KeptAnswer, RecordForm, packed_forms, unpacked_forms
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
def answers(store: AnswerStore) -> Iterator[KeptAnswers]:
    """What writes to it."""
    database = store.options.database()
    yield KeptAnswers(database, store.project)
    database.dispose()


def entry(name: str, answer: KeptAnswer) -> Entry:
    """An entry of the spool."""
    return Entry(name, answer, FORMS[answer.use_case])


def loans_of(*keys: str, score: float = 0.25) -> KeptAnswer:
    """An answer without records about loans with these keys."""
    scores = np.full(len(keys), score, dtype=np.float32)
    return KeptAnswer(LOANS, "/score/loans", "", "1-abc", 10**18, scores, scores > 0.5, list(keys))


def test_rows_are_what_was_asked_and_answered(store: AnswerStore, answers: KeptAnswers) -> None:
    loans, accounts = answer_about(LOAN_APPLICATIONS, 40), answer_about(CREDIT_ACCOUNTS, 3, with_records=False)
    assert answers.write([entry("a", loans), entry("b", accounts)]) == []
    found = store.rows(LOANS)
    rows = good_rows(LOAN_APPLICATIONS, 40, seed=5)
    assert [row["record_key"] for row in found] == [row["application_id"] for row in rows]
    assert [json.loads(str(row["record"]))["purpose"] for row in found] == [row["purpose"] for row in rows]
    assert [row["score"] for row in found] == [pytest.approx(place / 40, abs=1e-7) for place in range(40)]
    assert [row["decision"] for row in found] == ["passed"] * 20 + ["flagged"] * 20
    first = store.rows(CREDIT_ACCOUNTS.name)[0]
    assert (first["entry_id"], first["position"], first["record"]) == ("b", 0, None)
    assert (first["request_id"], first["model_version"]) == ("asked-by:me", "1-abc")
    moment = datetime.fromisoformat(str(first["answered_at"]))
    assert moment.replace(tzinfo=UTC) == datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)


def test_the_same_entry_again_changes_nothing(store: AnswerStore, answers: KeptAnswers) -> None:
    answers.write([entry("a", loans_of("x", "y"))])
    before = store.rows(LOANS)
    answers.write([entry("a", loans_of("other", "keys", "z")), entry("b", loans_of("x"))])
    after = store.rows(LOANS)
    assert after[:2] == before
    assert [row["record_key"] for row in after] == ["x", "y", "z", "x"]


def test_any_text_is_a_key_and_long_ones_stay_apart(store: AnswerStore, answers: KeptAnswers) -> None:
    keys = ["", "O'Brien; DROP TABLE x --", "\u4e2d\U0001f600%s:key", "nul\0nul", "k" * 400, "k" * 399 + "l", "k" * 255]
    answers.write([entry("a", loans_of(*keys))])
    found = [str(row["record_key"]) for row in store.rows(LOANS)]
    assert found[:4] == [*keys[:3], "nul\N{SYMBOL FOR NULL}nul"]
    assert len(set(found)) == len(keys)
    assert found[6] == keys[6]


def test_what_the_database_refuses_keeps_nothing_else_out(store: AnswerStore, answers: KeptAnswers) -> None:
    wrong = {"c", "f"}
    entries = [entry(name, loans_of(name, score=np.nan if name in wrong else 0.5)) for name in "abcdefg"]
    assert set(answers.write(entries)) == wrong
    assert [row["record_key"] for row in store.rows(LOANS)] == list("abdeg")


@pytest.mark.parametrize("backend", ["postgresql+psycopg://postgres@", "mysql+pymysql://root@"])
def test_a_database_that_is_away_is_said_to_be(backend: str) -> None:
    options = DrainOptions(f"{backend}127.0.0.1:{free_port()}/shop", "kept", 2, "INFO", log_json=False)
    database = options.database()
    with pytest.raises(StoreUnavailable):
        KeptAnswers(database, "kept").write([Entry("a", loans_of("x"), RecordForm(None, ()))])
    database.dispose()


@pytest.mark.parametrize(("url", "project"), [("nonsense", "kept"), ("sqlite:///store", 'kept"; DROP')])
def test_what_can_never_be_is_refused_at_once(url: str, project: str) -> None:
    with pytest.raises(StoreUnusable):
        DrainOptions(url, project, 5, "INFO", log_json=False).database()
