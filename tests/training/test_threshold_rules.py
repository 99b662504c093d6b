"""Which threshold a fit takes when nobody says which, and what another threshold may not break."""

from dataclasses import replace
from pathlib import Path

import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.fitting import fit
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.threshold_change import NewVersion, ThresholdChange
from tests.learning import with_learning
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import QUICK, Listener, fitted, table_file

COSTLY = with_learning(CLAIMS, costs=Costs("amount", false_alarm=300))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table_file(tmp_path_factory.mktemp("claims"), claims_table(3000))


def with_threshold(models: Path, use_case: UseCase, rule: str) -> NewVersion:
    change = ThresholdChange(Registry(models), use_case, "champion")
    return change.published(change.chosen(rule_of(rule)))


def test_costs_that_are_declared_later_choose_from_then_on(data: Path, tmp_path: Path) -> None:
    assert fitted(data, tmp_path, QUICK, CLAIMS).manifest.threshold_rule == "f1"
    assert fitted(data, tmp_path, QUICK, COSTLY).manifest.threshold_rule == "cost:amount,300,0.0"
    dearer = with_learning(CLAIMS, costs=Costs(5000, false_alarm=300))
    assert fitted(data, tmp_path, QUICK, dearer).manifest.threshold_rule == "cost:5000,300,0.0"


def test_a_rule_that_somebody_asked_for_outlives_declarations(data: Path, tmp_path: Path) -> None:
    fitted(data, tmp_path, replace(QUICK, threshold="budget:2%"), CLAIMS)
    assert fitted(data, tmp_path, QUICK, COSTLY).manifest.threshold_rule == "budget:0.02"
    assert with_threshold(tmp_path, COSTLY, "fpr:5%").is_champion
    assert fitted(data, tmp_path, QUICK, COSTLY).manifest.threshold_rule == "fpr:0.05"


def test_a_rule_that_cannot_be_kept_is_left_with_a_word(data: Path, tmp_path: Path) -> None:
    fitted(data, tmp_path, replace(QUICK, threshold="cost:amount,300"), COSTLY)
    listener = Listener()
    found = fit(CLAIMS, replace(QUICK, data=str(data), models=tmp_path), listener)
    assert found.manifest.threshold_rule == "f1"
    assert "cannot be kept: What amount held was not kept" in "\n".join(listener.warned)


def test_where_no_flag_pays_the_highest_f1_decides(data: Path, tmp_path: Path) -> None:
    hopeless = with_learning(CLAIMS, costs=Costs(1, false_alarm=5, caught_fraud=2))
    assert fitted(data, tmp_path, QUICK, hopeless).manifest.threshold_rule == "f1"


@pytest.mark.parametrize(
    ("use_case", "rule", "why"),
    [(TIMELESS_CLAIMS, "budget:5/day", "no time column"), (COSTLY, "cost:income,5", "What income held was not kept")],
)
def test_what_can_never_be_chosen_is_refused_before_the_table_is_read(
    tmp_path: Path, use_case: UseCase, rule: str, why: str
) -> None:
    with pytest.raises(DataRefused, match=why):
        fitted(tmp_path / "no such table.csv", tmp_path, replace(QUICK, threshold=rule), use_case)


def test_a_measure_that_the_gate_asks_for_is_looked_at_again(data: Path, tmp_path: Path) -> None:
    use_case = with_learning(CLAIMS, gate=Gate(at_least={"recall_at_threshold": 0.2, "roc_auc": 0.5}))
    first = fitted(data, tmp_path, QUICK, use_case)
    made = with_threshold(tmp_path, use_case, "at:0.999")
    assert first.is_champion
    assert not made.is_champion
    assert "recall at threshold 0.0000" in made.remark
    checks = {check.name: check for check in Registry(tmp_path).bundle(CLAIMS.name, made.version).manifest.gate.checks}
    assert not checks["enough recall at threshold"].passed
    assert checks["enough roc auc"].passed


def test_a_reason_that_forced_one_failure_does_not_cover_another(data: Path, tmp_path: Path) -> None:
    use_case = with_learning(CLAIMS, gate=Gate(at_least={"recall_at_threshold": 0.2, "roc_auc": 0.999}))
    first = fitted(data, tmp_path, replace(QUICK, force="the ranking is fine for now"), use_case)
    assert first.is_champion
    assert with_threshold(tmp_path, use_case, f"at:{first.manifest.threshold / 2!r}").is_champion
    assert not with_threshold(tmp_path, use_case, "at:0.999").is_champion


def test_a_comparison_at_another_threshold_is_not_passed_off_as_one_at_this(data: Path, tmp_path: Path) -> None:
    use_case = with_learning(COSTLY, gate=Gate(measure="cost", most_loss=10))
    fitted(data, tmp_path, QUICK, use_case)
    fitted(data, tmp_path, replace(QUICK, seed=2), use_case)
    made = with_threshold(tmp_path, use_case, "at:0.4")
    checks = {check.name: check for check in Registry(tmp_path).bundle(CLAIMS.name, made.version).manifest.gate.checks}
    assert "not at this one" in checks["not worse than the champion"].detail


def test_stakes_that_were_kept_for_other_costs_are_not_taken_for_those_declared_now(data: Path, tmp_path: Path) -> None:
    fitted(data, tmp_path, QUICK, with_learning(CLAIMS, costs=Costs(100, false_alarm=5)))
    change = ThresholdChange(Registry(tmp_path), COSTLY, "champion")
    with pytest.raises(DataRefused, match="does not hold what each fraud would cost"):
        change.chosen(rule_of("cost:amount,300"))
    meaning = change.meaning(0.5, None)
    assert meaning is not None
    assert meaning.money is None
