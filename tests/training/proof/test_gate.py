"""The gate, both ways: what may become champion, what may not, and who passed it all the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import ForceNeedsReason
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.schemas.judging import Gate
from fraud_detection_api.training.bundling.publishing import promoted
from fraud_detection_api.training.proof.gate import verdict_on
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.training.fitting import QUICK, accounts_file, fitted
from tests.training.proof.candidates import as_champion, candidate

CHECKS = ("better than the base rate", "better calibrated than the base rate", "not worse than the champion")
DULL = replace(QUICK, rounds=1, depth=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return accounts_file(tmp_path_factory.mktemp("data"), 6000)


def noise_file(folder: Path) -> Path:
    flags = np.random.default_rng(0).permutation(SAMPLES["credit_accounts"](4000, 1).columns["fraud_flag"])
    return accounts_file(folder, 4000, fraud_flag=flags)


def champion(models: Path) -> str | None:
    return Registry(models).aliases(CREDIT_ACCOUNTS.name).champion


def test_a_good_first_model_becomes_champion(data: Path, tmp_path: Path) -> None:
    found = fitted(data, tmp_path)
    assert [(check.name, check.passed) for check in found.manifest.gate.checks] == [(name, True) for name in CHECKS[:2]]
    assert (found.is_champion, champion(tmp_path)) == (True, found.version)


def test_a_model_that_learned_nothing_is_published_but_does_not_lead(tmp_path: Path) -> None:
    found = fitted(noise_file(tmp_path), tmp_path / "models")
    assert not found.manifest.gate.passed
    assert (found.is_champion, champion(tmp_path / "models")) == (False, None)
    assert Registry(tmp_path / "models").versions(CREDIT_ACCOUNTS.name) == [found.version]


def test_a_model_worse_than_the_champion_on_the_same_rows_does_not_lead(data: Path, tmp_path: Path) -> None:
    good, dull = fitted(data, tmp_path), fitted(data, tmp_path, DULL)
    assert [check.passed for check in dull.manifest.gate.checks] == [True, True, False]
    assert good.version in dull.manifest.gate.checks[2].detail
    assert champion(tmp_path) == good.version
    assert Registry(tmp_path).versions(CREDIT_ACCOUNTS.name) == [good.version, dull.version]


def test_a_model_better_than_the_champion_leads(data: Path, tmp_path: Path) -> None:
    dull, good = fitted(data, tmp_path, DULL), fitted(data, tmp_path)
    assert dull.is_champion
    assert [check.passed for check in good.manifest.gate.checks] == [True, True, True]
    assert champion(tmp_path) == good.version


def test_an_equal_model_leads(data: Path, tmp_path: Path) -> None:
    fitted(data, tmp_path)
    again = fitted(data, tmp_path)
    assert "differs by 0.0000 [0.0000, 0.0000]" in again.manifest.gate.checks[2].detail
    assert champion(tmp_path) == again.version


def test_force_promotes_past_a_failed_gate_and_keeps_the_reason(data: Path, tmp_path: Path) -> None:
    fitted(data, tmp_path)
    dull = fitted(data, tmp_path, replace(DULL, force=" the old model uses a forbidden feature "))
    gate = Registry(tmp_path).bundle(CREDIT_ACCOUNTS.name, "champion").manifest.gate
    assert champion(tmp_path) == dull.version
    assert (gate.passed, gate.forced_because) == (False, "the old model uses a forbidden feature")


def test_force_leaves_no_trace_where_the_gate_passes(data: Path, tmp_path: Path) -> None:
    assert fitted(data, tmp_path, replace(QUICK, force="in a hurry")).manifest.gate.forced_because is None


@pytest.mark.parametrize("reason", ["", "  "])
def test_force_without_a_reason_is_refused_before_anything_is_trained(data: Path, tmp_path: Path, reason: str) -> None:
    with pytest.raises(ForceNeedsReason):
        fitted(data, tmp_path / "models", replace(QUICK, force=reason))
    assert not (tmp_path / "models").exists()


def test_a_failed_version_is_promoted_later_only_with_a_reason_that_a_new_version_keeps(
    data: Path, tmp_path: Path
) -> None:
    good, dull = fitted(data, tmp_path), fitted(data, tmp_path, DULL)
    registry = Registry(tmp_path)
    with pytest.raises(ForceNeedsReason):
        promoted(registry, CREDIT_ACCOUNTS, dull.version)
    with pytest.raises(ForceNeedsReason):
        promoted(registry, CREDIT_ACCOUNTS, dull.version, " ")
    assert champion(tmp_path) == good.version
    forced = promoted(registry, CREDIT_ACCOUNTS, dull.version, "an experiment")
    bundle = registry.bundle(CREDIT_ACCOUNTS.name, forced)
    assert champion(tmp_path) == forced != dull.version
    assert bundle.manifest.gate.forced_because == "an experiment"
    assert bundle.model == registry.bundle(CREDIT_ACCOUNTS.name, dull.version).model
    registry.rollback(CREDIT_ACCOUNTS.name)
    assert promoted(registry, CREDIT_ACCOUNTS, forced) == forced  # its reason is known


def test_a_champion_that_cannot_be_loaded_does_not_stand_in_the_way(data: Path, tmp_path: Path) -> None:
    broken = fitted(data, tmp_path).version
    with (tmp_path / CREDIT_ACCOUNTS.name / "versions" / broken / "model.json").open("ab") as file:
        file.write(b" ")
    found = fitted(data, tmp_path)
    assert found.is_champion
    assert f"{broken} cannot be compared: Bundle {broken} is refused" in found.manifest.gate.checks[2].detail


def test_a_champion_that_was_trained_on_the_validation_days_is_named_so(data: Path, tmp_path: Path) -> None:
    fitted(data, tmp_path)
    days = SAMPLES["credit_accounts"](3000, 5).columns["snapshot_date"].astype("datetime64[D]")
    earlier = accounts_file(tmp_path, 3000, seed=5, snapshot_date=days - np.timedelta64(400, "D"))
    found = fitted(earlier, tmp_path)
    assert found.manifest.gate.checks[2].detail.endswith("the champion was trained on some of these days")


def test_few_rows_do_not_excuse_a_great_loss() -> None:
    random = np.random.default_rng(1)
    labels = np.arange(120) < 8
    good = np.where(labels, 0.6, 0.2) + random.normal(0, 0.2, 120)
    worse = np.where(labels, 0.5, 0.2) + random.normal(0, 0.2, 120)
    ours, theirs = (candidate(each, labels) for each in (worse, good))
    verdict = verdict_on(ours, as_champion(theirs), Gate())
    assert ours.evaluation.minus(theirs.evaluation, "average_precision").value < -0.05
    assert not verdict.checks[2].passed


def test_a_constant_answer_does_not_pass() -> None:
    constant = candidate(np.full(1000, 0.1), np.arange(1000) % 10 == 0)
    assert [check.passed for check in verdict_on(constant, None, Gate()).checks] == [False, False]


def test_always_saying_fraud_does_not_pass_however_common_fraud_is() -> None:
    assert not verdict_on(candidate(np.ones(1000), np.arange(1000) % 10 != 0), None, Gate()).passed
