"""fraud features: from three tables to a file with a row for every customer, whole or not at all; then to training."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused, UnknownUseCase
from fraud_detection_api.samples.purchases import purchases
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.storage.table_folder import write_tables
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.training.fit_options import TableOptions
from fraud_detection_api.training.tables.training_table import unlabelled_table
from fraud_detection_api.use_cases.known import all_use_cases
from fraud_detection_api.use_cases.purchases import PURCHASES
from tests.features.remembered_payments import payment, table_of
from tests.training.fitting import Listener

COMMAND = [sys.executable, "-m", "fraud_detection_api.cli.main", "features"]
KINDS = {each.name: each.kind for each in PURCHASES.fields}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of a thousand fills."""
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, purchases(1000, 1).tables)
    return folder


def test_it_writes_the_file_of_the_contract(folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "purchases", "--data", str(folder)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "group_data_by_users.csv: 10,000 rows, one for each of users\n"
    (file,) = tmp_path.iterdir()
    assert file.read_text().splitlines()[0] == "user_id,total_liters,total_amount_paid,is_premium"
    found, problems = read_table(Source(str(file)), KINDS)
    assert problems == []
    assert all(np.array_equal(found[name], values) for name, values in purchases(1000, 1).columns.items())


def test_it_writes_parquet_by_another_name(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "customers.parquet"
    result = CliRunner().invoke(app, ["features", "purchases", "--data", str(folder), "--output", str(file)])
    assert result.exit_code == 0, result.output
    assert len(read_table(Source(str(file)), KINDS)[0]["user_id"]) == 10_000


def test_what_is_refused_ends_it_with_exit_code_2_and_without_a_file(tmp_path: Path) -> None:
    tables = {name: dict(columns) for name, columns in purchases(100, 1).tables.items()}
    tables["transactions"]["liters"] = -tables["transactions"]["liters"].astype(np.float64)
    write_tables(tmp_path / "tables", tables)
    done = subprocess.run(
        [*COMMAND, "purchases", "--data", "tables"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("fraud: Table transactions: 100 rows cannot be used")
    assert "row 1, liters: Input should be greater than or equal to 0" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


@pytest.mark.parametrize("name", ["users.csv", "transactions.csv", "users.parquet", "link.csv"])
def test_a_file_that_the_rows_are_made_from_is_never_written_to(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "tables"
    write_tables(folder, purchases(100, 1).tables)
    (folder / "link.csv").symlink_to(folder / "users.csv")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    words = ["features", "purchases", "--data", str(folder), "--output", str(folder / ".." / "tables" / name)]
    refused = CliRunner().invoke(app, words).exception
    assert isinstance(refused, DataRefused)
    assert f"is one of the tables in {folder}: name another file to write" in refused.message
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_other_use_cases_are_refused(folder: Path) -> None:
    refused = CliRunner().invoke(app, ["features", "credit_accounts", "--data", str(folder)]).exception
    assert isinstance(refused, DataRefused)
    unknown = CliRunner().invoke(app, ["features", "horse_races", "--data", str(folder)]).exception
    assert isinstance(unknown, UnknownUseCase)


def test_training_reads_the_written_file_and_the_folder_of_tables_alike(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    CliRunner().invoke(app, ["features", "purchases", "--data", str(folder), "--output", str(file)])
    written, made = (
        unlabelled_table(PURCHASES, TableOptions(data=str(place)).source, Listener()).dataset
        for place in (file, folder)
    )
    assert len(written) == 10_000
    assert np.array_equal(written.columns.identifiers, made.columns.identifiers)
    assert np.array_equal(written.columns.numbers, made.columns.numbers)


@pytest.mark.parametrize(("name", "rows"), [("purchases", 10_000), ("platform_activity", 64_227)])
def test_without_data_training_takes_the_sample_and_claims_no_best_auc_where_there_are_no_labels(
    name: str, rows: int
) -> None:
    listener = Listener()
    table = unlabelled_table(all_use_cases()[name], TableOptions().source, listener)
    assert (len(table.dataset), table.source) == (rows, f"sample of {rows} rows, seed 1")
    assert f"a made-up sample of {rows:,} rows" in listener.warned[0]
    assert listener.said == []


OWN = ("--use-cases", "tests.features.remembered_payments:PAYMENTS")


def with_histories(data: Path, output: Path) -> str:
    """What the command says of a table of payments that are remembered."""
    result = CliRunner().invoke(app, ["features", "payments", "--data", str(data), "--output", str(output), *OWN])
    return result.exception.message if isinstance(result.exception, DataRefused) else result.output


def test_what_was_known_before_each_record_is_added_to_a_table(tmp_path: Path) -> None:
    payments = [payment(1, 0), payment(2, 10, amount=30), payment(3, 20)]
    write_table(tmp_path / "payments.csv", table_of(payments))
    said = with_histories(tmp_path / "payments.csv", tmp_path / "known.csv")
    assert said.endswith("known.csv: 3 rows, each with what was known before it\n")
    with (tmp_path / "known.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["card_count"] for row in rows] == ["0", "1", "2"]
    assert [row["card_mean_amount"] for row in rows] == ["", "10", "20"]
    assert [row["customer_is_new"] for row in rows] == ["1", "0", "0"]


def test_a_table_that_nothing_can_be_known_of_is_refused(tmp_path: Path) -> None:
    table = dict(table_of([payment(1, 0), payment(2, 10)]))
    write_table(tmp_path / "payments.csv", table)
    assert "is the table itself" in with_histories(tmp_path / "payments.csv", tmp_path / "payments.csv")
    write_table(tmp_path / "wrong.csv", table | {"amount": np.array([1.0, 1e9])})
    said = with_histories(tmp_path / "wrong.csv", tmp_path / "known.csv")
    assert "1 of 2 rows cannot be used" in said
    assert "--skip-bad-rows" not in said
    write_table(tmp_path / "unlabelled.csv", {name: values for name, values in table.items() if name != "is_fraud"})
    said = with_histories(tmp_path / "unlabelled.csv", tmp_path / "known.csv")
    assert "has no column is_fraud, and its histories count known frauds" in said
    assert not (tmp_path / "known.csv").exists()
