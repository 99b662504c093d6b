"""A number that says which row came first: the split, the folds and the proof follow it, and there are no dates."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.tables.checked import wanted_kinds
from fraud_detection_api.training.tables.dataset import Dataset, Period, dataset_of
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS
from tests.learning import with_learning
from tests.training.claims import TIMELESS_CLAIMS, claims_table
from tests.training.fitting import QUICK, fitted, table_file

ONE_THREAD = replace(QUICK, rounds=None, depth=None)  # of what may be of a kind that does not boost

Table = dict[str, RawColumn]
NUMBERED = with_learning(replace(TIMELESS_CLAIMS, name="numbered_claims"), order_column="number")


def dataset(table: Table, use_case: UseCase = NUMBERED, *, skip_bad_rows: bool = False) -> Dataset:
    """The dataset in a table."""
    return dataset_of(table, [], use_case, Period(), skip_bad_rows=skip_bad_rows)


def numbered(numbers: RawColumn) -> Table:
    """Claims with a number each, which is no field of theirs."""
    return claims_table(len(numbers)) | {"number": numbers}


def transactions(rows: int = 2400) -> Table:
    """Card transactions, a tenth of them frauds that V3 tells, in no order; two share each moment."""
    random = np.random.default_rng(6)
    label = random.random(rows) < 0.1
    table: Table = {name: random.normal(size=rows) for name in CARD_TRANSACTIONS.feature_names}
    table["V3"] = random.normal(np.where(label, -2.0, 0.0))
    table["Time"] = random.permutation(np.arange(rows) // 2).astype(np.float64)
    table["Amount"] = random.uniform(0, 500, rows)
    return table | {"Class": label.astype(np.int64)}


def test_moments_rank_the_numbers_and_equal_numbers_share_a_moment() -> None:
    numbers = np.tile([7.5, -2.0, 7.5, 1e12, 0.0], 40)
    assert np.asarray(dataset(numbered(numbers)).moments).tolist() == [2, 0, 2, 3, 1] * 40
    assert dataset(numbered(numbers)).days is None
    assert wanted_kinds(NUMBERED)["number"] == "number"


def test_a_row_without_its_number_is_refused_or_left_out() -> None:
    numbers = np.arange(300.0)
    numbers[[4, 9]] = np.nan
    with pytest.raises(DataRefused, match="number: A number is required"):
        dataset(numbered(numbers))
    found = dataset(numbered(numbers), skip_bad_rows=True)
    assert (len(found), found.skipped) == (298, 2)
    assert np.asarray(found.moments).tolist() == list(range(298))


def test_a_table_without_the_number_is_refused_by_its_name() -> None:
    with pytest.raises(DataRefused, match="number"):
        dataset(claims_table(300))


def test_dates_cannot_be_asked_for() -> None:
    with pytest.raises(DataRefused, match="has no time column to choose dates by"):
        dataset_of(transactions(), [], CARD_TRANSACTIONS, Period(date(2024, 1, 1)), skip_bad_rows=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with the same table trained twice, by two kinds of model."""
    folder = tmp_path_factory.mktemp("cards")
    data = table_file(folder, transactions())
    for kind in ("xgboost", "logistic"):
        assert fitted(data, folder / "models", replace(ONE_THREAD, model=kind), CARD_TRANSACTIONS).is_champion
    return folder / "models"


def test_card_transactions_are_proved_on_the_last_of_them(trained: Path) -> None:
    registry = Registry(trained)
    for version in registry.versions(CARD_TRANSACTIONS.name):
        manifest = registry.bundle(CARD_TRANSACTIONS.name, version).manifest
        assert manifest.data is not None
        assert manifest.data.split == "in the order of the rows, without a gap"
        assert (manifest.data.first_day, manifest.data.last_day) == (None, None)
        assert manifest.data.validation_rows == 480
        assert manifest.metrics["roc_auc"].value > 0.8
        time = next(feature for feature in manifest.features if feature.name == "Time")
        assert (time.high or 0) < 0.7 * 1200  # it was profiled on what trained, and that came first


def test_on_the_same_table_the_champion_stands_beside(trained: Path) -> None:
    manifest = Registry(trained).bundle(CARD_TRANSACTIONS.name, "champion").manifest
    (beside,) = [check for check in manifest.gate.checks if "champion" in check.name]
    assert "cannot be compared" not in beside.detail
    assert beside.numbers


def test_on_another_table_nobody_can_say_what_the_champion_has_seen(trained: Path, tmp_path: Path) -> None:
    other = transactions(2000)
    manifest = fitted(
        table_file(tmp_path, other), trained, replace(ONE_THREAD, model="tree"), CARD_TRANSACTIONS
    ).manifest
    (beside,) = [check for check in manifest.gate.checks if "champion" in check.name]
    assert "cannot be compared: no day tells" in beside.detail
