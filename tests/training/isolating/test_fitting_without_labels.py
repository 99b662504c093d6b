"""`fraud train` where there is no label: scikit-learn's isolation forest, with the parameters of the contract."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]  # it ships no types
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import BundleRefused, DataRefused, UseCaseInvalid
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.bundling.importing import import_model
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.fitting import fit
from fraud_detection_api.training.proof.holdout_rows import HOLDOUT
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from tests.declared_use_cases import METER_READINGS
from tests.training.fitting import Listener, fitted, table_file

NAME = PLATFORM_ACTIVITY.name
ASKED = FitOptions(contamination=0.02, n_estimators=40, random_state=5)


def activity(rows: int, seed: int = 1) -> dict[str, RawColumn]:
    """Some made-up activity."""
    return dict(SAMPLES[NAME](rows, seed).columns)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with two versions: the contract's parameters, then others."""
    folder = tmp_path_factory.mktemp("activity")
    data = table_file(folder, activity(4000))
    for options in (FitOptions(), ASKED):
        assert fitted(data, folder / "models", options, PLATFORM_ACTIVITY).is_champion
    return folder / "models"


def bundle(models: Path, number: int) -> Bundle:
    """The first or the second version."""
    return Registry(models).bundle(NAME, str(number))


def matrix(rows: int = 4000, seed: int = 1) -> np.ndarray:
    """The same activity as scikit-learn sees it: read from the table without the product."""
    table = activity(rows, seed)
    return np.column_stack([table["mean"], table["sd"]]).astype(np.float32)


@pytest.mark.parametrize(
    ("number", "parameters"),
    [
        (1, {"n_estimators": 100, "contamination": 0.001, "random_state": 16}),
        (2, {"n_estimators": 40, "contamination": 0.02, "random_state": 5}),
    ],
)
def test_the_scores_and_decisions_are_scikit_learns_own(
    models: Path, number: int, parameters: dict[str, int | float]
) -> None:
    found = bundle(models, number)
    assert parameters.items() <= found.manifest.parameters.items()
    forest = IsolationForest(**parameters).fit(matrix())
    scorer = load_scorer(found, PLATFORM_ACTIVITY)
    for seed in (1, 2):  # what it was trained on, and what it never saw
        rows = matrix(seed=seed)
        scores = scorer.scores(Columns(np.arange(len(rows)), rows.T.astype(np.float64)))
        np.testing.assert_allclose(scores.anomaly_scores, forest.score_samples(rows), rtol=0, atol=1e-12)
        assert (scores.flagged == (forest.predict(rows) == -1)).all()
    assert found.manifest.threshold == forest.offset_
    assert scores.flagged.any()


def test_the_share_that_was_asked_for_is_flagged_and_said_in_the_gate(models: Path) -> None:
    manifest = bundle(models, 2).manifest
    checks = {check.name: check for check in manifest.gate.checks}
    assert checks["flags as asked"].numbers["flagged_share"] == pytest.approx(0.02, abs=0.001)
    assert "80 of 4,000 training rows are flagged, 2.0000% asked for" in checks["flags as asked"].detail
    assert manifest.gate.passed


def test_percentiles_are_shares_of_the_training_rows(models: Path) -> None:
    scorer, rows = load_scorer(bundle(models, 2), PLATFORM_ACTIVITY), matrix()
    found = scorer.scores(Columns(np.arange(len(rows)), rows.T.astype(np.float64)))
    less_unusual = (found.anomaly_scores[None, :] > found.anomaly_scores[:, None]).mean(axis=1)
    np.testing.assert_allclose(found.values, less_unusual, atol=0.02)
    most_unusual = np.argsort(found.anomaly_scores)[:100]
    np.testing.assert_allclose(found.values[most_unusual], less_unusual[most_unusual], atol=1e-3)


def test_the_bundle_says_that_nobody_judged_it(models: Path) -> None:
    found = bundle(models, 1)
    assert found.attached(HOLDOUT) is None
    assert found.manifest.metrics == {}
    assert found.manifest.data is not None
    assert (found.manifest.data.rows, found.manifest.data.frauds, found.manifest.data.validation_rows) == (4000, 0, 0)
    assert found.manifest.data.split == "none: there is no label to judge by"


def test_one_changed_byte_of_a_forest_is_refused(models: Path, tmp_path: Path) -> None:
    folder = bundle(models, 1).folder
    assert folder is not None
    registry = Registry(tmp_path / "models")
    version = registry.publish(NAME, {each.name: each.read_bytes() for each in folder.iterdir()})
    file = registry.root / NAME / "versions" / version / "model.json"
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(BundleRefused, match=r"model\.json was changed"):
        registry.bundle(NAME, version)


def test_the_same_seed_gives_the_same_model_and_another_another(tmp_path: Path) -> None:
    data = table_file(tmp_path, activity(800))
    versions = [
        fitted(data, tmp_path / "models", replace(ASKED, random_state=seed), PLATFORM_ACTIVITY).version
        for seed in (5, 5, 6)
    ]
    one, same, other = (Registry(tmp_path / "models").bundle(NAME, version).model for version in versions)
    assert one == same != other


def test_rows_that_are_all_alike_fail_the_gate_and_the_champion_stays(tmp_path: Path) -> None:
    good, models = table_file(tmp_path, activity(800)), tmp_path / "models"
    first = fitted(good, models, FitOptions(), PLATFORM_ACTIVITY).version
    alike = table_file(tmp_path, {"mean": np.full(500, 3.5), "sd": np.full(500, 1.5)})
    found = fitted(alike, models, FitOptions(), PLATFORM_ACTIVITY)
    assert not found.is_champion
    assert next(check.name for check in found.manifest.gate.checks if not check.passed) == "tells rows apart"
    assert Registry(models).aliases(NAME).champion == first
    forced = fitted(alike, models, FitOptions(force="a try"), PLATFORM_ACTIVITY)
    assert forced.is_champion
    assert forced.manifest.gate.forced_because == "a try"


def test_standardised_columns_are_what_a_model_may_learn(tmp_path: Path) -> None:
    table = {name: (values - values.mean()) / values.std() for name, values in activity(2000).items()}
    assert (table["sd"] < 0).sum() > 100
    found = fitted(table_file(tmp_path, table), tmp_path / "models", FitOptions(), PLATFORM_ACTIVITY)
    assert found.is_champion
    assert found.manifest.parameters["skipped_rows"] == 0


def test_bad_rows_are_named_or_left_out(tmp_path: Path) -> None:
    table = activity(500)
    table["sd"] = np.where(np.arange(500) == 7, -2e12, table["sd"])
    data = table_file(tmp_path, table)
    with pytest.raises(DataRefused, match="sd"):
        fitted(data, tmp_path / "models", FitOptions(), PLATFORM_ACTIVITY)
    found = fitted(data, tmp_path / "models", FitOptions(skip_bad_rows=True), PLATFORM_ACTIVITY).manifest
    assert found.data is not None
    assert (found.data.rows, found.parameters["skipped_rows"]) == (499, 1)


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (FitOptions(model="forest"), "--model"),
        (FitOptions(threshold="f1"), "--threshold"),
        (FitOptions(tuned=True), "--tuned"),
        (FitOptions(grid=True), "--grid"),
        (FitOptions(gap_days=0), "--gap-days"),
        (FitOptions(seed=5, device="cuda"), "--seed, --device"),
        (FitOptions(review_budget="100/day"), "--review-budget"),
        (FitOptions(rounds=10, depth=3, learning_rate=0.1), "--rounds, --depth, --learning-rate"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_asked_of_labels_is_refused(options: FitOptions, flags: str) -> None:
    with pytest.raises(DataRefused, match=f"platform_activity has no label, and {flags} is for use cases"):
        fit(PLATFORM_ACTIVITY, replace(options, data="nowhere.csv"), Listener())


@pytest.mark.parametrize("options", [FitOptions(contamination=0.7), FitOptions(n_estimators=0)])
def test_parameters_that_no_forest_has_are_refused(tmp_path: Path, options: FitOptions) -> None:
    with pytest.raises(UseCaseInvalid):
        fitted(tmp_path / "nowhere.csv", tmp_path / "models", options, PLATFORM_ACTIVITY)


def test_a_boosted_model_cannot_be_imported(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    with pytest.raises(DataRefused, match="platform_activity has no label"):
        import_model(registry, PLATFORM_ACTIVITY, tmp_path / "model.json")
    assert registry.versions(NAME) == []


@pytest.mark.parametrize("command", ["tune", "evaluate", "compare"])
def test_commands_that_judge_by_labels_refuse_with_a_clear_line(tmp_path: Path, command: str) -> None:
    data = table_file(tmp_path, activity(300))
    folder = ["--models", str(tmp_path / "models")] if command != "compare" else []
    result = CliRunner().invoke(app, [command, NAME, "--data", str(data), *folder])
    assert result.exit_code != 0
    assert "platform_activity has no label" in str(result.exception)


@pytest.mark.parametrize("arguments", [[], ["--at", "0.5"], ["--f1"], ["--budget", "1%"]])
def test_a_threshold_is_not_chosen_where_no_row_has_judged(models: Path, arguments: list[str]) -> None:
    versions = Registry(models).versions(NAME)
    result = CliRunner().invoke(app, ["threshold", NAME, *arguments, "--models", str(models)])
    assert result.exit_code != 0
    assert "learned without labels, so nothing can choose its threshold" in str(result.exception)
    assert "`fraud train platform_activity --contamination SHARE`" in str(result.exception)
    assert Registry(models).versions(NAME) == versions


def test_the_command_prints_what_is_flagged_and_ends_well(tmp_path: Path) -> None:
    data = table_file(tmp_path, activity(2000))
    command = [sys.executable, "-m", "fraud_detection_api.cli.main", "train", NAME, "--data", str(data)]
    options = ["--contamination", "0.01", "--n-estimators", "30", "--random-state", "3", "--models", "models"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    done = subprocess.run(
        [*command, *options], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "20 of 2,000 training rows" in done.stdout
    assert "platform_activity 1-" in done.stdout
    assert "is champion now" in done.stdout


def test_another_use_case_of_a_teams_own_is_trained_in_the_same_way(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    lowest = random.uniform(0, 5, 600)
    table: dict[str, RawColumn] = {
        "meter": np.arange(1, 601),
        "readings": random.integers(1, 50, 600),
        "lowest": lowest,
        "highest": lowest + random.uniform(0, 9, 600),
        "is_remote": random.random(600) < 0.3,
    }
    use_case: UseCase = METER_READINGS
    found = fitted(table_file(tmp_path, table), tmp_path / "models", FitOptions(), use_case)
    assert found.is_champion
    assert [feature.name for feature in found.manifest.features] == ["readings", "lowest", "highest", "is_remote"]
    rows = np.column_stack([table[name] for name in use_case.feature_names]).astype(np.float32)
    forest = IsolationForest(n_estimators=100, random_state=0).fit(rows)
    scorer = load_scorer(Registry(tmp_path / "models").bundle(use_case.name, "champion"), use_case)
    scores = scorer.scores(Columns(np.arange(600), rows.T.astype(np.float64)))
    np.testing.assert_allclose(scores.anomaly_scores, forest.score_samples(rows), rtol=0, atol=1e-12)
    assert found.manifest.threshold == forest.offset_ == -0.5
