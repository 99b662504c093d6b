"""Orders: the features of the contract from what is declared, nobody by name, and a model that comes near the best."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.samples.orders import orders
from fraud_detection_api.samples.sample_table import LabelledSample
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.training.fitting import Fitted
from fraud_detection_api.use_cases.orders import ORDERS
from tests.training.fitting import QUICK, fitted

AMOUNTS = ("mean", "deviation", "smallest", "largest", "sum")
TWENTY = [
    "order_amount",
    *(f"customer_{what}_email_last_10" for what in ("distinct", "same", "known")),
    *(f"customer_{what}_ip_addr_last_10" for what in ("distinct", "same", "known")),
    *(f"email_{what}_customer_id_last_10" for what in ("distinct", "same", "known")),
    *(f"{key}_{what}_order_amount_last_10" for key in ("customer", "email") for what in AMOUNTS),
]
ROWS = 100_000


@pytest.fixture(scope="module")
def sample() -> LabelledSample:
    return orders(ROWS, 1)


@pytest.fixture(scope="module")
def model(sample: LabelledSample, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    folder = tmp_path_factory.mktemp("orders")
    write_table(folder / "orders.parquet", sample.columns)
    return fitted(folder / "orders.parquet", folder / "models", replace(QUICK, rounds=120), ORDERS)


def test_the_twenty_features_of_the_contract_are_among_what_a_model_sees() -> None:
    assert len(TWENTY) == 20
    assert set(TWENTY) <= set(ORDERS.feature_names)


def test_a_model_sees_nobody_by_name() -> None:
    for name in ("order_id", "customer_id", "email", "ip_addr", "location_lat", "location_long"):
        assert name in ORDERS.by_name
        assert name not in ORDERS.feature_names


def test_a_model_of_the_sample_comes_near_the_best_average_precision(model: Fitted, sample: LabelledSample) -> None:
    assert model.is_champion
    validated = slice(round(0.8 * ROWS), None)
    best = LabelledSample({"": np.empty(ROWS // 5)}, sample.probabilities[validated]).best_possible_average_precision
    assert 0.75 * best < model.manifest.metrics["average_precision"].value < best + 0.1


def test_without_histories_a_model_finds_few_frauds_and_the_gate_says_so(
    model: Fitted, sample: LabelledSample, tmp_path: Path
) -> None:
    write_table(tmp_path / "orders.parquet", sample.columns)
    forgetful = fitted(tmp_path / "orders.parquet", tmp_path / "models", QUICK, replace(ORDERS, histories=None))
    assert not forgetful.is_champion
    precisions = [each.manifest.metrics["average_precision"].value for each in (forgetful, model)]
    assert precisions[0] < precisions[1] / 3
