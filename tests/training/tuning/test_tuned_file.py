"""The tuned file, and fits that boost as it says."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.tuning.outcome import Outcome
from fraud_detection_api.training.tuning.tuned_file import TUNED, read_tuned
from tests.training.fitting import accounts_file, fitted
from tests.training.tuning.small_tunings import NAME, SMALL, tuned

TUNED_FIT = FitOptions(tuned=True, threads=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return accounts_file(tmp_path_factory.mktemp("data"), rows=3000)


@pytest.fixture(scope="module")
def models(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A registry that a tuning has left its file in, and what it found."""
    folder = tmp_path_factory.mktemp("models")
    tuning, _ = tuned(data, folder, replace(SMALL, trials=6))
    return folder, tuning.outcome


def test_the_file_says_how_to_boost_and_who_says_so(models: tuple[Path, Outcome]) -> None:
    written = json.loads((models[0] / NAME / TUNED).read_bytes())
    assert written["aim"] == "average_precision"
    assert written["study"].startswith("average_precision-2-folds-seed-0-")
    assert len(written["fingerprint"]) == 64
    assert (written["trials"], written["folds"], written["seed"]) == (6, 2, 0)
    assert set(written["boosting"]) >= {"rounds", "depth", "learning_rate", "patience", "l2", "row_share"}
    assert set(written["gain_on_last_period"]) == {"value", "low", "high"}
    assert not [path for path in (models[0] / NAME).iterdir() if path.suffix == ".part"]


def test_a_fit_with_tuned_is_the_very_model_that_the_tuning_judged(data: Path, models: tuple[Path, Outcome]) -> None:
    folder, outcome = models
    manifest = fitted(data, folder, TUNED_FIT).manifest
    found = read_tuned(Registry(folder), CREDIT_ACCOUNTS)
    assert manifest.metrics == outcome.tuned.measures()
    assert manifest.parameters["tuned_by"] == found.study
    assert manifest.parameters["max_depth"] == found.boosting["depth"]
    assert manifest.parameters["most_rounds"] == found.boosting["rounds"]
    assert manifest.parameters["reg_lambda"] == found.boosting["l2"]


def test_without_tuned_a_fit_boosts_by_default(data: Path, models: tuple[Path, Outcome]) -> None:
    manifest = fitted(data, models[0], FitOptions(threads=1)).manifest
    assert "tuned_by" not in manifest.parameters
    assert (manifest.parameters["max_depth"], manifest.parameters["most_rounds"]) == (5, 300)


def test_the_fits_own_seed_is_kept(models: tuple[Path, Outcome]) -> None:
    assert read_tuned(Registry(models[0]), CREDIT_ACCOUNTS).as_boosting(7).seed == 7


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        (replace(TUNED_FIT, depth=6), "--depth"),
        (replace(TUNED_FIT, learning_rate=0.1, rounds=300), "--rounds, --learning-rate"),
        (replace(TUNED_FIT, patience=0), "--patience"),
    ],
    ids=["depth", "rate and rounds", "patience"],
)
def test_options_that_tuned_decides_are_refused_beside_it_even_at_their_defaults(
    given: FitOptions, flags: str, tmp_path: Path
) -> None:
    with pytest.raises(DataRefused, match=f"already says how to boost: leave out {flags}, or leave out --tuned"):
        fitted(Path("nowhere.csv"), tmp_path, given)


def test_without_a_tuned_file_the_refusal_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=f"run `fraud tune {NAME}` first, or leave out --tuned"):
        fitted(Path("nowhere.csv"), tmp_path, TUNED_FIT)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:50],
        lambda text: text.replace('"depth"', '"death"'),
        lambda text: text.replace('"study"', '"buddy"'),
    ],
    ids=["cut", "unknown setting", "unknown field"],
)
def test_a_tuned_file_that_cannot_be_read_is_refused(
    spoil: object, models: tuple[Path, Outcome], tmp_path: Path
) -> None:
    assert callable(spoil)
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / TUNED).write_text(str(spoil((models[0] / NAME / TUNED).read_text())))
    with pytest.raises(DataRefused, match=r"tuned\.json cannot be read"):
        read_tuned(Registry(tmp_path), CREDIT_ACCOUNTS)
