"""How the detectors learn: parameters that mean what they say, scalers that see no other rows, fair yardsticks."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]  # it ships no types
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.features.grouped import grouped
from fraud_detection_api.features.tables import RawColumn, columns_of_table
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.samples.purchases import purchases
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.training.boosting import Boosting, FitSettings
from fraud_detection_api.training.compared import MEASURED
from fraud_detection_api.training.comparing.candidates import fitted_as
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.tables.dataset import Period, dataset_of
from fraud_detection_api.training.tables.folds import folds_before_validation
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from fraud_detection_api.use_cases.purchases import PURCHASES
from tests.training.fitting import QUICK, fitted

SETTINGS = FitSettings(Boosting(rounds=20), threads=1)
CONTRACT = {"n_estimators": 100, "contamination": 0.001, "random_state": 16}


def cards(rows: int, frauds: int) -> dict[str, RawColumn]:
    """Card transactions, so many of them frauds at random: nothing in them tells which."""
    drawn = np.random.default_rng(5).permutation(rows) < frauds
    return {**SAMPLES["card_transactions"](rows, 1).columns, "Class": drawn.astype(np.int64)}


@pytest.fixture(scope="module")
def fold() -> FoldTable:
    """The first of two folds: its training rows are the earliest of all."""
    dataset = dataset_of(cards(3000, 150), [], CARD_TRANSACTIONS, Period(), skip_bad_rows=False)
    parts = split(dataset, None, 0)
    return FoldTable.of(CARD_TRANSACTIONS, dataset, folds_before_validation(dataset, parts, 2, None, 0)[0])


@pytest.mark.parametrize("kind", ["logistic", "svm"])  # trees see the matrix as it is
def test_scalers_have_seen_the_training_rows_of_the_fold_and_no_others(kind: str, fold: FoldTable) -> None:
    columns = fitted_as(kind, fold, SETTINGS).pipeline.named_steps["columns"]
    scaler = columns.named_transformers_["numbers"].named_steps["standardscaler"]
    training = fold.training.astype(np.float64)
    assert scaler.n_samples_seen_ == len(fold.fold.training) < len(fold.dataset)
    assert scaler.mean_ == pytest.approx(training.mean(axis=0), rel=1e-9, abs=1e-12)
    assert scaler.scale_ == pytest.approx(training.std(axis=0), rel=1e-9)
    every = np.concatenate([training, fold.threshold_rows, fold.validation_rows])
    assert scaler.mean_[0] < 0.9 * every[:, 0].mean()  # Time: rows that judge are later


def test_a_model_that_is_right_on_nearly_every_row_and_knows_nothing_does_not_lead(tmp_path: Path) -> None:
    data = tmp_path / "cards.csv"
    write_table(data, cards(6000, 60))
    found = fitted(data, tmp_path / "models", replace(QUICK, model="xgboost"), CARD_TRANSACTIONS)
    assert (found.is_champion, found.manifest.gate.passed) == (False, False)
    assert found.manifest.gate.checks[0].detail.startswith("average precision ")


def test_accuracy_is_no_yardstick_anywhere(tmp_path: Path) -> None:
    data = tmp_path / "cards.csv"
    write_table(data, SAMPLES["card_transactions"](6000, 1).columns)
    found = fitted(data, tmp_path / "models", replace(QUICK, model="xgboost"), CARD_TRANSACTIONS)
    measured = {*MEASURED, *found.manifest.metrics}
    assert {"average_precision", "recall_at_1_percent_fpr"} <= measured
    assert [name for name in measured if "accuracy" in name] == []


def test_the_parameters_of_the_contract_give_scikit_learns_scores_on_the_same_data(tmp_path: Path) -> None:
    table = SAMPLES["platform_activity"](20_000, 3).columns
    write_table(tmp_path / "train.csv", table)
    words = [f"--{name}={value}" for name, value in CONTRACT.items()]
    done = CliRunner().invoke(
        app,
        ["train", "platform_activity", f"--data={tmp_path / 'train.csv'}", *words],
        env={"FRAUD_MODELS": str(tmp_path / "models")},
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    scorer = load_scorer(Registry(tmp_path / "models").bundle("platform_activity", "champion"), PLATFORM_ACTIVITY)
    scores = scorer.scores(columns_of_table(dict(table), PLATFORM_ACTIVITY)[0])
    rows = np.column_stack([table["mean"], table["sd"]])
    forest = IsolationForest(**CONTRACT).fit(rows)
    assert scores.anomaly_scores == pytest.approx(forest.score_samples(rows), abs=1e-9)
    assert np.array_equal(np.where(scores.flagged, -1, 1), forest.predict(rows))
    assert 0 < np.count_nonzero(scores.flagged) <= 20
    assert scorer.manifest.threshold == pytest.approx(forest.offset_, abs=1e-9)


def test_fills_are_joined_without_a_loop_in_a_loop() -> None:
    tables = purchases(200_000, 1).tables  # 10,000 users: a loop in a loop would look at two thousand million pairs
    before = time.process_time()
    found = grouped(tables, PURCHASES)
    assert time.process_time() - before < 5
    assert found["total_liters"].sum() == pytest.approx(tables["transactions"]["liters"].sum())
