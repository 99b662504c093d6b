"""The sample of credit accounts: the contract's shapes, a known best score, and the same table for the same seed."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # it ships no types
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import UnknownUseCase
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.samples import DEFAULT_SEED, SAMPLES
from fraud_detection_api.samples.credit_accounts import credit_accounts
from fraud_detection_api.samples.sample_table import LabelledSample
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.training.tables.checked import wanted_kinds
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS


@pytest.fixture(scope="module")
def table() -> LabelledSample:
    return credit_accounts(SAMPLES["credit_accounts"].rows, DEFAULT_SEED)


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("number_of_open_accounts", 2, 19),
        ("total_credit_limit", 500, 16_500),
        ("total_balance", 585, 14_747),
        ("number_of_accounts_in_arrears", 1, 6),
    ],
)
def test_columns_have_the_ranges_of_the_known_table(
    table: LabelledSample, column: str, low: float, high: float
) -> None:
    values = table.columns[column].astype(np.float64)
    assert low <= values.min() < low + (high - low) * 0.02
    assert high - (high - low) * 0.02 < values.max() <= high


def test_days_cover_24_months_and_about_12_percent_are_frauds(table: LabelledSample) -> None:
    days = table.columns["snapshot_date"]
    assert (str(days.min()), str(days.max())) == ("2024-01-01", "2025-12-31")
    assert 0.115 < table.columns["fraud_flag"].astype(np.float64).mean() < 0.13


def test_every_record_passes_the_check(table: LabelledSample) -> None:
    columns, problems = columns_of_table(table.columns, CREDIT_ACCOUNTS)
    assert (problems, RecordCheck(CREDIT_ACCOUNTS).problems(columns)) == ([], [])


def test_risk_grows_with_arrears_and_utilisation_and_falls_with_open_accounts(table: LabelledSample) -> None:
    columns = {name: values.astype(np.float64) for name, values in table.columns.items() if name != "snapshot_date"}
    utilisation = columns["total_balance"] / columns["total_credit_limit"]
    for values, sign in (
        (columns["number_of_accounts_in_arrears"], 1),
        (utilisation, 1),
        (columns["number_of_open_accounts"], -1),
    ):
        low, high = np.quantile(values, [0.25, 0.75])
        frauds = columns["fraud_flag"]
        assert sign * (frauds[values >= high].mean() - frauds[values <= low].mean()) > 0.05


def test_the_best_possible_auc_is_that_of_the_true_probabilities_and_stated(table: LabelledSample) -> None:
    found = roc_auc_score(table.columns["fraud_flag"], table.probabilities)
    assert table.best_possible_auc == pytest.approx(found, abs=0.01)
    assert table.best_possible_auc == pytest.approx(0.845, abs=0.001)


def test_the_best_possible_auc_of_a_few_rows_is_what_counting_pairs_gives() -> None:
    probabilities = np.array([0.9, 0.5, 0.5, 0.1])
    pairs = [(fraud, honest) for fraud in probabilities for honest in probabilities]
    weight = [fraud * (1 - honest) for fraud, honest in pairs]
    won = [(fraud > honest) + (fraud == honest) / 2 for fraud, honest in pairs]
    assert LabelledSample({}, probabilities).best_possible_auc == pytest.approx(np.average(won, weights=weight))


def test_the_default_table_is_the_one_that_bundles_and_notebooks_were_made_from(table: LabelledSample) -> None:
    sha = hashlib.sha256()
    for name in ("customer_id", "number_of_open_accounts", "number_of_accounts_in_arrears", "fraud_flag"):
        sha.update(np.ascontiguousarray(table.columns[name].astype("<i8")).data)
    assert (len(table), sha.hexdigest()) == (50_000, "e137f312e7c7958472ff7a88bf18f59a6c024e4bfd558a4d1ba2b612d5651ccc")


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    first, again, other = (credit_accounts(1000, seed).columns for seed in (7, 7, 8))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["total_balance"], other["total_balance"])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_command_writes_a_file_that_training_can_read(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"accounts{suffix}"
    arguments = ["sample", "credit_accounts", "--rows", "500", "--seed", "3", "--output", str(file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    expected = credit_accounts(500, 3)
    assert f"{expected.best_possible_auc:.4f}" in result.output
    found, problems = read_table(Source(str(file)), wanted_kinds(CREDIT_ACCOUNTS))
    assert problems == []
    assert set(found) == set(expected.columns)
    assert all(np.array_equal(found[name], values) for name, values in expected.columns.items())


def test_the_command_refuses_a_use_case_without_a_sample(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["sample", "horse_races", "--output", str(tmp_path / "races.csv")])
    assert isinstance(result.exception, UnknownUseCase)
    assert list(tmp_path.iterdir()) == []
