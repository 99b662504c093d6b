"""What decisions cost: counted by hand, row by row, and drawn again by card."""

import numpy as np
import pytest

from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.consequences import consequences
from fraud_detection_api.training.proof.evaluation import Operation, evaluate, measure_values
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows

BY_AMOUNT = Costs(missed_fraud="amount", false_alarm=5, caught_fraud=1)
AMOUNTS = np.array([100.0, 20.0, 30.0, 400.0, 50.0])
ROWS = HoldoutRows(
    np.array([0.9, 0.8, 0.5, 0.2, 0.1], dtype=np.float32),
    np.array([True, False, False, True, False]),
    at_stake=AMOUNTS,
)


def costs_at(threshold: float, costs: Costs, rows: HoldoutRows = ROWS) -> tuple[float, float]:
    found = measure_values(rows, Operation(Budget(share=0.1), threshold, costs))
    return found["cost"], found["cost_per_record"]


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.5, 1 + 2 * 5 + 400),  # one caught, two false alarms, one missed with its amount
        (0.95, 100 + 400),  # everything passes
        (0.0, 2 * 1 + 3 * 5),  # everything is flagged
    ],
)
def test_a_missed_fraud_costs_its_amount_and_every_flag_its_work(threshold: float, expected: float) -> None:
    assert costs_at(threshold, BY_AMOUNT) == pytest.approx((expected, expected / 5))


def test_a_fixed_cost_needs_no_amounts() -> None:
    rows = HoldoutRows(ROWS.probabilities, ROWS.labels)
    assert costs_at(0.5, Costs(missed_fraud=70, false_alarm=5), rows) == pytest.approx((70 + 10, 16))


def test_without_costs_or_amounts_there_is_no_measure_in_money() -> None:
    rows = HoldoutRows(ROWS.probabilities, ROWS.labels)
    assert "cost" not in measure_values(ROWS, Operation(Budget(share=0.1), 0.5))
    assert "cost" not in measure_values(rows, Operation(Budget(share=0.1), 0.5, BY_AMOUNT))


def test_the_cost_is_what_the_consequences_of_the_threshold_say() -> None:
    random = np.random.default_rng(3)
    probabilities = random.random(500).astype(np.float32)
    rows = HoldoutRows(probabilities, random.random(500) < probabilities, at_stake=random.uniform(0, 90, 500))
    money = consequences(rows, 0.4, BY_AMOUNT).money
    assert money is not None
    assert costs_at(0.4, BY_AMOUNT, rows)[0] == pytest.approx(money.cost)


def test_a_few_dear_cards_make_the_interval_of_the_cost_wide() -> None:
    random = np.random.default_rng(0)
    labels, cards = np.arange(1000) % 10 == 0, np.arange(1000) // 10
    amounts = np.where(random.random(100) < 0.1, 5000.0, 50.0)[cards]
    rows = HoldoutRows(random.random(1000).astype(np.float32), labels, entities=cards, at_stake=amounts)
    cost, each = (
        evaluate(rows, Operation(Budget(share=0.1), 0.5, BY_AMOUNT), 0).measure(name)
        for name in ("cost", "cost_per_record")
    )
    assert cost.low is not None
    assert cost.high is not None
    assert 0 <= cost.low < 0.8 * cost.value < 1.2 * cost.value < cost.high
    assert (each.value, each.high) == pytest.approx((cost.value / 1000, cost.high / 1000))
