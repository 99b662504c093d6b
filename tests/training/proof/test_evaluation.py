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

from fraud_detection_api.training.proof.evaluation import (
    MEASURES,
    Evaluation,
    Operation,
    Ranking,
    evaluate,
    resample_counts,
)
from fraud_detection_api.training.proof.threshold import best_threshold

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def scored(rows: int, seed: int, digits: int = 7) -> tuple[Floats, Flags]:
    random = np.random.default_rng(seed)
    probabilities = (random.random(rows) ** 3).round(digits).astype(np.float32)
    return probabilities, random.random(rows) < probabilities


def value(probabilities: Floats, labels: Flags, name: str, budget: float = 0.1) -> float:
    ranking = Ranking(probabilities, labels, Operation(budget, 0.5))
    return float(ranking.measures(np.ones(len(labels)))[MEASURES.index(name)])


@given(st.integers(20, 400), st.integers(0, 1000), st.sampled_from([1, 2, 7]))
def test_measures_are_those_of_scikit_learn_ties_or_not(rows: int, seed: int, digits: int) -> None:
    probabilities, labels = scored(rows, seed, digits)
    labels[:2] = True, False
    sure = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    false_rates, hits, _ = roc_curve(labels, probabilities, drop_intermediate=False)
    expected = {
        "roc_auc": roc_auc_score(labels, probabilities),
        "average_precision": average_precision_score(labels, probabilities),
        "recall_at_1_percent_fpr": hits[false_rates <= 0.01].max(),
        "recall_at_threshold": recall_score(labels, probabilities >= 0.5),
        "precision_at_threshold": precision_score(labels, probabilities >= 0.5, zero_division=0),
        "brier": brier_score_loss(labels, probabilities.astype(np.float64)),
        "log_loss": log_loss(labels, sure),
    }
    assert {name: value(probabilities, labels, name) for name in expected} == pytest.approx(expected, abs=1e-9)


def test_weights_count_rows_as_often_as_they_say() -> None:
    probabilities, labels = scored(300, seed=3, digits=2)
    counts = next(resample_counts(300, seed=1)).astype(int)
    operation = Operation(0.1, 0.5)
    weighted = Ranking(probabilities, labels, operation).measures(counts.astype(np.float64))
    repeated = Ranking(np.repeat(probabilities, counts), np.repeat(labels, counts), operation)
    without_bins = [name != "calibration_error" for name in MEASURES]  # the bins are those of the rows themselves
    ones = np.ones(counts.sum())
    assert weighted[without_bins] == pytest.approx(repeated.measures(ones)[without_bins])


def test_recall_at_a_review_budget_is_the_share_of_frauds_among_the_most_suspicious() -> None:
    probabilities = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05], dtype=np.float32)
    labels = np.array([1, 0, 1, 0, 0, 1, 0, 0, 0, 0], dtype=bool)
    assert value(probabilities, labels, "recall_at_review_budget", budget=0.3) == pytest.approx(2 / 3)
    assert value(probabilities, labels, "recall_at_review_budget", budget=0.05) == 0


def test_ties_that_do_not_fit_the_budget_are_not_half_reviewed() -> None:
    probabilities = np.array([0.9, 0.5, 0.5, 0.5, 0.1], dtype=np.float32)
    labels = np.array([1, 1, 1, 0, 0], dtype=bool)
    assert value(probabilities, labels, "recall_at_review_budget", budget=0.4) == pytest.approx(1 / 3)


def test_calibration_error_is_the_mean_distance_of_promise_and_truth_over_ten_bins() -> None:
    probabilities = np.repeat(np.linspace(0.05, 0.95, 10), 100).astype(np.float32)
    labels = np.concatenate([np.arange(100) < 100 * low for low in np.linspace(0.05, 0.95, 10)])
    assert value(probabilities, labels, "calibration_error") == pytest.approx(0, abs=1e-6)
    assert value(probabilities / np.float32(2), labels, "calibration_error") == pytest.approx(0.25, abs=1e-6)


def test_the_interval_is_as_wide_as_the_spread_over_fresh_samples() -> None:
    found = np.array([evaluate(*scored(2000, seed), Operation(0.1, 0.5), 0).values for seed in range(60)])
    evaluation = evaluate(*scored(2000, 99), Operation(0.1, 0.5), seed=0)
    for position, name in enumerate(MEASURES):
        measure = evaluation.measure(name)
        assert measure.low is not None
        assert measure.high is not None
        assert measure.low <= measure.value <= measure.high
        if name != "calibration_error":
            width = np.quantile(found[:, position], 0.975) - np.quantile(found[:, position], 0.025)
            assert measure.high - measure.low == pytest.approx(width, rel=0.5)


def test_the_same_seed_gives_the_same_intervals() -> None:
    probabilities, labels = scored(500, seed=1)
    first, again = (evaluate(probabilities, labels, Operation(0.1, 0.5), seed=4).measures() for _ in range(2))
    assert first == again


def test_resamples_count_every_row_once_on_average() -> None:
    counts = np.array(list(resample_counts(5000, seed=0, resamples=100)))
    assert counts.mean() == pytest.approx(1, abs=0.005)
    assert counts.var() == pytest.approx(1, abs=0.01)


def test_a_model_does_not_differ_from_itself() -> None:
    probabilities, labels = scored(500, seed=1)
    evaluations: list[Evaluation] = [evaluate(probabilities, labels, Operation(0.1, 0.5), seed=0) for _ in range(2)]
    difference = evaluations[0].minus(evaluations[1], "average_precision")
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_pairing_makes_a_small_difference_on_the_same_rows_visible() -> None:
    probabilities, labels = scored(4000, seed=2)
    noise = np.random.default_rng(0).normal(0, 0.05, 4000).astype(np.float32)
    good, worse = (evaluate(each, labels, Operation(0.1, 0.5), 0) for each in (probabilities, probabilities + noise))
    difference, alone = worse.minus(good, "average_precision"), good.measure("average_precision")
    assert difference.high is not None
    assert difference.high < 0
    assert worse.measure("average_precision").value > (alone.low or 1)


def test_resamples_without_a_fraud_do_not_spoil_the_interval() -> None:
    probabilities = np.linspace(0, 1, 100, dtype=np.float32)
    measure = evaluate(probabilities, np.arange(100) == 99, Operation(0.1, 0.5), seed=0).measure("roc_auc")
    assert (measure.value, measure.low, measure.high) == (1, 1, 1)


def test_the_threshold_gives_the_highest_f1_there_is() -> None:
    probabilities, labels = scored(400, seed=5, digits=2)

    def f1(threshold: float) -> float:
        flagged = probabilities >= threshold
        return 2 * int((flagged & labels).sum()) / int(flagged.sum() + labels.sum())

    found = best_threshold(probabilities, labels)
    assert f1(found) == max(f1(threshold) for threshold in np.unique(probabilities))
