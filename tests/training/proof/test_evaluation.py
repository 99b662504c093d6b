"""The evaluation: the figures of scikit-learn, or those that a hand can count, and intervals that hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (  # type: ignore[import-untyped]  # it ships no types
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Evaluation, Operation, Yardstick, evaluate, measure_values
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.measures import ALL_MEASURES, MEASURES, refuse_unknown
from fraud_detection_api.training.proof.resampling import resample_counts
from fraud_detection_api.training.proof.threshold import best_f1

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
OPERATION = Operation(Budget(share=0.1), 0.5)


def scored(rows: int, seed: int, digits: int = 7) -> HoldoutRows:
    random = np.random.default_rng(seed)
    probabilities = (random.random(rows) ** 3).round(digits).astype(np.float32)
    return HoldoutRows(probabilities, random.random(rows) < probabilities)


def value(probabilities: Floats, labels: Flags, name: str) -> float:
    return measure_values(HoldoutRows(probabilities, labels), OPERATION)[name]


@given(st.integers(20, 400), st.integers(0, 1000), st.sampled_from([1, 2, 7]))
def test_measures_are_those_of_scikit_learn_ties_or_not(rows: int, seed: int, digits: int) -> None:
    made = scored(rows, seed, digits)
    probabilities, labels = made.probabilities, made.labels
    labels[:2] = True, False
    sure = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    false_rates, hits, _ = roc_curve(labels, probabilities, drop_intermediate=False)
    expected = {
        "roc_auc": roc_auc_score(labels, probabilities),
        "average_precision": average_precision_score(labels, probabilities),
        "recall_at_1_percent_fpr": hits[false_rates <= 0.01].max(),
        "recall_at_5_percent_fpr": hits[false_rates <= 0.05].max(),
        "recall_at_threshold": recall_score(labels, probabilities >= 0.5),
        "precision_at_threshold": precision_score(labels, probabilities >= 0.5, zero_division=0),
        "brier": brier_score_loss(labels, probabilities.astype(np.float64)),
        "log_loss": log_loss(labels, sure),
    }
    found = measure_values(made, OPERATION)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_weights_count_rows_as_often_as_they_say() -> None:
    rows = scored(300, seed=3, digits=2)
    counts = next(resample_counts(300, seed=1)).astype(int)
    weighted = Yardstick(rows, OPERATION).values(counts.astype(np.float64))
    repeated = HoldoutRows(np.repeat(rows.probabilities, counts), np.repeat(rows.labels, counts))
    without_bins = [name != "calibration_error" for name in MEASURES]  # the bins are those of the rows themselves
    expected = np.array([measure_values(repeated, OPERATION)[name] for name in MEASURES])
    assert weighted[without_bins] == pytest.approx(expected[without_bins])


def test_calibration_error_is_the_mean_distance_of_promise_and_truth_over_ten_bins() -> None:
    probabilities = np.repeat(np.linspace(0.05, 0.95, 10), 100).astype(np.float32)
    labels = np.concatenate([np.arange(100) < 100 * low for low in np.linspace(0.05, 0.95, 10)])
    assert value(probabilities, labels, "calibration_error") == pytest.approx(0, abs=1e-6)
    assert value(probabilities / np.float32(2), labels, "calibration_error") == pytest.approx(0.25, abs=1e-6)


def test_the_interval_is_as_wide_as_the_spread_over_fresh_samples() -> None:
    found = np.array([list(measure_values(scored(2000, seed), OPERATION).values()) for seed in range(60)])
    evaluation = evaluate(scored(2000, 99), OPERATION, seed=0)
    for position, name in enumerate(MEASURES):
        measure = evaluation.measure(name)
        assert measure.low is not None
        assert measure.high is not None
        assert measure.low <= measure.value <= measure.high
        if name != "calibration_error":
            width = np.quantile(found[:, position], 0.975) - np.quantile(found[:, position], 0.025)
            assert measure.high - measure.low == pytest.approx(width, rel=0.5)


def test_the_same_seed_gives_the_same_intervals() -> None:
    rows = scored(500, seed=1)
    assert evaluate(rows, OPERATION, seed=4).measures() == evaluate(rows, OPERATION, seed=4).measures()


def test_rows_of_a_card_come_and_go_together_so_that_copies_make_no_interval_narrower() -> None:
    alone, copied = scored(400, seed=1), np.repeat(np.arange(400), 5)
    copies = HoldoutRows(alone.probabilities[copied], alone.labels[copied])
    of_cards = HoldoutRows(copies.probabilities, copies.labels, entities=copied)
    widths = [
        (measure.high or 0) - (measure.low or 0)
        for measure in (evaluate(rows, OPERATION, 0).measure("roc_auc") for rows in (alone, of_cards, copies))
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.02)
    assert widths[2] < 0.6 * widths[0]


def test_which_numbers_cards_have_changes_no_interval() -> None:
    rows, cards = scored(400, seed=1), np.random.default_rng(0).integers(0, 50, 400)
    one, other = (
        evaluate(HoldoutRows(rows.probabilities, rows.labels, entities=each), OPERATION, 0)
        for each in (cards, cards * 7 + 1000)
    )
    assert one.measures() == other.measures()


def test_resamples_count_every_row_once_on_average() -> None:
    counts = np.array(list(resample_counts(5000, seed=0, resamples=100)))
    assert counts.mean() == pytest.approx(1, abs=0.005)
    assert counts.var() == pytest.approx(1, abs=0.01)


def test_a_model_does_not_differ_from_itself() -> None:
    rows = scored(500, seed=1)
    evaluations: list[Evaluation] = [evaluate(rows, OPERATION, seed=0) for _ in range(2)]
    difference = evaluations[0].minus(evaluations[1], "average_precision")
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_pairing_makes_a_small_difference_on_the_same_rows_visible() -> None:
    rows = scored(4000, seed=2)
    noise = np.random.default_rng(0).normal(0, 0.05, 4000).astype(np.float32)
    good, worse = (
        evaluate(HoldoutRows(each, rows.labels), OPERATION, 0)
        for each in (rows.probabilities, rows.probabilities + noise)
    )
    difference, alone = worse.minus(good, "average_precision"), good.measure("average_precision")
    assert difference.high is not None
    assert difference.high < 0
    assert worse.measure("average_precision").value > (alone.low or 1)


def test_resamples_without_a_fraud_do_not_spoil_the_interval() -> None:
    rows = HoldoutRows(np.linspace(0, 1, 100, dtype=np.float32), np.arange(100) == 99)
    measure = evaluate(rows, OPERATION, seed=0).measure("roc_auc")
    assert (measure.value, measure.low, measure.high) == (1, 1, 1)


def test_one_class_alone_has_no_figures() -> None:
    rows = HoldoutRows(np.linspace(0, 1, 100, dtype=np.float32), np.zeros(100, dtype=bool))
    assert all(np.isnan(found) for found in measure_values(rows, OPERATION).values())


def test_the_threshold_gives_the_highest_f1_there_is() -> None:
    rows = scored(400, seed=5, digits=2)

    def f1(threshold: float) -> float:
        flagged = rows.probabilities >= threshold
        return 2 * int((flagged & rows.labels).sum()) / int(flagged.sum() + rows.labels.sum())

    found = best_f1().threshold(rows)
    assert f1(found) == max(f1(threshold) for threshold in np.unique(rows.probabilities))


def test_what_is_no_measure_is_refused_with_those_that_are() -> None:
    refuse_unknown(ALL_MEASURES, with_costs=True)
    with pytest.raises(DataRefused, match=r"no measure 'f1'; there are: roc_auc, average_precision, .*cost_per_record"):
        refuse_unknown(["roc_auc", "f1"], with_costs=True)
    with pytest.raises(DataRefused, match="cost_per_record needs a use case with costs"):
        refuse_unknown(["cost_per_record"], with_costs=False)
