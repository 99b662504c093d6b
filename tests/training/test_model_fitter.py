"""The model fitter as its user runs it: flags, exit codes, progress, and the same bundle for the same data and seed."""

import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped]  # it ships no types
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused, UnknownUseCase
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.model.bundle import REPORT, REPORT_DATA, read_bundle
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.samples.credit_accounts import credit_accounts
from fraud_detection_api.training.fitting import fit
from fraud_detection_api.training.tables.training_table import without_password
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.training.fitting import QUICK, Listener, accounts_file, fitted, run_fitter, table_file

NAME = CREDIT_ACCOUNTS.name
SAMPLE = SAMPLES[NAME](4000, 1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return accounts_file(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def first(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that one run of the fitter has filled."""
    models = tmp_path_factory.mktemp("models")
    fitted(data, models)
    return models


def champion(models: Path) -> Manifest:
    return Registry(models).bundle(NAME, "champion").manifest


def test_the_contracts_command_trains_on_the_sample_and_says_so_loudly(tmp_path: Path) -> None:
    quick = ("--threads", "1", "--rounds", "20")
    done = run_fitter("--start_date", "20240101", "--end_date", "20251231", *quick, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "NO --data WAS GIVEN" in done.stderr
    assert "log loss" in done.stderr
    assert "is champion now" in done.stdout
    manifest = champion(tmp_path / "models")
    assert manifest.data is not None
    assert manifest.data.rows == SAMPLES[NAME].rows
    assert manifest.data.source == "sample of 50000 rows, seed 1"


def test_a_model_of_the_sample_comes_near_the_best_possible_auc(tmp_path: Path) -> None:
    found = fit(CREDIT_ACCOUNTS, replace(QUICK, models=tmp_path), Listener()).manifest.metrics["roc_auc"]
    best = credit_accounts(SAMPLES[NAME].rows, 1).best_possible_auc
    assert found.value == pytest.approx(best, abs=0.01)
    assert (found.low or 1) < best < (found.high or 0)


def test_flags_choose_the_name_the_folder_and_the_days(data: Path, tmp_path: Path) -> None:
    chosen = (
        "--threads",
        "1",
        "--model_name",
        NAME,
        "--model_path_to_save",
        "elsewhere",
        "--data",
        str(data),
        "--rounds",
        "20",
    )
    done = run_fitter("--start_date", "20240301", "--end_date", "20250831", *chosen, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = champion(tmp_path / "elsewhere").data
    assert summary is not None
    days = SAMPLE.columns["snapshot_date"]
    assert summary.rows == int(((days >= np.datetime64("2024-03-01")) & (days <= np.datetime64("2025-08-31"))).sum())
    assert "2024-03-01" <= (summary.first_day or "") <= (summary.last_day or "") <= "2025-08-31"


def test_refused_data_end_with_2_and_one_sentence(data: Path, tmp_path: Path) -> None:
    done = run_fitter("--start_date", "19990101", "--end_date", "19991231", "--data", str(data), folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("model_fitter: No row lies within 1999-01-01 to 1999-12-31:")
    assert not (tmp_path / "models").exists()


def test_a_failed_gate_ends_with_3_and_the_champion_stays(data: Path, tmp_path: Path) -> None:
    good = fitted(data, tmp_path)
    arguments = ["train", NAME, "--data", str(data), "--models", str(tmp_path), "--rounds", "1", "--depth", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 3
    assert "the gate failed: it does not lead" in result.output
    assert "FAILED  not worse than the champion" in result.output
    registry = Registry(tmp_path)
    assert registry.aliases(NAME).champion == good.version
    assert len(registry.versions(NAME)) == 2
    assert CliRunner().invoke(app, [*arguments, "--force", "a drill"]).exit_code == 0
    assert champion(tmp_path).gate.forced_because == "a drill"


def test_fraud_train_refuses_a_use_case_that_nobody_declared(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", "horse_races", "--models", str(tmp_path)])
    assert isinstance(result.exception, UnknownUseCase)


def test_dates_that_are_none_are_refused_by_the_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", NAME, "--start-date", "20241301", "--models", str(tmp_path)])
    assert result.exit_code == 2


def test_a_reversed_range_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    options = replace(QUICK, start_date=datetime(2025, 1, 1), end_date=datetime(2024, 1, 1))  # noqa: DTZ001 - a day
    with pytest.raises(DataRefused, match="swap the two"):
        fit(CREDIT_ACCOUNTS, replace(options, data="nowhere.csv", models=tmp_path), Listener())


def test_a_use_case_without_a_sample_needs_data(tmp_path: Path) -> None:
    other = replace(CREDIT_ACCOUNTS, name="other_accounts")
    with pytest.raises(DataRefused, match="other_accounts has no sample table: name your own with --data"):
        fit(other, replace(QUICK, models=tmp_path), Listener())


def test_a_query_without_a_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="needs --data with the URL of its database"):
        fit(CREDIT_ACCOUNTS, replace(QUICK, query="SELECT 1", models=tmp_path), Listener())


@pytest.mark.parametrize("suffix", ["csv", "database", "folder"])
def test_the_same_rows_give_the_same_model_wherever_they_lie(suffix: str, first: Path, tmp_path: Path) -> None:
    options = QUICK
    if suffix == "csv":
        location = str(table_file(tmp_path, SAMPLE.columns))
    elif suffix == "folder":
        (tmp_path / "parts").mkdir()
        for start in (0, 2500):
            part = {name: values[start : start + 2500] for name, values in SAMPLE.columns.items()}
            table_file(tmp_path / "parts", part)
        location = str(tmp_path / "parts")
    else:
        location = f"sqlite:///{tmp_path / 'accounts.db'}"
        options = replace(QUICK, query="SELECT * FROM accounts ORDER BY position")
        fill(location)
    fit(CREDIT_ACCOUNTS, replace(options, data=location, models=tmp_path / "models"), Listener())
    found = champion(tmp_path / "models")
    assert found.files["model.json"] == champion(first).files["model.json"]
    assert found.data is not None
    assert found.data.fingerprint == getattr(champion(first).data, "fingerprint", None)


def fill(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    columns = {name: values.tolist() for name, values in SAMPLE.columns.items()}
    columns["snapshot_date"] = [str(day) for day in SAMPLE.columns["snapshot_date"]]
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(f"CREATE TABLE accounts (position INTEGER PRIMARY KEY, {', '.join(columns)})")
        )
        names = ", ".join(f":{name}" for name in columns)
        connection.execute(
            sqlalchemy.text(f"INSERT INTO accounts ({', '.join(columns)}) VALUES ({names})"),  # noqa: S608 - our names
            rows,
        )
    engine.dispose()


def test_a_password_is_not_kept_in_the_manifest() -> None:
    assert without_password("postgresql://risk:s3:c@ret@db:5432/x") == "postgresql://risk:***@db:5432/x"
    assert without_password("sqlite:////data/accounts.db") == "sqlite:////data/accounts.db"
    assert without_password("/data/a:b@c.csv") == "/data/a:b@c.csv"


def test_the_same_data_and_seed_give_the_same_bundle_but_for_the_creation_time(data: Path, tmp_path: Path) -> None:
    every_core = replace(QUICK, threads=0)
    bundles = []
    for folder in ("one", "two"):
        version = fitted(data, tmp_path / folder, every_core).version
        bundles.append(read_bundle(tmp_path / folder / NAME / "versions" / version))
    one, two = bundles
    assert one.model == two.model
    assert one.reference.matrix.tobytes() == two.reference.matrix.tobytes()
    but_for_the_time = [
        each.manifest.model_copy(
            update={
                "created_at": two.manifest.created_at,
                "trained_at": two.manifest.trained_at,
                "files": {name: sha for name, sha in each.manifest.files.items() if name not in (REPORT, REPORT_DATA)},
            }
        )
        for each in bundles  # a report tells the creation time, too
    ]
    assert but_for_the_time[0] == but_for_the_time[1]


def test_another_seed_gives_another_bundle(data: Path, first: Path, tmp_path: Path) -> None:
    fitted(data, tmp_path, replace(QUICK, seed=5))
    assert champion(tmp_path).files["reference.npy"] != champion(first).files["reference.npy"]


def test_the_manifest_says_what_was_trained_on_what_and_how(first: Path) -> None:
    manifest = champion(first)
    assert [feature.name for feature in manifest.features] == list(CREDIT_ACCOUNTS.feature_names)
    assert set(manifest.metrics) >= {"average_precision", "recall_at_1_percent_fpr", "brier", "calibration_error"}
    assert manifest.data is not None
    assert (manifest.data.rows, manifest.data.frauds) == (4000, int(SAMPLE.columns["fraud_flag"].sum()))
    assert "30 days left out for late labels" in manifest.data.split
    assert manifest.parameters["max_depth"] == 4
    assert manifest.threshold_rule == "f1"
    assert set(manifest.libraries) == {"fraud_detection_api", "numpy", "python", "xgboost"}
    assert 0 < manifest.threshold < 1


def test_the_metrics_in_the_manifest_are_those_of_the_served_scores_on_the_later_rows(first: Path) -> None:
    manifest = champion(first)
    scorer = load_scorer(Registry(first).bundle(NAME, "champion"), CREDIT_ACCOUNTS)
    columns, _ = columns_of_table(SAMPLE.columns, CREDIT_ACCOUNTS)
    validation_rows = manifest.data.validation_rows if manifest.data else 0
    later = columns.take(np.arange(4000 - validation_rows, 4000))
    labels = SAMPLE.columns["fraud_flag"][-validation_rows:]
    scores = scorer.scores(later).values
    assert manifest.metrics["roc_auc"].value == pytest.approx(roc_auc_score(labels, scores))
    assert manifest.metrics["average_precision"].value == pytest.approx(average_precision_score(labels, scores))


def test_boosting_stops_where_the_stopping_rows_see_no_gain(data: Path, tmp_path: Path) -> None:
    listener = Listener()
    options = replace(QUICK, data=str(data), models=tmp_path, rounds=300, patience=5, learning_rate=0.3)
    manifest = fit(CREDIT_ACCOUNTS, options, listener).manifest
    assert manifest.parameters["rounds"] == len(listener.rounds) - 5 < 295


def test_patience_0_boosts_every_round(data: Path, tmp_path: Path) -> None:
    manifest = fitted(data, tmp_path, replace(QUICK, rounds=60, patience=0, learning_rate=0.9)).manifest
    assert manifest.parameters["rounds"] == 60


def test_skipped_rows_are_counted_in_the_manifest(tmp_path: Path) -> None:
    balance = SAMPLE.columns["total_balance"].astype(np.float64)
    balance[:7] = np.nan
    data = accounts_file(tmp_path, total_balance=balance)
    with pytest.raises(DataRefused, match=r"7 of 4,000 rows cannot be used"):
        fitted(data, tmp_path / "models")
    assert (
        fitted(data, tmp_path / "models", replace(QUICK, skip_bad_rows=True)).manifest.parameters["skipped_rows"] == 7
    )


def test_a_terminal_gets_a_progress_bar(data: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = ["--rounds", "30", "--threads", "1", "--data", str(data)]
    command = [sys.executable, "-m", "fraud_detection_api.training.model_fitter", *words]
    with subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL, cwd=tmp_path) as fitter:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65_536):
                shown += chunk
        except OSError:  # the other end of a terminal that is closed
            pass
        os.close(ours)
        assert fitter.wait() == 0
    assert b"Boosting" in shown
    assert b"30/30" in shown
