"""Writer: what the database will not take of one use case keeps nothing of the others back, nor is it counted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loguru import logger

from fraud_detection_api.errors import StoreUnusable
from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions
from fraud_detection_api.services.answer_log.writer_process import Writer
from fraud_detection_api.storage.answer_log.entry import packed, packed_forms
from fraud_detection_api.storage.answer_log.segments import segments
from fraud_detection_api.storage.answer_log.spool import Spool
from fraud_detection_api.storage.answer_log.writing import AnswerTables
from fraud_detection_api.storage.store_database import StoreDatabase
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import LOAN_APPLICATIONS
from tests.storage.answer_stores import KINDS, AnswerStore, answer_store
from tests.storage.test_spool_entries import answer_about

LOANS, ACCOUNTS = LOAN_APPLICATIONS.name, CREDIT_ACCOUNTS.name


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnswerStore]:
    """Every kind of database."""
    with answer_store(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def writer(store: AnswerStore, tmp_path: Path) -> Iterator[Writer]:
    """What writes the spool to it."""
    database = StoreDatabase(store.options.store)
    database.ensure_project(store.project)
    yield Writer(tmp_path / "spool", AnswerTables(database, store.project))
    database.dispose()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool of accounts and loans."""
    forms = packed_forms({ACCOUNTS: CREDIT_ACCOUNTS, LOANS: LOAN_APPLICATIONS})
    return Spool(tmp_path / "spool", 10_000_000, forms)


def test_a_table_of_another_shape_keeps_only_its_own_answers_waiting(
    store: AnswerStore, writer: Writer, spool: Spool, tmp_path: Path
) -> None:
    told: list[tuple[str, object]] = []
    handler = logger.add(lambda line: told.append((line.record["message"], line.record["extra"].get("use_case"))))
    if store.url.startswith("sqlite"):
        (tmp_path / "store").mkdir()
    store.run(f"CREATE TABLE {store.named(ACCOUNTS)} (somebody_elses INTEGER)")
    for _ in range(3):
        spool.append(packed(answer_about(CREDIT_ACCOUNTS, 2)))
        spool.append(packed(answer_about(LOAN_APPLICATIONS, 5)))
    spool.close()
    for _ in range(2):
        assert not writer.once()
        assert len(store.rows(LOANS)) == 15
    assert len(segments(tmp_path / "spool")) == 1
    store.run(f"DROP TABLE {store.named(ACCOUNTS)}")
    assert writer.once()
    assert (len(store.rows(ACCOUNTS)), len(store.rows(LOANS))) == (6, 15)
    assert not segments(tmp_path / "spool")
    assert (writer.done.written, writer.done.set_aside) == (21, 0)
    logger.remove(handler)
    assert [use_case for message, use_case in told if "cannot be written yet" in message] == [ACCOUNTS]


def test_what_the_database_refuses_is_set_aside_and_not_counted_as_written(writer: Writer, spool: Spool) -> None:
    good, bad = answer_about(CREDIT_ACCOUNTS, 2), answer_about(CREDIT_ACCOUNTS, 7)
    spool.append(packed(good))
    spool.append(packed(bad._replace(scores=np.full(7, np.nan, dtype=np.float32))))
    spool.close()
    assert writer.once()
    assert (writer.done.written, writer.done.set_aside) == (2, 1)


@pytest.mark.parametrize("word", ["returning", "nothing", "select"])
def test_a_use_case_may_be_named_like_a_word_of_the_databases(writer: Writer, tmp_path: Path, word: str) -> None:
    use_case = replace(CREDIT_ACCOUNTS, name=word)
    spool = Spool(tmp_path / "spool", 10_000_000, packed_forms({word: use_case}))
    spool.append(packed(answer_about(use_case, 4)))
    spool.close()
    assert writer.once()
    assert (writer.done.written, writer.done.set_aside) == (4, 0)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_why_a_store_can_never_work_is_said(store: AnswerStore, spool: Spool, tmp_path: Path) -> None:
    told: list[object] = []
    handler = logger.add(lambda line: told.append(line.record["extra"].get("error")))
    spool.append(packed(answer_about(CREDIT_ACCOUNTS, 2)))
    spool.close()
    url = "mysql://nobody@127.0.0.1/x?chraset=utf8"
    database = StoreDatabase(WriterOptions(url, store.project, 5, "INFO", log_json=False).store)
    assert not Writer(tmp_path / "spool", AnswerTables(database, store.project)).once()
    logger.remove(handler)
    why = "The store's driver cannot use the options of its URL: chraset. Correct FRAUD_STORE."
    assert [error for error in told if error] == [why]


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "postgresql://bob:s3cret@localhost:70000/shop"])
def test_a_store_that_can_never_work_is_found_without_loading_sql_here(url: str) -> None:
    with pytest.raises(StoreUnusable, match=r"sqlite:///folder|port 70000") as refused:
        WriterOptions(url, "kept", 5, "INFO", log_json=False).check_in_a_process()
    assert "s3cret" not in refused.value.message
    WriterOptions("postgresql://nobody.invalid/shop", "kept", 5, "INFO", log_json=False).check_in_a_process()
