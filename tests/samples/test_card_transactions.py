"""The sample of card transactions: the public set's shapes, a documented pattern, a best score that is true."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]  # it ships no types

from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.samples import DEFAULT_SEED, SAMPLES
from fraud_detection_api.samples.card_transactions import card_transactions
from fraud_detection_api.samples.sample_table import LabelledSample
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS

PUBLIC_COLUMNS = ["Time", *(f"V{number}" for number in range(1, 29)), "Amount", "Class"]


@pytest.fixture(scope="module")
def table() -> LabelledSample:
    return card_transactions(SAMPLES[CARD_TRANSACTIONS.name].rows, DEFAULT_SEED)


def floats(table: LabelledSample, name: str) -> NDArray[np.float64]:
    """A column as numbers."""
    return table.columns[name].astype(np.float64)


def test_the_columns_are_those_of_the_public_file(table: LabelledSample) -> None:
    assert list(table.columns) == PUBLIC_COLUMNS
    assert [*CARD_TRANSACTIONS.record.model_fields, CARD_TRANSACTIONS.label] == PUBLIC_COLUMNS


def test_times_are_whole_seconds_of_two_days_in_order_with_quiet_nights(table: LabelledSample) -> None:
    times = floats(table, "Time")
    assert np.all(np.diff(times) >= 0)
    assert np.array_equal(times, np.floor(times))
    assert times[0] < 600
    assert 172_000 < times[-1] <= 172_792
    hours = np.bincount((times % 86_400 // 3600).astype(int), minlength=24)
    assert 4 < hours[14:16].mean() / hours[2:4].mean() < 12


def test_components_shrink_do_not_correlate_and_have_heavy_tails(table: LabelledSample) -> None:
    components = np.stack([floats(table, f"V{number}") for number in range(1, 29)])
    deviations = components.std(axis=1)
    assert deviations[0] == pytest.approx(1.96, rel=0.03)
    assert deviations[-1] == pytest.approx(0.33, rel=0.03)
    assert np.all(np.diff(deviations) < 0)
    honest = components[:, table.columns["Class"] == 0]
    correlations = np.corrcoef(honest) - np.eye(28)
    assert np.abs(correlations).max() < 0.05
    standardised = honest / honest.std(axis=1, keepdims=True)
    assert (standardised**4).mean(axis=1).min() > 4.5  # a normal variable has 3


def test_amounts_are_cents_with_the_mean_and_median_of_the_public_set(table: LabelledSample) -> None:
    amounts = floats(table, "Amount")
    assert np.allclose(amounts * 100, np.round(amounts * 100))
    assert amounts.mean() == pytest.approx(88, rel=0.05)
    assert np.median(amounts) == pytest.approx(22, rel=0.05)
    assert 0 <= amounts.min() < 0.1
    assert 5_000 < amounts.max() <= 25_691.16


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_about_17_in_10_000_are_frauds(seed: int) -> None:
    sample = card_transactions(100_000, seed)
    assert 0.0014 < floats(sample, "Class").mean() < 0.0021
    assert 0.0015 < sample.probabilities.mean() < 0.0019


def test_frauds_differ_as_documented_and_overlap_with_honest_payments(table: LabelledSample) -> None:
    is_fraud = table.columns["Class"] == 1
    for number in range(1, 29):
        values = floats(table, f"V{number}") / floats(table, f"V{number}").std()
        shift = values[is_fraud].mean() - values[~is_fraud].mean()
        side = {4: 1, 10: -1, 11: 1, 12: -1, 14: -1, 17: -1}.get(number, 0)
        assert side * shift > 2 if side else abs(shift) < 0.35
        assert values[~is_fraud].max() > values[is_fraud].min()
    amounts, is_night = floats(table, "Amount"), floats(table, "Time") % 86_400 < 21_600
    assert np.median(amounts[is_fraud]) < np.median(amounts[~is_fraud])
    assert is_night[is_fraud].mean() > 1.5 * is_night[~is_fraud].mean()


def test_the_probabilities_are_those_of_the_documented_formula(table: LabelledSample) -> None:
    deviations = [1.96 * (0.33 / 1.96) ** (number / 27) for number in range(28)]
    log_odds = np.full(len(table), -10.5)
    for number, side, weight in ((10, -1, 1), (12, -1, 1), (14, -1, 1.5), (17, -1, 1), (4, 1, 0.8), (11, 1, 0.8)):
        aside = side * floats(table, f"V{number}") / deviations[number - 1]
        log_odds += 0.55 * weight * np.minimum(np.maximum(aside, 0), 5)
    log_odds += 0.8 * (floats(table, "Time") % 86_400 < 6 * 3600) - 0.3 * np.log(1 + floats(table, "Amount") / 22)
    odds = np.exp(np.minimum(log_odds, 4))
    np.testing.assert_allclose(table.probabilities, odds / (1 + odds), rtol=1e-9)


def test_the_best_possible_auc_is_that_of_the_true_probabilities_and_stated(table: LabelledSample) -> None:
    assert table.best_possible_auc == pytest.approx(0.983, abs=0.0005)
    samples = [card_transactions(100_000, seed) for seed in range(1, 6)]
    labels = np.concatenate([sample.columns["Class"] for sample in samples])
    probabilities = np.concatenate([sample.probabilities for sample in samples])
    assert roc_auc_score(labels, probabilities) == pytest.approx(table.best_possible_auc, abs=0.01)
    for low, high in ((0, 0.001), (0.001, 0.1), (0.1, 0.5), (0.5, 1)):  # labels are drawn with these probabilities
        inside = (probabilities >= low) & (probabilities < high)
        expected = probabilities[inside]
        deviation = np.sqrt(np.sum(expected * (1 - expected)))
        assert abs(labels[inside].sum() - expected.sum()) < 4 * deviation


@pytest.mark.parametrize("label", ['"{}"', "{}"])
def test_the_public_file_is_read_as_it_is(tmp_path: Path, label: str) -> None:
    header = ",".join(f'"{name}"' for name in PUBLIC_COLUMNS)
    components = ",".join(["-1.3598071336738", "2.53634673796914e-05", *["0.25"] * 26])
    rows = [
        f"{time},{components},149.62,{label.format(flag)}" for time, flag in (("0", 0), ("1e+05", 1), ("172792", 0))
    ]
    (tmp_path / "creditcard.csv").write_text("\n".join([header, *rows, ""]))
    wanted = {each.name: each.kind for each in CARD_TRANSACTIONS.fields} | {"Class": Kind.BOOLEAN}
    raw, unreadable = read_table(Source(str(tmp_path / "creditcard.csv")), wanted)
    columns, problems = columns_of_table(raw, CARD_TRANSACTIONS)
    assert [*unreadable, *problems, *RecordCheck(CARD_TRANSACTIONS).problems(columns)] == []
    assert raw["Class"].tolist() == [False, True, False]
    assert columns.numbers[0].tolist() == [0, 100_000, 172_792]
    assert columns.numbers[:3, 1].tolist() == [100_000, -1.3598071336738, 2.53634673796914e-05]
    assert columns.numbers[-1].tolist() == [149.62] * 3
