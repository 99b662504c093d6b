"""The sample of purchases: three tables of the known shapes, and what they come to for every customer."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.samples.purchases import purchases
from fraud_detection_api.samples.sample_table import GroupedSample
from fraud_detection_api.storage.table_folder import grouped_records
from fraud_detection_api.use_cases.purchases import PURCHASES

FILES = ["gas_stations.csv", "transactions.csv", "users.csv"]


@pytest.fixture(scope="module")
def sample() -> GroupedSample:
    return purchases(100_000, 1)


def test_the_tables_have_the_known_columns_and_sizes(sample: GroupedSample) -> None:
    assert {name: list(columns) for name, columns in sample.tables.items()} == {
        "users": ["user_id", "is_premium"],
        "gas_stations": ["gas_station_id", "gasoline_price_per_litre"],
        "transactions": ["transaction_id", "user_id", "gas_station_id", "liters"],
    }
    assert sample.sizes == {"users": 10_000, "gas_stations": 50, "transactions": 100_000}


def test_premium_prices_and_litres_are_as_in_the_known_tables(sample: GroupedSample) -> None:
    assert sample.tables["users"]["is_premium"].astype(np.float64).mean() == 0.05
    prices = np.sort(sample.tables["gas_stations"]["gasoline_price_per_litre"].astype(np.float64))
    assert prices[:-1].mean() == pytest.approx(5.2, abs=0.6)
    assert prices[:-1].std() == pytest.approx(1.3, abs=0.4)
    assert prices[0] > 0
    assert prices[-1] > prices[-2] + 5  # one of 50 is 2 %
    liters = sample.tables["transactions"]["liters"].astype(np.float64)
    is_large = liters > 400
    assert is_large.mean() == 0.02
    assert liters[is_large].mean() == pytest.approx(70 + 650, abs=10)
    assert liters[~is_large].mean() == pytest.approx(70, abs=0.5)
    assert liters[~is_large].std() == pytest.approx(20, abs=0.5)
    assert liters.min() > 0


def test_fills_are_by_anybody_anywhere(sample: GroupedSample) -> None:
    fills = sample.tables["transactions"]
    assert 8 < np.bincount(fills["user_id"].astype(np.int64))[1:].mean() < 12
    assert np.bincount(fills["gas_station_id"].astype(np.int64))[1:].min() > 1_500


def test_training_sees_every_customer_once(sample: GroupedSample) -> None:
    assert list(sample.columns) == list(PURCHASES.record.model_fields)
    assert sample.columns["user_id"].tolist() == list(range(1, 10_001))


def test_the_command_writes_tables_that_come_to_the_sample(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "tables"
    arguments = ["sample", "purchases", "--rows", "700", "--seed", "3", "--output", str(folder)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "transactions (700 rows)" in result.output
    assert sorted(file.name for file in folder.iterdir()) == FILES
    found, expected = grouped_records(folder, PURCHASES), purchases(700, 3).columns
    assert all(np.array_equal(found[name], values) for name, values in expected.items())


def test_a_file_name_is_no_folder_to_write_tables_into(tmp_path: Path) -> None:
    for output in (tmp_path / "purchases.csv", tmp_path / "taken"):
        (tmp_path / "taken").touch()
        result = CliRunner().invoke(app, ["sample", "purchases", "--rows", "10", "--output", str(output)])
        assert isinstance(result.exception, DataRefused)
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


def test_a_new_sample_replaces_tables_of_either_format_and_leaves_other_files_alone(tmp_path: Path) -> None:
    for name in ("users.parquet", "transactions.csv", "notes.txt"):
        (tmp_path / name).write_text("old")
    CliRunner().invoke(app, ["sample", "purchases", "--rows", "10", "--output", str(tmp_path)])
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*FILES, "notes.txt"])
    paid = grouped_records(tmp_path, PURCHASES)["total_amount_paid"]
    assert np.array_equal(paid, purchases(10, 1).columns["total_amount_paid"])


def test_killed_in_the_middle_it_leaves_no_half_table_and_no_mixture(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    command = [sys.executable, "-m", "fraud_detection_api.cli.main", "sample", "purchases", "--output", str(folder)]
    subprocess.run([*command, "--rows", "50"], check=True, capture_output=True)
    with subprocess.Popen([*command, "--rows", "500000", "--seed", "2"], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not any(
            part.stat().st_size > 1_000_000 for part in folder.glob(".transactions*.part")
        ):
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert sorted(file.name for file in folder.iterdir() if not file.name.startswith(".")) == [FILES[0], FILES[2]]
    with pytest.raises(DataRefused, match="needs one table transactions"):
        grouped_records(folder, PURCHASES)
