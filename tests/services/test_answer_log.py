"""The answer log of a worker: what it is handed comes into the database, or waits in the spool, or is counted."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loguru import logger
from pydantic import ValidationError

from fraud_detection_api.errors import AnswersCannotBeKept, StoreUnusable, UseCaseInvalid
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.schemas.answer_log import AnswerLogMode
from fraud_detection_api.services.answer_log.answer_log import REQUEST_ID, AnswerLog, AnswerLogOptions
from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions
from fraud_detection_api.services.answers import Scored
from fraud_detection_api.settings import Settings
from fraud_detection_api.storage.answer_log.segments import segments
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.examples import good_rows, records_of
from tests.running_service import eventually, free_port
from tests.storage.answer_stores import AnswerStore, answer_store

NAME = CREDIT_ACCOUNTS.name
USE_CASES = {NAME: CREDIT_ACCOUNTS}
PLENTY = 10_000_000
START_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.schemas.answer_log import AnswerLogMode
from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions
from fraud_detection_api.services.answer_log.answer_log import AnswerLog, AnswerLogOptions
url, project, spool = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
writer = WriterOptions(url, project, 5, "INFO", log_json=False)
options = AnswerLogOptions({"credit_accounts": AnswerLogMode.FULL}, Path(spool), 10**7, writer)
log = AnswerLog(options, {"credit_accounts": CREDIT_ACCOUNTS})
log.start()
sys.stdin.read()
log.stop()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnswerStore]:
    """A database in a folder."""
    with answer_store("sqlite", tmp_path) as found:
        yield found


@pytest.fixture
def scored(credit_scorer: Scorer) -> Scored:
    """Two accounts and their scores."""
    return scored_accounts(credit_scorer, 2)


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    """What is logged, with its values."""
    found: list[dict[str, object]] = []
    handler = logger.add(
        lambda message: found.append({"message": message.record["message"], **message.record["extra"]})
    )
    yield found
    logger.remove(handler)


def scored_accounts(scorer: Scorer, size: int) -> Scored:
    """Made-up accounts and their scores."""
    columns = RecordReader(CREDIT_ACCOUNTS).columns(records_of(good_rows(CREDIT_ACCOUNTS, size), CREDIT_ACCOUNTS))
    return Scored(CREDIT_ACCOUNTS, columns, scorer, scorer.scores(columns))


def answer_log(folder: Path, writer: WriterOptions, mode: AnswerLogMode, most_bytes: int = PLENTY) -> AnswerLog:
    """A log as the application makes it."""
    return AnswerLog(AnswerLogOptions({NAME: mode}, folder / "spool", most_bytes, writer), USE_CASES)


def away() -> WriterOptions:
    """A database that nobody runs."""
    url = f"postgresql+psycopg://bob:s3cret@127.0.0.1:{free_port()}/shop"
    return WriterOptions(url, "kept", 2, "INFO", log_json=True)


def hand(log: AnswerLog, scored: Scored, times: int = 1) -> None:
    """Give the log so many answers."""
    observe = log.observer(NAME, "/fraud_detection")
    assert observe
    for number in range(times):
        REQUEST_ID.set(f"request-{number}")
        observe(scored)


@pytest.mark.parametrize("mode", [AnswerLogMode.SCORES, AnswerLogMode.FULL])
def test_a_clean_end_leaves_every_answer_in_the_database_and_an_empty_spool(
    mode: AnswerLogMode, store: AnswerStore, scored: Scored, tmp_path: Path
) -> None:
    log = answer_log(tmp_path, store.options, mode)
    log.start()
    hand(log, scored, times=50)
    log.stop()
    rows = store.rows(NAME)
    assert {(row["request_id"], row["position"]) for row in rows} == {
        (f"request-{number}", place) for number in range(50) for place in range(2)
    }
    assert len(rows) == 100
    assert all((row["record"] is not None) == (mode is AnswerLogMode.FULL) for row in rows)
    assert [row["score"] for row in rows[:2]] == pytest.approx(scored.scores.values.tolist())
    assert (log.counts.kept, log.counts.lost) == (50, 0)
    assert not list((tmp_path / "spool").iterdir())


def test_answers_come_to_the_database_while_the_service_runs(
    store: AnswerStore, scored: Scored, tmp_path: Path
) -> None:
    log = answer_log(tmp_path, store.options, AnswerLogMode.SCORES)
    log.start()
    hand(log, scored)
    eventually(lambda: len(store.rows(NAME)) == 2)
    hand(log, scored)
    log.stop()
    assert len(store.rows(NAME)) == 4


def test_what_a_database_that_is_away_cannot_take_waits_for_the_next_start(
    store: AnswerStore, scored: Scored, tmp_path: Path
) -> None:
    first = answer_log(tmp_path, away(), AnswerLogMode.FULL)
    first.start()
    hand(first, scored, times=3)
    first.stop()
    assert len(segments(tmp_path / "spool")) == 1
    assert first.counts.waiting_bytes > 0
    second = answer_log(tmp_path, store.options, AnswerLogMode.SCORES)
    second.start()
    eventually(lambda: len(store.rows(NAME)) == 6)
    second.stop()
    assert all(row["record"] for row in store.rows(NAME))
    assert not segments(tmp_path / "spool")


def test_a_killed_writer_process_is_replaced_and_writes_nothing_twice(
    store: AnswerStore, scored: Scored, tmp_path: Path
) -> None:
    log = answer_log(tmp_path, store.options, AnswerLogMode.SCORES)
    log.start()
    hand(log, scored, times=5)
    process = running_process(log)
    process.kill()
    eventually(lambda: running_process(log) is not process)
    hand(log, scored, times=5)
    log.stop()
    assert len(store.rows(NAME)) == 20


def test_two_workers_share_a_folder_and_one_writer_process(store: AnswerStore, scored: Scored, tmp_path: Path) -> None:
    workers = [answer_log(tmp_path, store.options, AnswerLogMode.SCORES) for _ in range(2)]
    for worker in workers:
        worker.start()
    eventually(lambda: any(worker._writer._process for worker in workers))
    for worker in workers:
        hand(worker, scored, times=10)
    assert [worker._writer._process is None for worker in workers].count(False) == 1
    first = next(worker for worker in workers if worker._writer._process)
    first.stop()
    second = next(worker for worker in workers if worker is not first)
    hand(second, scored, times=10)
    second.stop()
    assert len(store.rows(NAME)) == 60
    assert not list((tmp_path / "spool").iterdir())


def test_a_full_spool_refuses_on_full_and_counts_on_scores(
    scored: Scored, tmp_path: Path, logged: list[dict[str, object]]
) -> None:
    full = answer_log(tmp_path / "full", away(), AnswerLogMode.FULL, most_bytes=2_000)
    full.start()
    with pytest.raises(AnswersCannotBeKept, match="the spool is full"):
        hand(full, scored, times=100)
    full.stop()
    scores = answer_log(tmp_path / "scores", away(), AnswerLogMode.SCORES, most_bytes=2_000)
    scores.start()
    hand(scores, scored, times=100)
    scores.stop()
    assert (full.counts.refused, full.counts.lost) == (1, 0)
    assert scores.counts.refused == 0
    assert scores.counts.lost == 100 - scores.counts.kept > 0
    told = [line for line in logged if line["message"] == "Answers could not be kept"]
    assert sum(int(str(line["refused"])) for line in told) == 1
    assert sum(int(str(line["lost"])) for line in told) == scores.counts.lost
    assert len(told) <= 4


def test_what_no_database_will_ever_take_is_set_aside_and_keeps_nothing_back(
    store: AnswerStore, scored: Scored, tmp_path: Path
) -> None:
    log = answer_log(tmp_path, store.options, AnswerLogMode.FULL)
    log.start()
    hand(log, scored, times=3)
    scored.scores.values[0] = float("nan")
    hand(log, scored)
    log.stop()
    assert len(store.rows(NAME)) == 6
    assert [path.suffix for path in (tmp_path / "spool").iterdir()] == [".refused"]


def test_a_removed_spool_is_made_anew_and_what_it_held_is_counted(
    store: AnswerStore, scored: Scored, tmp_path: Path, logged: list[dict[str, object]]
) -> None:
    log = answer_log(tmp_path, store.options, AnswerLogMode.FULL)
    log.start()
    eventually(lambda: bool(segments(tmp_path / "spool")))
    hand(log, scored)
    shutil.rmtree(tmp_path / "spool")
    eventually(lambda: log.counts.vanished == 1)
    eventually(lambda: bool(segments(tmp_path / "spool")))
    hand(log, scored)
    log.stop()
    assert len(store.rows(NAME)) == 2
    assert [line["vanished"] for line in logged if line["message"] == "Answers could not be kept"] == [1]


def test_what_waits_is_brought_to_the_database_by_a_start_on_a_full_disk(tmp_path: Path, scored: Scored) -> None:
    with answer_store("postgres", tmp_path) as store:  # its disk is another
        first = answer_log(tmp_path, away(), AnswerLogMode.FULL)
        first.start()
        hand(first, scored, times=3)
        first.stop()
        command = [sys.executable, "-c", START_ON_A_FULL_DISK, store.url, store.project, str(tmp_path / "spool")]
        started = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        eventually(lambda: len(store.rows(NAME)) == 6)
        _, told = started.communicate("")
    assert told.count("The spool cannot be tended: No space left on device") in (1, 2)


def test_nothing_is_kept_and_nothing_made_where_nobody_asks_for_it(store: AnswerStore, tmp_path: Path) -> None:
    log = answer_log(tmp_path, store.options, AnswerLogMode.OFF)
    log.start()
    assert log.observer(NAME, "/fraud_detection") is None
    assert log.observer("another", "/another") is None
    log.stop()
    assert not (tmp_path / "spool").exists()


def test_an_answer_without_records_is_nothing_to_keep(
    store: AnswerStore, credit_scorer: Scorer, tmp_path: Path
) -> None:
    log = answer_log(tmp_path, store.options, AnswerLogMode.FULL)
    log.start()
    hand(log, scored_accounts(credit_scorer, 0))
    log.stop()
    assert log.counts.kept == 0


def test_wrong_settings_are_refused_by_name(tmp_path: Path, store: AnswerStore) -> None:
    options = AnswerLogOptions({"credit_acounts": AnswerLogMode.FULL}, tmp_path / "spool", PLENTY, store.options)
    with pytest.raises(UseCaseInvalid, match=r"FRAUD_KEEP names 'credit_acounts'.*credit_accounts"):
        AnswerLog(options, USE_CASES)
    with pytest.raises(StoreUnusable):
        answer_log(tmp_path, WriterOptions("nonsense", "kept", 5, "INFO", log_json=False), AnswerLogMode.FULL)
    sqlite = replace(CREDIT_ACCOUNTS, name="sqlite_accounts")
    with pytest.raises(UseCaseInvalid, match="no name for a table"):
        AnswerLog(replace(options, modes={"sqlite_accounts": AnswerLogMode.FULL}), {"sqlite_accounts": sqlite})
    for wrong in ("credit_accounts=all", "credit_accounts", "credit_accounts=FULL"):
        with pytest.raises(ValidationError, match=r"'off', 'scores', 'full' or 'full\+reasons'"):
            Settings.model_validate({"keep": wrong})
    log = Settings.model_validate({"keep": " credit_accounts = full , cards=off,"}).keep
    assert log == {"credit_accounts": AnswerLogMode.FULL, "cards": AnswerLogMode.OFF}


def running_process(log: AnswerLog) -> "subprocess.Popen[bytes]":
    """The writer process of this log, once it has one."""
    eventually(lambda: log._writer._process is not None)
    process = log._writer._process
    assert process
    return process
