"""Bulk scoring: the online scores for whole files, all or nothing, with bad rows named or put aside."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.rows import RowsDoor
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import Scorer, load_scorer
from fraud_detection_api.schemas.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import full_answer
from fraud_detection_api.services.bulk_scoring import BulkFiles, BulkSummary, score_file
from fraud_detection_api.storage.files import write_table
from tests.declared_use_cases import DECLARED_HERE, EVERY_USE_CASE, LOAN_APPLICATIONS
from tests.examples import Row, good_rows, records_of
from tests.small_models import SmallModel, promoted
from tests.storage.loan_tables import csv_of, write_parquet

HEADER = "customer_id,number_of_open_accounts,total_credit_limit,total_balance,number_of_accounts_in_arrears\n"
PEAK_OF_COMMAND = """
import atexit, re
from pathlib import Path
from fraud_detection_api.cli.main import run
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
run()
"""
FORMATS = [".csv", ".parquet"]


@dataclass(frozen=True)
class Shop:
    """A registry with a champion for every use case."""

    models: Path
    scorers: dict[str, Scorer]


@pytest.fixture(scope="module")
def bulk_shop(small_models: dict[str, SmallModel], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A registry with a champion for every use case; no service."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    bundles = {name: registry.bundle(name, promoted(registry, model)) for name, model in small_models.items()}
    return Shop(registry.root, {each.name: load_scorer(bundles[each.name], each) for each in EVERY_USE_CASE})


@pytest.fixture
def credit_scorer(bulk_shop: Shop) -> Scorer:
    """The scorer of the credit accounts."""
    return bulk_shop.scorers[CREDIT_ACCOUNTS.name]


def write_rows(path: Path, rows: Sequence[Row], use_case: UseCase) -> None:
    if path.suffix == ".parquet":
        write_parquet(path, rows, use_case)
    else:
        path.write_bytes(csv_of(rows, [field.name for field in use_case.fields], "\r\n"))


def scored(files: BulkFiles, scorer: Scorer, use_case: UseCase = CREDIT_ACCOUNTS, batch_rows: int = 7) -> BulkSummary:
    return score_file(files, scorer, use_case, batch_rows, lambda *_: None)


def table_of(path: Path) -> pa.Table:
    """A file as another program reads it."""
    return parquet.read_table(path) if path.suffix == ".parquet" else arrow_csv.read_csv(path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(files: BulkFiles, scorer: Scorer) -> str:
    """The sentence that a file is refused with; nothing is written then."""
    before = names(files.records.parent)
    with pytest.raises(DataRefused) as refused:
        scored(files, scorer)
    assert names(files.records.parent) == before
    return refused.value.message


def some_accounts(path: Path, rows: int) -> None:
    """A table of accounts that can all be scored."""
    numbers = np.arange(rows)
    columns: dict[str, RawColumn] = {
        "customer_id": numbers,
        "number_of_open_accounts": numbers % 20 + 6,
        "total_credit_limit": numbers * 0.37 % 16_000,
        "total_balance": numbers * 1.13 % 14_000,
        "number_of_accounts_in_arrears": numbers % 7,
    }
    write_table(path, columns)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "fraud_detection_api.cli.main", "score", *words]


class TestScores:
    @pytest.mark.parametrize("output", FORMATS)
    @pytest.mark.parametrize("records", FORMATS)
    @pytest.mark.parametrize("use_case", EVERY_USE_CASE, ids=lambda use_case: use_case.name)
    def test_a_file_gets_the_scores_that_requests_get(
        self, bulk_shop: Shop, tmp_path: Path, use_case: UseCase, records: str, output: str
    ) -> None:
        rows, scorer = good_rows(use_case, 50), bulk_shop.scorers[use_case.name]
        files = BulkFiles(tmp_path / f"records{records}", tmp_path / f"scores{output}")
        write_rows(files.records, rows, use_case)
        assert scored(files, scorer, use_case) == BulkSummary(50, 0, ())
        columns = RowsDoor(use_case).columns(records_of(rows, use_case))
        online = orjson.loads(full_answer(use_case.identifier, columns, scorer))
        found = table_of(files.scores)
        assert found.column_names == [use_case.identifier, "fraud_probability", "decision", "model_version"]
        probabilities = np.array(found["fraud_probability"].to_pylist(), dtype=np.float32)
        assert probabilities.tobytes() == scorer.probabilities(columns).tobytes()
        for name in (use_case.identifier, "decision", "model_version"):
            assert found[name].to_pylist() == [answer[name] for answer in online]

    def test_a_csv_holds_the_very_digits_of_the_online_answer(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        rows = good_rows(CREDIT_ACCOUNTS, 200)
        files = BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv")
        write_rows(files.records, rows, CREDIT_ACCOUNTS)
        scored(files, credit_scorer)
        columns = RowsDoor(CREDIT_ACCOUNTS).columns(records_of(rows, CREDIT_ACCOUNTS))
        online = orjson.loads(full_answer("customer_id", columns, credit_scorer))
        lines = files.scores.read_text().splitlines()[1:]
        assert [float(line.split(",")[1]) for line in lines] == [answer["fraud_probability"] for answer in online]

    @pytest.mark.parametrize("batch_rows", [1, 10, 100_000])
    def test_batches_of_any_size_give_the_same_file(
        self, credit_scorer: Scorer, tmp_path: Path, batch_rows: int
    ) -> None:
        some_accounts(tmp_path / "records.csv", 500)
        for size, name in ((64, "one.csv"), (batch_rows, "other.csv")):
            scored(BulkFiles(tmp_path / "records.csv", tmp_path / name), credit_scorer, batch_rows=size)
        assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_progress_grows_to_the_end(self, credit_scorer: Scorer, tmp_path: Path, suffix: str) -> None:
        heard: list[tuple[int, int]] = []

        def hears(done: int, size: int) -> None:
            heard.append((done, size))

        some_accounts(tmp_path / f"records{suffix}", 5_000)
        files = BulkFiles(tmp_path / f"records{suffix}", tmp_path / "scores.csv")
        score_file(files, credit_scorer, CREDIT_ACCOUNTS, 100, hears)
        assert heard == sorted(heard)
        assert len(heard) > 1
        assert heard[-1][0] == heard[-1][1]

    def test_a_file_without_rows_gives_a_file_without_scores(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(HEADER)
        assert scored(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.parquet"), credit_scorer).scored == 0
        assert table_of(tmp_path / "scores.parquet").num_rows == 0

    def test_an_optional_column_may_be_absent_and_is_named(self, bulk_shop: Shop, tmp_path: Path) -> None:
        rows = [row | {"income": None} for row in good_rows(LOAN_APPLICATIONS, 20)]
        scorer = bulk_shop.scorers[LOAN_APPLICATIONS.name]
        kept = [field.name for field in LOAN_APPLICATIONS.fields if field.name != "income"]
        (tmp_path / "without.csv").write_bytes(csv_of(rows, kept))
        (tmp_path / "with.csv").write_bytes(csv_of(rows, [*kept, "income"]))
        for name, absent in (("without", ("income",)), ("with", ())):
            files = BulkFiles(tmp_path / f"{name}.csv", tmp_path / f"{name}-scores.csv")
            assert scored(files, scorer, LOAN_APPLICATIONS).absent == absent
        assert (tmp_path / "without-scores.csv").read_bytes() == (tmp_path / "with-scores.csv").read_bytes()


BAD_CSV = (
    HEADER
    + "1,23,12345,200000,2\n"
    + "\n"
    + '2,"23 apples",1,1,1\n'
    + '9007199254740993,23,"12345\n",1,2\n'
    + "4,1,1,1\n"
    + ",23,1e13,1,24\n"
    + "6,23,1,1,2\n"
)
BAD_LINES = [
    (4, "number_of_open_accounts", "Input should be a valid integer", "23 apples"),
    (7, "", "5 values expected, got 4", "4,1,1,1"),
    (8, "customer_id", "A value is required", None),
    (8, "total_credit_limit", "Input should be less than or equal to 1e+12", "1e13"),
    (8, "number_of_accounts_in_arrears", "More accounts in arrears than open accounts", "24"),
]


class TestBadRows:
    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    @pytest.mark.parametrize("rejects", ["rejects.csv", "rejects.parquet"])
    def test_they_are_put_aside_with_their_lines_and_the_others_are_scored(
        self, credit_scorer: Scorer, tmp_path: Path, rejects: str, line_end: str
    ) -> None:
        files = BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv", tmp_path / rejects)
        files.records.write_bytes(BAD_CSV.replace("\n", line_end).encode())
        assert scored(files, credit_scorer, batch_rows=100) == BulkSummary(3, 3, ())
        found = [tuple(row.values()) for row in table_of(tmp_path / rejects).to_pylist()]
        spelled = {
            (each[0], each[1] or ""): (each[2], None if each[3] in ("", None) else str(each[3])) for each in found
        }
        assert spelled == {(line, field): (words, value) for line, field, words, value in BAD_LINES}
        assert table_of(files.scores)["customer_id"].to_pylist() == [1, 9007199254740993, 6]

    def test_parquet_rows_are_counted_from_one(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        rows: list[Row] = [*good_rows(CREDIT_ACCOUNTS, 30)]
        rows[20] = rows[20] | {"total_balance": None}
        rows[29] = rows[29] | {"number_of_open_accounts": 1.5}
        files = BulkFiles(tmp_path / "records.parquet", tmp_path / "scores.csv", tmp_path / "rejects.csv")
        write_rows(files.records, rows, CREDIT_ACCOUNTS)
        assert scored(files, credit_scorer).rejected == 2
        found = table_of(tmp_path / "rejects.csv").to_pylist()
        assert [(each["line"], each["field"], each["value"]) for each in found] == [
            (21, "total_balance", None),
            (30, "number_of_open_accounts", 1.5),
        ]

    def test_without_a_place_for_them_they_end_it_with_their_lines(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(BAD_CSV)
        message = refusal(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv"), credit_scorer)
        first, *lines = message.splitlines()
        assert first.endswith("5 problem(s); mend them, or put such rows aside with --rejects FILE:")
        assert lines == [f"  line {line}{field and ', ' + field}: {words}" for line, field, words, _ in BAD_LINES]

    def test_no_more_than_the_first_twenty_are_named(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(HEADER + "1,many,1,1,1\n" * 10_000)
        message = refusal(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv"), credit_scorer)
        assert "the first 20 problem(s)" in message
        assert len(message.splitlines()) == 21
        assert message.splitlines()[-1].startswith("  line 21, number_of_open_accounts: ")

    def test_without_bad_rows_the_rejects_are_an_empty_file(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        some_accounts(tmp_path / "records.csv", 10)
        scored(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv", tmp_path / "rejects.csv"), credit_scorer)
        assert (tmp_path / "rejects.csv").read_text() == "line,field,problem,value\n"

    def test_a_file_of_nothing_but_bad_rows_gives_an_empty_file_of_scores(
        self, credit_scorer: Scorer, tmp_path: Path
    ) -> None:
        (tmp_path / "records.csv").write_text(HEADER + ",1,1,1,1\n" * 30)
        files = BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv", tmp_path / "rejects.csv")
        assert scored(files, credit_scorer) == BulkSummary(0, 30, ())


class TestRefusals:
    def test_a_missing_column_is_refused_with_those_that_there_are(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text("customer_id,balance\n1,2\n")
        message = refusal(BulkFiles(tmp_path / "records.csv", tmp_path / "scores.csv"), credit_scorer)
        assert "has no column number_of_open_accounts, total_credit_limit" in message
        assert message.endswith("it has: customer_id, balance.")

    def test_a_file_that_is_not_there_is_refused(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        for suffix in FORMATS:
            files = BulkFiles(tmp_path / f"none{suffix}", tmp_path / "scores.csv")
            assert f"There is no file {files.records}" in refusal(files, credit_scorer)

    def test_one_file_for_two_purposes_is_refused(self, credit_scorer: Scorer, tmp_path: Path) -> None:
        some_accounts(tmp_path / "a.csv", 10)
        for files in (
            BulkFiles(tmp_path / "a.csv", tmp_path / "a.csv"),
            BulkFiles(tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "." / "b.csv"),
        ):
            assert "different files" in refusal(files, credit_scorer)

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_a_file_that_changes_while_it_is_read_is_refused(
        self, credit_scorer: Scorer, tmp_path: Path, suffix: str
    ) -> None:
        files = BulkFiles(tmp_path / f"records{suffix}", tmp_path / "scores.csv")
        some_accounts(files.records, 20_000)

        def append(*_: int) -> None:
            with files.records.open("ab") as file:
                file.write(b"1,23,12345,200000,2\n")

        with pytest.raises(DataRefused, match="was changed while it was read"):
            score_file(files, credit_scorer, CREDIT_ACCOUNTS, 1_000, append)
        assert names(tmp_path) == [f"records{suffix}"]


class TestCommand:
    def test_it_scores_a_file_and_says_so(self, bulk_shop: Shop, tmp_path: Path) -> None:
        rows = good_rows(LOAN_APPLICATIONS, 20)
        write_rows(tmp_path / "records.csv", [*rows, rows[0] | {"months": -1}], LOAN_APPLICATIONS)
        environment = os.environ | {"FRAUD_USE_CASES": DECLARED_HERE, "FRAUD_MODELS": str(bulk_shop.models)}
        words = command(LOAN_APPLICATIONS.name, "--input", str(tmp_path / "records.csv"), "--output", "scores.parquet")
        done = subprocess.run(
            [*words, "--rejects", "rejects.csv"],
            env=environment | {"PYTHONPATH": str(Path.cwd())},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Scored 20 records with 1-")
        assert "1 rows could not be scored" in done.stdout
        assert names(tmp_path) == ["records.csv", "rejects.csv", "scores.parquet"]

    def test_bad_rows_end_it_with_exit_code_2(self, bulk_shop: Shop, tmp_path: Path) -> None:
        (tmp_path / "records.csv").write_text(BAD_CSV)
        words = command("credit_accounts", "--input", "records.csv", "--output", "scores.csv", "--models")
        done = subprocess.run(
            [*words, str(bulk_shop.models)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "line 4, number_of_open_accounts: Input should be a valid integer" in done.stderr
        assert "Traceback" not in done.stderr
        assert names(tmp_path) == ["records.csv"]

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
    def test_killed_in_the_middle_it_leaves_no_scores(
        self, bulk_shop: Shop, tmp_path: Path, number: int, code: int
    ) -> None:
        some_accounts(tmp_path / "records.csv", 200_000)
        words = ["credit_accounts", "--input", "records.csv", "--output", "scores.csv", "--batch-rows", "5"]
        with subprocess.Popen(command(*words, "--models", str(bulk_shop.models)), cwd=tmp_path) as process:
            while process.poll() is None and not any(
                path.stat().st_size > 10_000 for path in tmp_path.glob(".scores*")
            ):
                pass
            process.send_signal(number)
        assert process.returncode == code
        left = [name for name in names(tmp_path) if name != "records.csv"]
        assert left == [] if number == signal.SIGTERM else left[0].endswith(".part")

    def test_memory_does_not_grow_with_the_file(self, bulk_shop: Shop, tmp_path: Path) -> None:
        peaks = []
        for rows in (50_000, 800_000):
            some_accounts(tmp_path / "records.csv", rows)
            words = ["credit_accounts", "--input", "records.csv", "--output", "scores.csv", "--batch-rows", "5000"]
            measured = [sys.executable, "-c", PEAK_OF_COMMAND, "score", *words, "--models", str(bulk_shop.models)]
            said = subprocess.run(measured, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
            peaks.append(int(said.splitlines()[-1]) * 1024)
        assert peaks[1] < peaks[0] + 20_000_000  # the larger file alone has 20 MB more, its columns 30 MB
