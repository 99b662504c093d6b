"""The gate that a use case declares: its own demands, its own measure, its own tolerance, and groups treated alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.manifest import GateCheck
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.judging import Gate
from fraud_detection_api.training.proof.gate import JudgedModel, refuse_unknown_demands, verdict_on
from fraud_detection_api.training.proof.measures import ALL_MEASURES, LOWER_IS_BETTER
from fraud_detection_api.training.tables.dataset import Groups
from tests.learning import with_learning
from tests.training.cards import CARDS, CARDS_BY_REGION, card_payments
from tests.training.claims import CLAIMS
from tests.training.fitting import QUICK, fitted, table_file
from tests.training.proof.candidates import as_champion, candidate

SIZE = 4000
TRUTH = np.random.default_rng(0).random(SIZE) ** 3
LABELS = np.random.default_rng(1).random(SIZE) < TRUTH
GOOD = candidate(TRUTH, LABELS)


def blurred(by: float) -> JudgedModel:
    """The good model with some noise in its log-odds."""
    log_odds = np.log((TRUTH + 1e-6) / (1 - TRUTH + 1e-6)) + np.random.default_rng(2).normal(0, by, SIZE)
    return candidate(1 / (1 + np.exp(-log_odds)), LABELS)


def check(model: JudgedModel, gate: Gate, name: str, champion: JudgedModel | None = None) -> GateCheck:
    """What the gate says under this name."""
    verdict = verdict_on(model, as_champion(champion) if champion else None, gate)
    found = [check for check in verdict.checks if check.name == name]
    assert len(found) == 1
    assert verdict.passed == all(each.passed for each in verdict.checks)
    return found[0]


def against_champion(model: JudgedModel, gate: Gate, champion: JudgedModel = GOOD) -> GateCheck:
    """Only the comparison."""
    return check(model, gate, "not worse than the champion", champion)


def test_a_measure_has_to_reach_what_is_asked_of_it() -> None:
    value = GOOD.evaluation.measure("recall_at_5_percent_fpr").value
    for least, passes in ((value, True), (value + 1e-6, False)):
        found = check(GOOD, Gate(at_least={"recall_at_5_percent_fpr": least}), "enough recall at 5 percent fpr")
        assert found.passed == passes
        assert found.numbers["recall_at_5_percent_fpr"] == value
        assert (found.numbers["low"] < value < found.numbers["high"], found.numbers["least"]) == (True, least)


def test_every_demand_is_a_check_of_its_own() -> None:
    demands = {"roc_auc": 0.5, "average_precision": 0.99}
    verdict = verdict_on(GOOD, None, Gate(at_least=demands))
    assert [(each.name, each.passed) for each in verdict.checks[2:]] == [
        ("enough roc auc", True),
        ("enough average precision", False),
    ]
    assert not verdict.passed


def test_probabilities_have_to_be_true_enough() -> None:
    half = candidate(TRUTH / 2, LABELS)
    assert check(GOOD, Gate(most_calibration_error=0.05), "calibrated").passed
    refused = check(half, Gate(most_calibration_error=0.05), "calibrated")
    assert not refused.passed
    assert refused.numbers["calibration_error"] == pytest.approx(TRUTH.mean() / 2, abs=0.02)
    assert refused.numbers["most"] == 0.05


@pytest.mark.parametrize("measure", ALL_MEASURES)
def test_the_champion_is_beaten_in_the_declared_measure_whichever_way_is_better(measure: str) -> None:
    worse = blurred(2)
    gate = Gate(measure=measure)
    assert not against_champion(worse, gate).passed
    back = against_champion(GOOD, gate, champion=worse)
    assert back.passed
    gained = back.numbers["candidate"] - back.numbers["champion"]
    assert back.numbers["difference"] == pytest.approx(gained)
    assert (gained < 0) == (measure in LOWER_IS_BETTER)


@pytest.mark.parametrize("measure", ["average_precision", "brier", "cost"])
def test_a_loss_within_the_declared_share_of_the_champions_value_passes(measure: str) -> None:
    worse = blurred(0.5)
    lost = abs(against_champion(worse, Gate(measure=measure)).numbers["difference"])
    share = lost / GOOD.evaluation.measure(measure).value
    assert against_champion(worse, Gate(measure=measure, most_loss=share * 1.01)).passed
    assert not against_champion(worse, Gate(measure=measure, most_loss=share * 0.99)).passed


def test_the_comparison_keeps_every_number_that_decided() -> None:
    found = against_champion(blurred(0.5), Gate(most_loss=0.2))
    assert found.numbers.keys() == {"champion", "candidate", "difference", "low", "high", "most_loss"}
    assert found.numbers["most_loss"] == pytest.approx(0.2 * found.numbers["champion"])
    assert found.numbers["low"] <= found.numbers["difference"] <= found.numbers["high"]


def in_groups(alarms: dict[str, tuple[int, int]]) -> tuple[JudgedModel, Groups]:
    """Honest rows of each group, some of them flagged; and a hundred frauds, all of them flagged."""
    names, flags, codes = tuple(alarms), [], []
    for code, (honest, flagged) in enumerate(alarms.values()):
        flags.append(np.arange(honest) < flagged)
        codes.append(np.full(honest, code))
    is_flagged: NDArray[np.bool_] = np.concatenate([*flags, np.ones(100, dtype=bool)])
    groups = Groups(names, np.concatenate([*codes, np.zeros(100, dtype=np.int64)]))
    labels = np.arange(len(is_flagged)) >= len(is_flagged) - 100
    return candidate(np.where(is_flagged, 0.9, 0.1), labels, groups), groups


def alike(alarms: dict[str, tuple[int, int]], most: float = 1.25) -> GateCheck:
    """The check of the groups."""
    model, _ = in_groups(alarms)
    return check(model, Gate(group="region", most_false_alarm_ratio=most), "false alarms alike between groups")


def test_honest_people_of_one_group_may_not_be_suspected_much_more_often() -> None:
    alarms = {"north": (1000, 20), "south": (500, 15)}
    assert not alike(alarms).passed
    assert alike(alarms, most=1.5).passed
    expected = {
        "rate of north": 0.02,
        "rate of south": 0.03,
        "highest": 0.03,
        "lowest": 0.02,
        "ratio": 1.5,
        "most": 1.25,
    }
    assert alike(alarms).numbers == pytest.approx(expected)


def test_groups_with_few_honest_rows_are_left_out_by_name() -> None:
    found = alike({"north": (1000, 20), "south": (500, 10), "islands": (99, 50)})
    assert found.passed
    assert "left out: islands" in found.detail
    assert "rate of islands" not in found.numbers


def test_where_fewer_than_two_groups_can_be_compared_nothing_stands_in_the_way() -> None:
    found = alike({"north": (1000, 20), "islands": (50, 40)})
    assert found.passed
    assert "fewer than two groups" in found.detail


def test_groups_without_any_false_alarm_are_alike() -> None:
    found = alike({"north": (1000, 0), "south": (300, 0)})
    assert (found.passed, found.numbers["ratio"]) == (True, 1)


@pytest.mark.parametrize(("honest", "passes"), [(1000, False), (100, True)])
def test_a_group_without_a_false_alarm_counts_as_if_it_had_half_of_one(honest: int, passes: bool) -> None:
    assert alike({"north": (1000, 5), "south": (honest, 0)}).passed == passes


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (Gate(at_least={"accuracy": 0.9}), "no measure 'accuracy'; there are: roc_auc"),
        (Gate(measure="f1"), "no measure 'f1'"),
        (Gate(at_least={"brier": 0.1}), "at least some brier, which is better low"),
        (Gate(at_least={"calibration_error": 0.1}), "most_calibration_error bounds it"),
        (Gate(measure="cost"), "cost needs a use case with costs"),
    ],
)
def test_a_gate_that_asks_for_what_cannot_be_measured_is_refused_before_training(
    gate: Gate, words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataRefused, match=words):
        fitted(tmp_path / "is-never-read.csv", tmp_path / "models", QUICK, with_learning(CLAIMS, gate=gate))


def test_a_gate_by_cost_is_fine_where_costs_are_declared() -> None:
    refuse_unknown_demands(with_learning(CARDS, gate=Gate(measure="cost_per_record", at_least={"roc_auc": 0.6})))


def test_a_fit_is_judged_by_its_own_gate_and_the_manifest_keeps_every_number(tmp_path: Path) -> None:
    gate = replace(CARDS_BY_REGION.gate, at_least={"recall_at_review_budget": 0.01}, measure="cost_per_record")
    use_case = with_learning(CARDS_BY_REGION, gate=gate)
    data, options = table_file(tmp_path, card_payments(900, 60)), replace(QUICK, review_budget="5/day")
    fitted(data, tmp_path / "models", options, use_case)
    fitted(data, tmp_path / "models", options, use_case)
    manifest = Registry(tmp_path / "models").bundle("cards", "champion").manifest
    assert manifest.parameters["review_budget"] == "5/day"
    assert set(manifest.metrics) == set(ALL_MEASURES)
    numbers = {check.name: check.numbers for check in manifest.gate.checks}
    assert numbers["enough recall at review budget"]["least"] == 0.01
    assert numbers["enough recall at review budget"]["recall_at_review_budget"] == pytest.approx(
        manifest.metrics["recall_at_review_budget"].value
    )
    assert {"rate of north", "rate of south", "rate of islands"} <= numbers["false alarms alike between groups"].keys()
    comparison = numbers["not worse than the champion"]
    assert (comparison["difference"], comparison["champion"]) == (0, manifest.metrics["cost_per_record"].value)


def test_so_many_a_day_are_refused_at_once_where_there_are_no_days(tmp_path: Path) -> None:
    timeless = with_learning(CLAIMS, time_column=None)
    with pytest.raises(DataRefused, match="no time column"):
        fitted(tmp_path / "is-never-read.csv", tmp_path / "models", replace(QUICK, review_budget="9/day"), timeless)
