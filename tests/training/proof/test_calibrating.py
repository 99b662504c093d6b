"""Calibration: kept only where it helps on rows it has not seen, never out of order, the same alone as in a crowd."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped]  # it ships no types
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # it ships no types

from fraud_detection_api.model.calibration import calibrated, log_odds
from fraud_detection_api.model.manifest import Isotonic, Platt
from fraud_detection_api.training.proof.calibrating import Curve, chosen_calibration, isotonic, platt

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def truths(rows: int, seed: int) -> tuple[Floats, Flags]:
    """Probabilities that are as frequent as they say."""
    random = np.random.default_rng(seed)
    true = random.beta(0.5, 4, rows).astype(np.float32)
    return true, random.random(rows) < true


def exaggerated(true: Floats) -> Floats:
    """What a model says that is three times too sure of itself."""
    return (1 / (1 + np.exp(-3 * log_odds(true)))).astype(np.float32)


def brier(probabilities: Floats, labels: Flags) -> float:
    return float(((probabilities.astype(np.float64) - labels) ** 2).mean())


@pytest.mark.parametrize("seed", range(5))
def test_exaggeration_is_mended_on_rows_that_the_curve_has_not_seen(seed: int) -> None:
    (seen, labels), (unseen, unseen_labels), (later, later_labels) = (
        truths(4000, 3 * seed + part) for part in range(3)
    )
    curve = chosen_calibration(exaggerated(seen), labels, exaggerated(unseen), unseen_labels)
    assert curve is not None
    mended = calibrated(exaggerated(later), curve)
    assert brier(mended, later_labels) < brier(exaggerated(later), later_labels)
    assert brier(mended, later_labels) == pytest.approx(brier(later, later_labels), abs=0.002)


def test_true_probabilities_are_left_as_they_are() -> None:
    kept = 0
    for seed in range(40):
        (seen, labels), (unseen, unseen_labels) = truths(1500, 2 * seed), truths(3000, 2 * seed + 1)
        kept += chosen_calibration(seen, labels, unseen, unseen_labels) is not None
    assert kept <= 10  # a gain of one standard error comes by chance about one time in six


def test_too_few_frauds_to_draw_a_curve_through() -> None:
    seen, _ = truths(500, 1)
    few = np.arange(500) < 9
    unseen, unseen_labels = truths(500, 2)
    assert chosen_calibration(exaggerated(seen), few, exaggerated(unseen), unseen_labels) is None
    nothing = np.zeros(0, dtype=np.float32)
    assert chosen_calibration(nothing, np.zeros(0, dtype=bool), unseen, unseen_labels) is None


def test_platt_is_scikit_learns_logistic_regression_on_the_same_softened_labels() -> None:
    probabilities, labels = truths(3000, 7)
    found = platt(probabilities, labels)
    positives = labels.sum()
    high, low = (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2)
    target = np.where(labels, high, low)
    margins = np.tile(log_odds(probabilities), 2)[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    model.fit(margins, np.repeat([1, 0], len(labels)), sample_weight=np.r_[target, 1 - target])
    assert found is not None
    assert (found.slope, found.intercept) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-3)


def test_isotonic_joins_the_centres_of_scikit_learns_steps() -> None:
    probabilities, labels = truths(2000, 11)
    found = isotonic(probabilities, labels)
    steps = IsotonicRegression().fit_transform(probabilities.astype(np.float64), labels.astype(np.float64))
    assert found is not None
    for given_at, true in list(zip(found.given, found.true, strict=True))[1:-1]:
        pool = np.isclose(steps, true, rtol=0, atol=1e-12)
        assert pool.any()
        assert probabilities[pool].astype(np.float64).mean() == pytest.approx(given_at, abs=1e-9)


@pytest.mark.parametrize("digits", [1, 2])
def test_isotonic_pools_ties_as_scikit_learn_does_whatever_the_order_of_the_rows(digits: int) -> None:
    probabilities, labels = truths(600, 13)
    tied = probabilities.round(digits)
    found = isotonic(tied, labels)
    assert found is not None
    model = IsotonicRegression().fit(tied.astype(np.float64), labels.astype(np.float64))
    steps = model.predict(np.unique(tied).astype(np.float64))
    wanted = [
        (tied[np.isin(tied, np.unique(tied)[steps == step])].astype(np.float64).mean(), step)
        for step in np.unique(steps)
    ]
    inside = [(at, step) for at, step in wanted if 0 < at < 1 and 0 < step < 1]
    assert len(inside) > 1
    assert found.given[1:-1] == pytest.approx([at for at, _ in inside], abs=1e-9)
    assert found.true[1:-1] == pytest.approx([step for _, step in inside], abs=1e-9)
    assert (np.diff(found.given) > 0).all()
    assert (np.diff(found.true) > 0).all()
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(600)
        assert isotonic(tied[order], labels[order]) == found


def test_one_probability_is_one_step_however_often_it_was_said() -> None:
    tied = np.repeat(np.array([0.2, 0.6], dtype=np.float32), 50)
    frauds = np.arange(100) % 50 < np.repeat([10, 40], 50)
    found = isotonic(tied, frauds)
    assert found is not None
    assert found.given == pytest.approx((0, 0.2, 0.6, 1))
    assert found.true == pytest.approx((0, 0.2, 0.8, 1))


@given(st.integers(0, 10_000), st.integers(30, 400), st.sampled_from([platt, isotonic]))
def test_no_curve_puts_two_records_out_of_order_and_each_stays_a_probability(seed: int, rows: int, fit: object) -> None:
    probabilities, labels = truths(rows, seed)
    curve = fit(probabilities, labels)  # type: ignore[operator]  # hypothesis samples objects
    if curve is None:
        return
    asked = np.sort(np.concatenate([probabilities, np.linspace(0, 1, 501, dtype=np.float32)]))
    answered = calibrated(asked, curve)
    assert (np.diff(answered) >= 0).all()
    assert answered.min() >= 0
    assert answered.max() <= 1


@pytest.mark.parametrize(
    "curve",
    [Platt(slope=0.7, intercept=-1.25), Isotonic(given=(0.0, 0.2, 0.7, 1.0), true=(0.0, 0.01, 0.6, 1.0))],
)
def test_a_record_gets_the_same_bits_alone_and_in_any_crowd(curve: Curve) -> None:
    probabilities = np.random.default_rng(3).random(999).astype(np.float32)
    together = calibrated(probabilities, curve)
    for size in (1, 2, 3, 7, 8, 64, 100):
        parts = [calibrated(probabilities[at : at + size], curve) for at in range(0, len(probabilities), size)]
        assert np.concatenate(parts).tobytes() == together.tobytes()


def test_a_curve_that_falls_is_no_curve() -> None:
    probabilities, labels = truths(1000, 5)
    assert platt(probabilities, ~labels & (probabilities < 0.1)) is None
