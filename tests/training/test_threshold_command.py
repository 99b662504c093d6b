"""fraud threshold: a new version with another threshold, the same model, and what that means."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.samples.platform_activity import platform_activity
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.bundling.importing import import_model
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.proof.holdout_rows import HOLDOUT, holdout_of
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.threshold_change import ThresholdChange
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from tests.learning import with_learning
from tests.training.claims import CLAIMS, claims_table
from tests.training.fitting import QUICK, accounts_file, fitted, table_file

NAME = "credit_accounts"
FIXTURES = Path(__file__).parent / "fixtures"
COSTLY_CLAIMS = with_learning(CLAIMS, costs=Costs("amount", false_alarm=300))
FAIR_CLAIMS = with_learning(CLAIMS, gate=Gate(group="channel", most_false_alarm_ratio=1e6))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A registry with one champion."""
    fitted(accounts_file(tmp_path), tmp_path / "models")
    return tmp_path / "models"


def run(models: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["threshold", NAME, *arguments, "--models", str(models)], env={"COLUMNS": "120"})


def champion(models: Path, use_case: str = NAME) -> Bundle:
    return Registry(models).bundle(use_case, "champion")


def test_a_budget_makes_a_new_version_of_the_same_model_that_leads(models: Path) -> None:
    before = champion(models)
    result = run(models, "--budget", "2/day")
    after = champion(models)
    assert result.exit_code == 0, result.output
    assert f"{NAME} {after.version} is champion now" in result.output
    assert after.version != before.version
    assert (after.model, after.attached(HOLDOUT)) == (before.model, before.attached(HOLDOUT))
    assert after.reference.scores.tobytes() == before.reference.scores.tobytes()
    manifest = after.manifest
    assert (manifest.threshold_rule, manifest.made_from) == ("budget:2/day", before.version)
    assert manifest.gate == before.manifest.gate
    assert manifest.trained_at == before.manifest.trained_at < manifest.created_at
    assert Registry(models).bundle(NAME, before.version).manifest == before.manifest


def test_it_says_what_the_choice_means_on_the_rows_that_judge(models: Path) -> None:
    output = run(models, "--cost", "3000,300", "--dry-run").output
    bundle = champion(models)
    rows = holdout_of(bundle.attached(HOLDOUT) or b"", ()).validation_rows
    chosen = rule_of("cost:3000,300").threshold(holdout_of(bundle.attached(HOLDOUT) or b"", ()).threshold_rows)
    flagged = rows.probabilities >= np.float32(chosen)
    caught, frauds = int((flagged & rows.labels).sum()), int(rows.labels.sum())
    alarms = int((flagged & ~rows.labels).sum())
    assert f"flagged from {chosen:.4f} on (least cost, where a missed fraud costs 3000" in output
    assert f"On {len(rows):,} later records of 14" in output
    cells = [line.split("\u2502") for line in output.splitlines() if "\u2502" in line]
    lines = {each[1].strip(): each[3].strip() for each in cells}
    assert lines["frauds caught"].startswith(f"{caught:,} of {frauds:,}")
    assert lines["false alarms"] == f"{alarms:,}"
    assert lines["lost to missed frauds"] == f"{3000 * (frauds - caught):,}"
    assert lines["cost together"] == f"{3000 * (frauds - caught) + 300 * alarms:,}"


def test_measures_at_the_threshold_follow_it_and_the_others_stay(models: Path) -> None:
    before = champion(models).manifest.metrics
    assert run(models, "--fpr", "1%").exit_code == 0
    bundle = champion(models)
    after, rows = bundle.manifest.metrics, holdout_of(bundle.attached(HOLDOUT) or b"", ()).validation_rows
    flagged = rows.probabilities >= np.float32(bundle.manifest.threshold)
    assert after["recall_at_threshold"].value == pytest.approx((flagged & rows.labels).sum() / rows.labels.sum())
    assert after["precision_at_threshold"].value == pytest.approx((flagged & rows.labels).sum() / flagged.sum())
    at_threshold = {"recall_at_threshold", "precision_at_threshold"}
    assert {name: each for name, each in after.items() if name not in at_threshold} == {
        name: each for name, each in before.items() if name not in at_threshold
    }


@pytest.mark.parametrize("arguments", [[], ["--at", "0.5", "--dry-run"]])
def test_looking_changes_nothing(models: Path, arguments: list[str]) -> None:
    versions = Registry(models).versions(NAME)
    assert run(models, *arguments).exit_code == 0
    assert Registry(models).versions(NAME) == versions


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--budget", "2/day", "--f1"], "One choice at a time, not --budget and --f1"),
        (["--cost", "declared"], "declares no costs"),
        (
            ["--cost", "total_balance,5"],
            "What total_balance held was not kept: declare costs=Costs('total_balance', ...)",
        ),
        (["--at", "1.5"], "not at 1.5"),
        (["--budget", "0.0001/day"], "A review budget is"),
        (["--version", "7", "--f1"], "There is no version '7'"),
    ],
)
def test_what_cannot_be_chosen_is_refused_and_nothing_changes(models: Path, arguments: list[str], why: str) -> None:
    versions = Registry(models).versions(NAME)
    assert why in str(run(models, *arguments).exception)
    assert Registry(models).versions(NAME) == versions


def test_the_rule_stays_with_the_next_fit_until_it_is_changed(tmp_path: Path) -> None:
    data, models = accounts_file(tmp_path), tmp_path / "models"
    assert fitted(data, models).manifest.threshold_rule == "f1"
    run(models, "--budget", "2/day")
    assert fitted(data, models, replace(QUICK, seed=3)).manifest.threshold_rule == "budget:2/day"
    assert fitted(data, models, replace(QUICK, threshold="fpr:2%")).manifest.threshold_rule == "fpr:0.02"


def test_declared_costs_choose_the_first_threshold(tmp_path: Path) -> None:
    data = table_file(tmp_path, claims_table(3000))
    found = fitted(data, tmp_path / "models", QUICK, COSTLY_CLAIMS).manifest
    assert found.threshold_rule == "cost:amount,300,0.0"
    assert found.metrics["cost"].value > 0


def test_a_threshold_that_breaks_the_gate_is_published_but_does_not_lead(tmp_path: Path) -> None:
    fitted(table_file(tmp_path, claims_table(4000)), tmp_path / "models", QUICK, FAIR_CLAIMS)
    first = champion(tmp_path / "models", CLAIMS.name).version
    strict: UseCase = with_learning(FAIR_CLAIMS, gate=Gate(group="channel", most_false_alarm_ratio=1.01))
    change = ThresholdChange(Registry(tmp_path / "models"), strict, "champion")
    made = change.published(change.chosen(rule_of("at:0.5")))
    assert not made.is_champion
    assert "the gate fails at this threshold: the false-positive rate is" in made.remark
    assert champion(tmp_path / "models", CLAIMS.name).version == first
    assert not Registry(tmp_path / "models").bundle(CLAIMS.name, made.version).manifest.gate.passed


def test_an_imported_model_takes_a_number_and_nothing_else(tmp_path: Path) -> None:
    registry, file = Registry(tmp_path / "imported"), next(FIXTURES.glob("*.json"))
    import_model(registry, CREDIT_ACCOUNTS, file, 0.5, "a try")
    change = ThresholdChange(registry, CREDIT_ACCOUNTS, "champion")
    with pytest.raises(DataRefused, match="no holdout rows to choose by"):
        change.chosen(rule_of("budget:2/day"))
    made = change.published(change.chosen(rule_of("at:0.25")))
    assert made.is_champion
    bundle = registry.bundle(NAME, "champion")
    assert bundle.manifest.threshold == 0.25
    assert load_scorer(bundle, CREDIT_ACCOUNTS).manifest.calibration is None


def test_a_model_that_learned_without_labels_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    options = FitOptions(threads=1, n_estimators=20)
    fitted(table_file(tmp_path, platform_activity(500, 1).columns), tmp_path / "models", options, PLATFORM_ACTIVITY)
    with pytest.raises(DataRefused, match=r"learned without labels.*--contamination"):
        ThresholdChange(Registry(tmp_path / "models"), PLATFORM_ACTIVITY, "champion")
