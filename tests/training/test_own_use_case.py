"""A use case of one's own, with texts, missing values, booleans and dates: trained and scored like any other."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import KnownTexts, MatrixMaker, categories_of
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.training.bundling.reference_rows import EXTREMES
from fraud_detection_api.training.saved_model import parsed, thresholds, trees_of
from fraud_detection_api.training.tables.feature_profile import feature_profiles
from fraud_detection_api.training.xgboost_trainer import loaded
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import QUICK, fitted, table_file


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("claims")
    found = fitted(table_file(folder, claims_table(4000)), folder / "models", QUICK, CLAIMS)
    assert found.is_champion
    return Registry(folder / "models").bundle(CLAIMS.name, "champion")


def columns(rows: int = 500, seed: int = 9) -> Columns:
    found, problems = columns_of_table(claims_table(rows, seed), CLAIMS)
    assert problems == []
    return found


def test_its_scores_are_the_librarys_on_codes_and_missing_values(bundle: Bundle) -> None:
    maker = MatrixMaker(CLAIMS.feature_names, bundle.manifest.categories)
    expected = loaded(bundle.model).inplace_predict(maker.matrix(columns()))
    uncalibrated = replace(bundle, manifest=bundle.manifest.model_copy(update={"calibration": None}))
    assert load_scorer(uncalibrated, CLAIMS).scores(columns()).values.tobytes() == expected.tobytes()


def test_it_has_learned_from_texts_and_from_what_is_missing(bundle: Bundle) -> None:
    found = columns(4000)
    scores = load_scorer(bundle, CLAIMS).scores(found).values
    web = np.array([text == "web" for text in found.texts["channel"]])
    linz = np.array([text == "Linz" for text in found.texts["city"]])
    no_income = np.isnan(found.numbers[CLAIMS.feature_names.index("income")])
    for risky in (web, linz, no_income):
        assert scores[risky].mean() > 1.5 * scores[~risky].mean()


def test_the_manifest_keeps_the_categories_in_the_order_of_their_codes(bundle: Bundle) -> None:
    assert bundle.manifest.categories == {
        "channel": KnownTexts(("broker", "phone", "web")),
        "city": KnownTexts(("Bregenz", "Eisenstadt", "Graz", "Linz", "Sankt P\u00f6lten", "Wien")),
    }


def test_a_category_never_seen_is_scored_as_missing_with_a_warning(bundle: Bundle) -> None:
    scorer, found = load_scorer(bundle, CLAIMS), columns(3)
    abroad = replace(found, texts=found.texts | {"city": ["Roma", "Roma", "Roma"]})
    nowhere = replace(found, texts=found.texts | {"city": [None, None, None]})
    assert scorer.scores(abroad).values.tobytes() == scorer.scores(nowhere).values.tobytes()
    assert {warned.field for warned in scorer.warnings(abroad)[0]} == {"city"}


def test_a_category_that_only_later_rows_hold_is_not_learned(tmp_path: Path) -> None:
    table = claims_table(3000)
    city = table["city"].copy()
    city[table["claimed_on"] > np.datetime64("2025-09-25")] = "Salzburg"
    manifest = fitted(table_file(tmp_path, table | {"city": city}), tmp_path / "models", QUICK, CLAIMS).manifest
    assert "Salzburg" not in manifest.categories["city"].texts


def test_profiles_hold_ranges_missing_shares_and_histograms_that_count_every_row(bundle: Bundle) -> None:
    profiles = {feature.name: feature for feature in bundle.manifest.features}
    assert (profiles["amount"].low or 0) >= 10
    assert (profiles["amount"].high or 0) <= 5000
    assert profiles["income"].missing_share == pytest.approx(0.3, abs=0.03)
    assert profiles["city"].missing_share == pytest.approx(1 / 7, abs=0.02)
    rows = {
        name: round(sum(profile.histogram_counts) / (1 - (profile.missing_share or 0)))
        for name, profile in profiles.items()
    }
    assert len(set(rows.values())) == 1
    for profile in profiles.values():
        bins = len(profile.categories) if profile.categories is not None else len(profile.histogram_edges) - 1
        assert len(profile.histogram_counts) == bins


def test_a_histogram_counts_what_numpy_counts() -> None:
    found = columns(1000)
    amount, *_ = feature_profiles(CLAIMS, found, np.arange(1000), categories_of(found.texts, 10))
    expected, _ = np.histogram(found.numbers[0], amount.histogram_edges)
    assert list(amount.histogram_counts) == expected.tolist()


def test_a_feature_that_is_constant_or_always_missing_has_a_profile() -> None:
    numbers = np.zeros((len(CLAIMS.features), 10))
    numbers[CLAIMS.feature_names.index("income")] = np.nan
    texts: dict[str, list[str | None]] = {"channel": ["web"] * 10, "city": [None] * 10}
    made = Columns([str(row) for row in range(10)], numbers, texts)
    profiles = feature_profiles(CLAIMS, made, np.arange(10), {"channel": KnownTexts(("web",)), "city": KnownTexts(())})
    amount, channel, city, income, *_ = profiles
    assert (amount.low, amount.high, amount.histogram_counts) == (0, 0, (10,))
    assert (channel.histogram_counts, city.missing_share, city.categories) == ((10,), 1, ())
    assert (income.low, income.missing_share, income.histogram_counts) == (None, 1, ())


def test_reference_rows_lie_on_splits_beside_them_outside_and_on_nothing(bundle: Bundle) -> None:
    matrix = bundle.reference.matrix
    assert 200 < len(matrix) < 300
    assert np.isnan(matrix).all(axis=1).any()
    amount = CLAIMS.feature_names.index("amount")
    values = thresholds(trees_of(parsed(bundle.model)))[amount]
    below = np.nextafter(values, np.float32(-np.inf))
    assert np.isin(matrix[:, amount], values).sum() > 20
    assert np.isin(matrix[:, amount], below).sum() > 20
    assert np.isin(EXTREMES, matrix[:, amount]).all()
    for position in range(matrix.shape[1]):
        assert np.isnan(matrix[:, position]).any()
    expected = loaded(bundle.model).inplace_predict(matrix)
    assert expected.tobytes() == bundle.reference.scores.tobytes()


def test_without_a_time_column_rows_are_split_at_random_and_the_manifest_says_so(tmp_path: Path) -> None:
    table = {name: values for name, values in claims_table(3000).items() if name != "claimed_on"}
    manifest = fitted(table_file(tmp_path, table), tmp_path / "models", QUICK, TIMELESS_CLAIMS).manifest
    assert manifest.data is not None
    assert manifest.data.split == "at random with seed 0, because the use case has no time column"
    assert (manifest.data.first_day, manifest.data.validation_rows) == (None, 600)
    assert "trained_until" not in manifest.parameters
