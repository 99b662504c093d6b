"""Frauds in the sample of orders: as documented, told apart by histories, and ranked no better than is stated."""

from collections import deque
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]  # it ships no types
from sklearn.metrics import average_precision_score  # type: ignore[import-untyped]  # it ships no types

from fraud_detection_api.samples.orders import best_average_precision, orders_file, probability_counts
from fraud_detection_api.samples.sample_table import LabelledSample, expected_average_precision
from tests.samples.order_files import (
    DAY,
    HOUR,
    SECOND,
    SETTINGS,
    SUSPICIOUS,
    by_value,
    every_seed,
    kinds,
    milliseconds,
    numbers,
    usual_amounts,
)


@every_seed
def test_about_one_in_a_hundred_is_a_fraud_by_a_coin_with_its_probability(seed: int) -> None:
    files = [orders_file(number, SETTINGS, seed) for number in range(4)]
    flags = np.concatenate([each.columns["is_fraud"] for each in files])
    probabilities = np.concatenate([each.probabilities for each in files])
    assert 0.0085 < flags.astype(np.float64).mean() < 0.0115
    for low, high in ((0, SUSPICIOUS), (SUSPICIOUS, 0.3), (0.3, 0.6), (0.6, 0.9), (0.9, 1.0)):
        inside = (probabilities >= low) & (probabilities < high)
        expected = probabilities[inside]
        assert inside.sum() > 300
        assert abs(flags[inside].sum() - expected.sum()) < 4 * np.sqrt(np.sum(expected * (1 - expected)))


@every_seed
def test_a_stolen_card_is_tested_with_small_amounts_then_emptied_with_large_ones(seed: int) -> None:
    found = orders_file(1, SETTINGS, seed)
    amounts, moments = found.columns["order_amount"].astype(np.float64), milliseconds(found, "order_date")
    usual = usual_amounts(found)
    stolen = kinds(found)["stolen"]
    assert 0.004 < stolen.mean() < 0.007
    gaps, factors, boldness, in_order = [], [], [], []
    for rows in by_value(numbers(found, "customer_id"), stolen):
        is_test = amounts[rows] <= 5
        in_order.append(bool(is_test[:3].all()) and not is_test[-1])
        gaps.append(float(np.median(np.diff(moments[rows[:3]]))))
        factors.append(float(np.median(amounts[rows[~is_test]] / usual[rows[~is_test]])) if not is_test.all() else 0)
        boldness.append(float(found.probabilities[rows].max()))
    assert np.mean(in_order) > 0.9  # some owners spend little themselves, and some cards are stolen twice
    assert np.median(gaps) < 6 * 60 * SECOND
    assert np.median(factors) > 2.5
    assert np.corrcoef(boldness, np.minimum(factors, 10))[0, 1] > 0.3


@every_seed
def test_a_taken_over_account_has_a_new_address_a_new_email_and_orders_far_above_the_usual(seed: int) -> None:
    found = orders_file(1, SETTINGS, seed)
    taken = kinds(found)["takeover"]
    assert 0.0025 < taken.mean() < 0.005
    factors = (found.columns["order_amount"].astype(np.float64) / usual_amounts(found))[taken]
    assert np.nanmedian(factors) > 2.2
    customers, addresses = numbers(found, "customer_id"), numbers(found, "ip_addr")
    theirs = dict.fromkeys(customers[taken].tolist(), 0)
    before = {(customers[row], addresses[row]) for row in np.flatnonzero(~taken) if customers[row] in theirs}
    was_there = [(customers[row], addresses[row]) in before for row in np.flatnonzero(taken)]
    assert np.mean(was_there) < 0.05


@every_seed
def test_a_ring_is_many_fresh_customers_at_a_few_addresses_who_spend_much(seed: int) -> None:
    found = orders_file(1, SETTINGS, seed)
    ring = kinds(found)["ring"]
    assert 0.0035 < ring.mean() < 0.008
    customers, moments = numbers(found, "customer_id"), milliseconds(found, "order_date")
    at_one = [
        (len(set(customers[rows].tolist())), float(np.ptp(moments[rows])))
        for rows in by_value(numbers(found, "ip_addr"), ring)
    ]
    assert np.median([count for count, _ in at_one]) >= 5
    assert max(lasted for _, lasted in at_one) < 21 * DAY
    amounts = found.columns["order_amount"].astype(np.float64)
    assert 2.2 * np.median(amounts) < np.median(amounts[ring]) < 200


@every_seed
def test_honest_orders_look_like_frauds_at_times(seed: int) -> None:
    found = orders_file(3, SETTINGS, seed)
    honest = found.probabilities < SUSPICIOUS
    amounts = found.columns["order_amount"].astype(np.float64)
    moments, customers = milliseconds(found, "order_date"), numbers(found, "customer_id")
    bursts = small = 0
    for rows in by_value(customers, honest):
        soon = np.flatnonzero(np.diff(moments[rows]) < HOUR)
        bursts += len(soon)
        small += int(np.count_nonzero(amounts[rows[soon + 1]] < 12))
    assert bursts > 2_000
    assert small > 500
    assert np.mean(amounts[honest] > 3 * usual_amounts(found)[honest]) > 0.02
    fresh = honest & (found.columns["customer_id"].astype(np.int64) > SETTINGS.customers)
    assert 0.015 < fresh.mean() < 0.025
    sharing = [len(set(customers[rows].tolist())) for rows in by_value(numbers(found, "ip_addr"), honest)]
    assert max(sharing) > 30
    days = np.bincount(moments // DAY - moments.min() // DAY)
    assert days.max() > 2 * np.median(days)


@every_seed
def test_frauds_are_known_after_a_median_of_ten_days_and_corrected_labels_later(seed: int) -> None:
    files = [orders_file(number, SETTINGS, seed) for number in range(4)]
    is_fraud = np.concatenate([each.columns["is_fraud"] for each in files]) == 1
    days = (
        np.concatenate([milliseconds(each, "label_known_at") - milliseconds(each, "order_date") for each in files])
        / DAY
    )
    assert 9 < np.median(days[is_fraud]) < 11.5
    assert np.mean(days[is_fraud] < 35) > 0.93
    assert 0.002 < np.mean(days[is_fraud] > 60) < 0.04
    assert np.mean(days[~is_fraud] == 30) == pytest.approx(0.999, abs=0.0005)
    assert np.all(days > 0)


def test_the_best_average_precision_of_a_few_orders_is_what_all_their_labels_come_to() -> None:
    probabilities = np.array([0.1, 0.7, 0.4])
    counts = np.array([3, 2, 1])
    descending = [0.7, 0.7, 0.4, 0.1, 0.1, 0.1]
    gained = expected = 0.0
    for labels in product((0, 1), repeat=6):
        weight = float(
            np.prod([share if label else 1 - share for label, share in zip(labels, descending, strict=True)])
        )
        frauds = np.cumsum(labels)
        gained += weight * sum(frauds[rank] / (rank + 1) for rank in range(6) if labels[rank])
        expected += weight * sum(labels)
    assert expected_average_precision(probabilities, counts) == pytest.approx(gained / expected, rel=1e-9)


def test_the_best_average_precision_is_what_drawn_labels_have_on_average_and_stated() -> None:
    files = [orders_file(number, SETTINGS, 1) for number in range(12)]
    counts = [probability_counts(each) for each in files]
    best = best_average_precision(np.sum(counts, axis=0))
    assert best == pytest.approx(0.825, abs=0.0005)
    together = LabelledSample({"": np.empty(1_200_000)}, np.concatenate([each.probabilities for each in files]))
    assert best == pytest.approx(together.best_possible_average_precision, rel=1e-9)
    random, one = np.random.default_rng(5), files[0]
    drawn = [random.random(len(one)) < one.probabilities for _ in range(40)]
    ranked = one.probabilities + 1e-9 * random.random(len(one))
    found = [average_precision_score(labels, ranked) for labels in drawn]
    assert one.best_possible_average_precision == pytest.approx(np.mean(found), abs=0.004)
    assert best_average_precision(counts[0]) == pytest.approx(one.best_possible_average_precision, rel=1e-9)


def test_histories_tell_frauds_that_the_orders_alone_do_not() -> None:
    file = orders_file(4, SETTINGS, 1)
    alone = np.column_stack([file.columns["order_amount"], milliseconds(file, "order_date") % DAY // HOUR])
    with_histories = np.column_stack([alone, _by_hand(file)])
    labels, cut = file.columns["is_fraud"], 70_000
    found = []
    for features in (alone, with_histories):
        model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, min_samples_leaf=40, random_state=0)
        model.fit(features[:cut], labels[:cut])
        found.append(average_precision_score(labels[cut:], model.predict_proba(features[cut:])[:, 1]))
    best = LabelledSample({"": labels[cut:]}, file.probabilities[cut:]).best_possible_average_precision
    assert found[0] < 0.2
    assert found[0] + 0.3 < found[1] < best + 0.03


def _by_hand(file: LabelledSample) -> NDArray[np.float64]:
    """What the last ten orders of each order's customer and address say of it."""
    names = ("customer_id", "email", "ip_addr", "order_amount")
    rows = zip(*(file.columns[name].tolist() for name in names), milliseconds(file, "order_date").tolist(), strict=True)
    customers: dict[int, deque[tuple[str, str, float, int]]] = {}
    addresses: dict[str, deque[int]] = {}
    found = []
    for customer, email, address, amount, moment in rows:
        before = customers.setdefault(customer, deque(maxlen=10))
        there = addresses.setdefault(address, deque(maxlen=10))
        amounts = [each[2] for each in before]
        found.append(
            (
                len(before),
                amount * len(amounts) / sum(amounts) if amounts else np.nan,
                min(amounts, default=np.nan),
                email in {each[0] for each in before},
                address in {each[1] for each in before},
                sum(moment - each[3] < HOUR for each in before),
                moment - before[-1][3] if before else np.nan,
                len(set(there)),
                len(there),
            )
        )
        before.append((email, address, amount, moment))
        there.append(customer)
    return np.array(found, dtype=np.float64)
