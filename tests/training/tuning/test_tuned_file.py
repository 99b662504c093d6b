"""The tuned file, and fits that boost as it says."""

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import orjson
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.bundle import COMPARISON
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.training.boosting import FitSettings
from fraud_detection_api.training.compared import ComparisonPlan
from fraud_detection_api.training.comparing.comparison import compared
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.fitting import fit
from fraud_detection_api.training.kind_selection import FOLDS
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.training.tables.training_table import training_table
from fraud_detection_api.training.tuning.outcome import Outcome
from fraud_detection_api.training.tuning.tuned_file import FORMER_NAMES, TUNED, keep, read_tuned, tuned_path
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.learning import with_learning
from tests.training.claims import TIMELESS_CLAIMS, claims_table
from tests.training.fitting import Listener, accounts_file, fitted, table_file
from tests.training.tuning.small_tunings import NAME, SMALL, tuned

TUNED_FIT = FitOptions(tuned=True, threads=1)
TWO_KINDS = with_learning(CREDIT_ACCOUNTS, models=("xgboost", "tree"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return accounts_file(tmp_path_factory.mktemp("data"), rows=3000)


@pytest.fixture(scope="module")
def models(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A registry that a tuning has left its file in, and what it found."""
    folder = tmp_path_factory.mktemp("models")
    tuning, _ = tuned(data, folder, replace(SMALL, trials=4))
    return folder, tuning.outcome


def test_the_file_says_how_to_boost_and_who_says_so(models: tuple[Path, Outcome]) -> None:
    written = json.loads((models[0] / NAME / TUNED).read_bytes())
    assert written["aim"] == "average_precision"
    assert written["study"].startswith("average_precision-2-folds-seed-0-")
    assert len(written["fingerprint"]) == 64
    assert (written["trials"], written["folds"], written["seed"]) == (4, 2, 0)
    assert date.fromisoformat(written["untouched_from"]).isoformat() == written["untouched_from"]
    assert set(written["boosting"]) >= {"rounds", "depth", "learning_rate", "patience", "reg_lambda", "subsample"}
    assert set(written["gain_on_last_period"]) == {"value", "low", "high"}
    assert not [path for path in (models[0] / NAME).iterdir() if path.suffix == ".part"]


def test_a_file_with_the_names_that_settings_had_before_says_the_same(
    models: tuple[Path, Outcome], tmp_path: Path
) -> None:
    written = json.loads((models[0] / NAME / TUNED).read_bytes())
    former = {name: before for before, name in FORMER_NAMES.items()}
    before = {former.get(name, name): value for name, value in written["boosting"].items()}
    assert "row_share" in before
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / TUNED).write_text(json.dumps(written | {"boosting": before}))
    one, other = (read_tuned(Registry(folder), CREDIT_ACCOUNTS) for folder in (tmp_path, models[0]))
    assert one == other


def test_a_fit_with_tuned_is_the_very_model_that_the_tuning_judged(data: Path, models: tuple[Path, Outcome]) -> None:
    folder, outcome = models
    manifest = fitted(data, folder, TUNED_FIT).manifest
    found = read_tuned(Registry(folder), CREDIT_ACCOUNTS)
    assert manifest.metrics == outcome.tuned.measures()
    assert manifest.parameters["tuned_by"] == found.study
    assert manifest.parameters["max_depth"] == found.boosting["depth"]
    assert manifest.parameters["most_rounds"] == found.boosting["rounds"]
    assert manifest.parameters["reg_lambda"] == found.boosting["reg_lambda"]


def test_a_comparison_of_kinds_boosts_as_the_tuning_has_found_with_every_setting(
    data: Path, models: tuple[Path, Outcome], tmp_path: Path
) -> None:
    found = read_tuned(Registry(models[0]), CREDIT_ACCOUNTS)
    shrunk = found.model_copy(update={"boosting": found.boosting | {"reg_lambda": 90.0, "subsample": 0.5}})
    keep(shrunk, tuned_path(Registry(tmp_path), CREDIT_ACCOUNTS))
    fit_options = replace(TUNED_FIT, data=str(data), models=tmp_path, model="compare")
    version = fit(TWO_KINDS, fit_options, Listener()).version
    kept = orjson.loads(Registry(tmp_path).bundle(NAME, version).attached(COMPARISON) or b"")
    dataset = training_table(TWO_KINDS, fit_options.source, Listener()).dataset
    plan = ComparisonPlan(("xgboost",), FOLDS, None, FitSettings(shrunk.as_boosting(0), threads=1))
    expected = compared(TWO_KINDS, dataset, split(dataset, None, 0), plan, Listener()).models[0].folds
    (boosted,) = [each["folds"] for each in kept["models"] if each["kind"] == "xgboost"]
    assert [fold["average_precision"] for fold in boosted] == [fold["average_precision"] for fold in expected]


def test_without_tuned_a_fit_boosts_by_default(data: Path, models: tuple[Path, Outcome]) -> None:
    manifest = fitted(data, models[0], FitOptions(threads=1)).manifest
    assert "tuned_by" not in manifest.parameters
    assert (manifest.parameters["max_depth"], manifest.parameters["most_rounds"]) == (5, 300)


def test_the_first_untouched_day_is_the_first_that_a_fit_is_judged_on(data: Path, models: tuple[Path, Outcome]) -> None:
    listener = Listener()
    fit(CREDIT_ACCOUNTS, replace(TUNED_FIT, data=str(data), models=models[0]), listener)
    found = read_tuned(Registry(models[0]), CREDIT_ACCOUNTS)
    assert any(f"validation from {found.untouched_from} to" in said for said in listener.said)
    assert not any("taken part in the tuning" in warned for warned in listener.warned)


def test_with_days_a_judging_period_that_begins_too_early_is_remarked(models: tuple[Path, Outcome]) -> None:
    found = read_tuned(Registry(models[0]), CREDIT_ACCOUNTS)
    assert found.untouched_from is not None
    before = found.untouched_from - timedelta(days=1)
    assert found.remark(found.untouched_from, "other data", seed=9) is None
    said = found.remark(before, found.fingerprint, found.seed) or ""
    assert said.startswith("Rows that judge may have taken part in the tuning, so that the figures may flatter: ")
    assert said.endswith(f"they begin on {before}, but it left rows alone from {found.untouched_from} on.")


def test_without_days_other_data_or_another_seed_are_remarked(tmp_path: Path) -> None:
    data = table_file(tmp_path, claims_table(2500))
    found = tuned(data, tmp_path / "models", replace(SMALL, trials=1), TIMELESS_CLAIMS)[0].tuned
    assert found.untouched_from is None
    assert found.remark(None, found.fingerprint, found.seed) is None
    assert "the seed is 7, not 0, and no days" in (found.remark(None, found.fingerprint, seed=7) or "")
    assert "the data are others" in (found.remark(None, "other data", found.seed) or "")
    assert "the data are others" in (found.remark(date(2025, 1, 1), "the same with days", found.seed) or "")


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


def test_a_fit_whose_judges_took_part_in_the_tuning_says_so(data: Path, models: tuple[Path, Outcome]) -> None:
    untouched = read_tuned(Registry(models[0]), CREDIT_ACCOUNTS).untouched_from
    assert untouched is not None
    before = datetime.combine(untouched, time.min) - timedelta(days=1)
    listener = Listener()
    fit(CREDIT_ACCOUNTS, replace(TUNED_FIT, data=str(data), models=models[0], end_date=before), listener)
    assert any("may have taken part in the tuning" in said for said in listener.warned)
