"""Thresholds: each choice against every threshold tried one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.errors import DataRefused, FraudError
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.consequences import Money, consequences, reviews
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.threshold import (
    best_f1,
    fixed,
    least_cost,
    rule_of,
    within_budget,
    within_false_positive_rate,
)


def judged(rows: int, seed: int, digits: int = 2) -> HoldoutRows:
    """Rows of ten cards on ten days, with ties."""
    random = np.random.default_rng(seed)
    probabilities = random.random(rows).round(digits).astype(np.float32)
    return HoldoutRows(
        probabilities,
        random.random(rows) < probabilities / 2,
        days=np.sort(random.integers(100, 110, rows)),
        entities=random.integers(0, 10, rows),
        at_stake=random.uniform(0, 500, rows),
    )


ROWS = st.builds(judged, st.integers(40, 300), st.integers(0, 1000), st.sampled_from([1, 2, 6]))


def every_threshold(rows: HoldoutRows) -> list[float]:
    return sorted(set(rows.probabilities.tolist()), reverse=True)


@given(ROWS, st.floats(0.001, 0.9))
def test_a_false_positive_rate_is_used_up_and_not_passed(rows: HoldoutRows, rate: float) -> None:
    honest = int((~rows.labels).sum())
    fitting = [at for at in every_threshold(rows) if consequences(rows, at, None).false_alarms <= rate * honest]
    if fitting:
        assert within_false_positive_rate(rate).threshold(rows) == fitting[-1]
    else:
        with pytest.raises(DataRefused, match="too many for that false-positive rate"):
            within_false_positive_rate(rate).threshold(rows)


@given(ROWS, st.floats(0.001, 0.9))
def test_a_share_of_all_records_is_used_up_and_not_passed(rows: HoldoutRows, share: float) -> None:
    fitting = [at for at in every_threshold(rows) if consequences(rows, at, None).flagged <= share * len(rows)]
    if fitting:
        assert within_budget(Budget(share=share)).threshold(rows) == fitting[-1]


@given(ROWS, st.integers(1, 12))
def test_a_budget_a_day_counts_each_card_once_a_day(rows: HoldoutRows, a_day: int) -> None:
    assert rows.days is not None
    assert rows.entities is not None
    period = int(rows.days.max() - rows.days.min() + 1)

    def reviewed(at: float) -> int:
        flagged = rows.probabilities >= np.float32(at)
        return len(set(zip(rows.days[flagged].tolist(), rows.entities[flagged].tolist(), strict=True)))  # type: ignore[index]

    fitting = [at for at in every_threshold(rows) if reviewed(at) <= a_day * period]
    if fitting:
        assert within_budget(Budget(a_day=a_day)).threshold(rows) == fitting[-1]


@given(ROWS, st.floats(1, 400), st.floats(0, 50), st.sampled_from(["amount", 120.0]))
def test_no_threshold_costs_less_than_that_of_least_cost(
    rows: HoldoutRows, false_alarm: float, caught: float, missed: str | float
) -> None:
    costs = Costs(missed, false_alarm, caught)

    def cost(at: float) -> float:
        money = consequences(rows, at, costs).money
        assert money is not None
        return money.cost

    nothing = consequences(rows, 1.5, costs).money
    assert nothing is not None
    cheapest = min(cost(at) for at in every_threshold(rows))
    if cheapest < nothing.cost * (1 - 1e-9):
        assert cost(least_cost(costs).threshold(rows)) == pytest.approx(cheapest)


@given(ROWS)
def test_no_threshold_has_a_higher_f1(rows: HoldoutRows) -> None:
    if not rows.labels.any():
        return

    def f1(at: float) -> float:
        found = consequences(rows, at, None)
        return 2 * found.caught / (2 * found.caught + found.missed + found.false_alarms)

    assert f1(best_f1().threshold(rows)) == pytest.approx(max(f1(at) for at in every_threshold(rows)))


def test_consequences_that_a_hand_can_count() -> None:
    rows = HoldoutRows(
        np.array([0.9, 0.8, 0.5, 0.3, 0.1], dtype=np.float32),
        np.array([True, False, True, True, False]),
        days=np.array([7, 7, 8, 9, 9]),
        at_stake=np.array([100.0, 40, 30, 20, 10]),
    )
    found = consequences(rows, 0.5, Costs("amount", false_alarm=5, caught_fraud=2))
    assert (found.caught, found.missed, found.false_alarms, found.passed) == (2, 1, 1, 1)
    assert (found.flagged, found.precision, found.recall, found.days) == (3, 2 / 3, 2 / 3, 3)
    assert found.money == Money(lost_to_missed=20, spent_on_false_alarms=5, spent_on_caught=4, lost_without=150)
    assert found.money.cost == 29
    by_sum = consequences(rows, 0.5, Costs(1000, 5)).money
    assert by_sum is not None
    assert (by_sum.lost_to_missed, by_sum.lost_without) == (1000, 3000)
    assert consequences(rows, 0.99, None).precision == 0
    assert consequences(HoldoutRows(rows.probabilities, rows.labels), 0.5, Costs("amount", 5)).money is None


@pytest.mark.parametrize(
    "rule", ["f1", "at:0.25", "fpr:0.01", "budget:100/day", "budget:0.02", "cost:amount,5.0,0.0", "cost:500.0,5.0,1.0"]
)
def test_a_rule_is_kept_as_it_is_read(rule: str) -> None:
    assert rule_of(rule).rule == rule


def test_rules_as_people_write_them() -> None:
    assert rule_of("fpr:1%").rule == "fpr:0.01"
    assert rule_of("cost:500,5").rule == "cost:500.0,5.0,0.0"
    assert rule_of("budget:5%").words == "a review budget of 5 % of all records"
    assert rule_of("budget:1000/day").words == "a review budget of 1,000 a day"
    assert rule_of("cost:amount,5").words == "least cost, where a missed fraud costs amount, a false alarm 5"


@pytest.mark.parametrize(
    "rule",
    ["", "f2", "f1:3", "at:much", "at:1.5", "at:nan", "fpr:0", "fpr:1", "budget:0/day", "budget:101%", "budget:-1",
     "cost:5", "cost:a b,5", "cost:5,-1", "cost:inf,1", "cost:1,2,3,4", "cost:nan,2"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(FraudError):
        rule_of(rule).threshold(judged(50, 1))


def test_what_cannot_be_chosen_says_why() -> None:
    timeless = HoldoutRows(np.array([0.5, 0.1], dtype=np.float32), np.array([True, False]))
    with pytest.raises(DataRefused, match="no time column"):
        within_budget(Budget(a_day=5)).threshold(timeless)
    with pytest.raises(DataRefused, match="give a fixed sum"):
        least_cost(Costs("amount", 5)).threshold(timeless)
    with pytest.raises(DataRefused, match="cheapest to flag nothing"):
        least_cost(Costs(1, 5)).threshold(HoldoutRows(timeless.probabilities, np.array([False, True])))
    with pytest.raises(DataRefused, match="not at 2"):
        fixed(2)


def test_a_card_is_reviewed_once_a_day() -> None:
    rows = HoldoutRows(
        np.array([0.9, 0.8, 0.7, 0.6, 0.1], dtype=np.float32),
        np.zeros(5, dtype=bool),
        days=np.array([1, 1, 1, 2, 2]),
        entities=np.array([4, 4, 5, 4, 5]),
    )
    assert [reviews(rows, at) for at in (0.95, 0.85, 0.75, 0.65, 0.5, 0)] == [0, 1, 1, 2, 3, 4]
