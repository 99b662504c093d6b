"""The review budget: daily precision and recall as a day-by-day walk with found cards set aside gives them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Operation, Yardstick, measure_values
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from tests.training.cards import CARDS
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS
from tests.training.proof.walked_days import walked

PRECISION, RECALL = "precision_at_review_budget", "recall_at_review_budget"


def reviewed(rows: HoldoutRows, budget: str) -> tuple[float, float]:
    found = measure_values(rows, Operation(Budget.read(budget), 0.5))
    return found[PRECISION], found[RECALL]


def made_up(rows: int, seed: int, cards: int | None) -> HoldoutRows:
    random = np.random.default_rng(seed)
    probabilities = random.permutation(rows).astype(np.float32) / np.float32(rows)
    labels = random.random(rows) < probabilities**4
    labels[:2] = True, False
    entities = None if cards is None else random.integers(0, cards, rows)
    return HoldoutRows(probabilities, labels, random.integers(100, 109, rows), entities)


def hand_made(cards: str, days: str, probabilities: list[float], frauds: str) -> HoldoutRows:
    return HoldoutRows(
        np.array(probabilities, dtype=np.float32),
        np.array([flag == "1" for flag in frauds]),
        np.array([int(day) for day in days]),
        np.array([ord(card) for card in cards]),
    )


@given(st.integers(40, 400), st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 12))
def test_cards_a_day_are_those_of_a_walk_over_the_days(rows: int, seed: int, cards: int, a_day: int) -> None:
    made = made_up(rows, seed, cards)
    assert reviewed(made, f"{a_day}/day") == pytest.approx(walked(made, a_day))


@given(st.integers(40, 400), st.integers(0, 10_000), st.integers(1, 12))
def test_without_cards_records_a_day_are_reviewed(rows: int, seed: int, a_day: int) -> None:
    made = made_up(rows, seed, None)
    assert reviewed(made, f"{a_day}/day") == pytest.approx(walked(made, a_day))


def test_a_card_takes_one_place_a_day_by_its_highest_score() -> None:
    rows = hand_made("aaabc", "11111", [0.9, 0.8, 0.7, 0.6, 0.5], "00011")
    assert reviewed(rows, "2/day") == (1 / 2, 1 / 2)


def test_a_card_is_found_by_any_fraud_of_the_day_on_which_it_is_reviewed() -> None:
    rows = hand_made("aab", "111", [0.9, 0.1, 0.5], "010")
    assert reviewed(rows, "1/day") == (1, 1)


def test_a_card_reviewed_on_an_honest_day_is_not_found_and_is_reviewed_again() -> None:
    rows = hand_made("abab", "1122", [0.9, 0.2, 0.8, 0.3], "0010")
    assert reviewed(rows, "1/day") == (1 / 2, 1)


def test_a_found_card_leaves_its_place_to_others_and_counts_once() -> None:
    rows = hand_made("abab", "1122", [0.9, 0.2, 0.8, 0.3], "1011")
    assert reviewed(rows, "1/day") == (1, 1)


def test_a_day_with_fewer_cards_than_places_is_reviewed_whole() -> None:
    rows = hand_made("abcde", "12222", [0.9, 0.8, 0.7, 0.6, 0.5], "10001")
    assert reviewed(rows, "3/day") == (1 / 4, 1 / 2)


def test_tied_cards_share_the_places_that_are_left() -> None:
    rows = hand_made("abcde", "11111", [0.9, 0.5, 0.5, 0.5, 0.1], "01000")
    assert reviewed(rows, "2/day") == pytest.approx(((1 / 3) / 2, 1 / 3))


@pytest.mark.parametrize("cards", [None, 20])
def test_weights_count_cards_as_often_as_they_say(cards: int | None) -> None:
    rows = made_up(300, 5, cards)
    whose = np.arange(300) if rows.entities is None else rows.entities
    counts = np.random.default_rng(2).integers(0, 3, whose.max() + 1)[whose]
    copies = np.concatenate([np.flatnonzero(counts > copy) for copy in range(2)])
    copy = np.repeat([0, 1], [np.count_nonzero(counts > 0), np.count_nonzero(counts > 1)])
    assert rows.days is not None
    cards_of_copies = None if cards is None else whose[copies] * 2 + copy
    repeated = HoldoutRows(rows.probabilities[copies], rows.labels[copies], rows.days[copies], cards_of_copies)
    operation = Operation(Budget(a_day=4), 0.5)
    yardstick = Yardstick(rows, operation)
    weighted = dict(zip(yardstick.names, yardstick.values(counts.astype(np.float64)).tolist(), strict=True))
    expected = measure_values(repeated, operation)
    assert (weighted[PRECISION], weighted[RECALL]) == pytest.approx((expected[PRECISION], expected[RECALL]))


def test_a_constant_score_finds_what_chance_finds() -> None:
    labels = np.arange(1000) % 20 == 0
    rows = HoldoutRows(np.full(1000, 0.3, dtype=np.float32), labels, np.arange(1000) // 100)
    assert reviewed(rows, "10/day") == pytest.approx((0.05, 0.1))
    assert reviewed(rows, "10%") == pytest.approx((0.05, 0.1))


def test_a_share_reviews_the_most_suspicious_of_all_days() -> None:
    probabilities = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05], dtype=np.float32)
    rows = HoldoutRows(probabilities, np.array([1, 0, 1, 0, 0, 1, 0, 0, 0, 0], dtype=bool))
    assert reviewed(rows, "30%") == pytest.approx((2 / 3, 2 / 3))
    assert reviewed(rows, "100%") == pytest.approx((0.3, 1))
    assert reviewed(rows, "5%") == (0, 0)


def test_tied_records_share_the_places_that_a_share_leaves() -> None:
    rows = HoldoutRows(np.array([0.9, 0.5, 0.5, 0.5, 0.1], dtype=np.float32), np.array([1, 1, 1, 0, 0], dtype=bool))
    assert reviewed(rows, "40%") == pytest.approx(((1 + 2 / 3) / 2, (1 + 2 / 3) / 3))


def test_the_order_of_the_table_changes_nothing() -> None:
    rows = made_up(400, 7, 30)
    coarse = rows.probabilities.round(1)
    shuffled = np.random.default_rng(0).permutation(400)
    assert rows.days is not None
    assert rows.entities is not None
    one = HoldoutRows(coarse, rows.labels, rows.days, rows.entities)
    other = HoldoutRows(coarse[shuffled], rows.labels[shuffled], rows.days[shuffled], rows.entities[shuffled])
    assert reviewed(one, "3/day") == pytest.approx(reviewed(other, "3/day"))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("5%", Budget(share=0.05)),
        ("0.05", Budget(share=0.05)),
        (" 2.5 % ", Budget(share=0.025)),
        ("100/day", Budget(a_day=100)),
        ("7 / day", Budget(a_day=7)),
        ("1", Budget(share=1.0)),
    ],
)
def test_a_budget_is_a_share_or_a_number_a_day(text: str, budget: Budget) -> None:
    assert Budget.read(text) == budget
    assert Budget.read(budget.text) == budget


@pytest.mark.parametrize("text", ["", "0", "0%", "-1", "150%", "2", "0/day", "1.5/day", "a lot", "nan", "100/week"])
def test_what_is_no_budget_is_refused_with_examples(text: str) -> None:
    with pytest.raises(DataRefused, match=r"such as 100/day, 5% or 0\.05"):
        Budget.read(text)


def test_so_many_a_day_need_days() -> None:
    for use_case in (CLAIMS, CARDS):
        Budget(a_day=100).refuse_without_days(use_case)
    Budget(share=0.05).refuse_without_days(TIMELESS_CLAIMS)
    with pytest.raises(DataRefused, match=r"timeless_claims has no time column.* instead of 100/day"):
        Budget(a_day=100).refuse_without_days(TIMELESS_CLAIMS)


def test_the_walk_itself_counts_as_a_hand_does() -> None:
    assert walked(hand_made("abab", "1122", [0.9, 0.2, 0.8, 0.3], "1011"), 1) == (1, 1)
    assert walked(hand_made("abab", "1122", [0.9, 0.2, 0.8, 0.3], "0010"), 1) == (1 / 2, 1)
