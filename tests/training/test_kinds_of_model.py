"""`fraud train --model`: each kind is proved in one way, published as a bundle and served as its library says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from sklearn.ensemble import ExtraTreesClassifier  # type: ignore[import-untyped]  # it ships no types
from sklearn.pipeline import Pipeline  # type: ignore[import-untyped]  # as above

from fraud_detection_api.errors import BundleRefused, DataRefused
from fraud_detection_api.features.matrix import MatrixMaker
from fraud_detection_api.model.bundle import COMPARISON, REPORT, Bundle
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.model.tree_ensemble import TreeEnsemble
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import FitSettings
from fraud_detection_api.training.comparing.candidates import fitted_as
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.fitting import fit
from fraud_detection_api.training.pipeline_trainer import NOBODY
from fraud_detection_api.training.proof.holdout_rows import HOLDOUT
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.recipes import RECIPES
from fraud_detection_api.training.tables.dataset import Dataset, Period, dataset_of
from fraud_detection_api.training.tables.folds import Fold
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.training.threshold_change import ThresholdChange
from fraud_detection_api.training.trainers import TRAINABLE
from tests.learning import with_learning
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import QUICK, Listener, fitted, table_file

ONE_THREAD = replace(QUICK, rounds=None, depth=None)  # of what is not boosted

ROWS = 2500
BY_SCIKIT_LEARN = tuple(RECIPES)
TWO_KINDS = with_learning(CLAIMS, models=("tree", "logistic"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with one version of every kind, in the order of TRAINABLE; the last that passed its gate leads."""
    folder = tmp_path_factory.mktemp("kinds")
    data = table_file(folder, claims_table(ROWS))
    for kind in TRAINABLE:
        fitted(data, folder / "models", replace(ONE_THREAD, model=kind), CLAIMS)
    return folder / "models"


def bundle_of(models: Path, kind: str) -> Bundle:
    """The version of a kind."""
    return Registry(models).bundle(CLAIMS.name, Registry(models).versions(CLAIMS.name)[TRAINABLE.index(kind)])


def claims() -> Dataset:
    """The claims as a fit reads them."""
    return dataset_of(claims_table(ROWS), [], CLAIMS, Period(), skip_bad_rows=False)


def library_says(pipeline: Pipeline, matrix: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> np.ndarray:
    """The pipeline's own probabilities; of a margin its logistic."""
    wide = matrix.astype(np.float64)
    if hasattr(pipeline, "predict_proba"):
        return np.asarray(pipeline.predict_proba(wide)[:, 1])
    return np.asarray(1 / (1 + np.exp(-pipeline.decision_function(wide))))


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("kind", BY_SCIKIT_LEARN)
def test_what_is_served_is_what_scikit_learn_says_fitted_on_the_same_rows(models: Path, kind: str) -> None:
    dataset, bundle = claims(), bundle_of(models, kind)
    parts = split(dataset, None, QUICK.seed)
    table = FoldTable.of(CLAIMS, dataset, Fold(parts.train, parts.stopping, NOBODY))
    pipeline = fitted_as(kind, table, FitSettings(seed=QUICK.seed, threads=1)).pipeline
    uncalibrated = replace(bundle, manifest=bundle.manifest.model_copy(update={"calibration": None}))
    columns = dataset.columns.take(parts.validation)
    found = load_scorer(uncalibrated, CLAIMS).scores(columns).values
    expected = library_says(pipeline, MatrixMaker(CLAIMS.feature_names, bundle.manifest.categories).matrix(columns))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    assert found.std() > 0.01


@pytest.mark.parametrize("kind", TRAINABLE)
def test_the_manifest_names_the_kind_its_parameters_and_its_library(models: Path, kind: str) -> None:
    manifest = bundle_of(models, kind).manifest
    served = {"xgboost": "xgboost", "forest": "tree_ensemble", "tree": "tree_ensemble"}.get(kind, "onnx")
    assert manifest.model_kind == served
    assert manifest.parameters.get("model", "xgboost") == kind
    assert ("xgboost" if kind == "xgboost" else "scikit-learn") in manifest.libraries
    assert manifest.metrics["roc_auc"].value > 0.65
    assert manifest.data is not None
    assert manifest.data.validation_rows > 300


@pytest.mark.parametrize("kind", TRAINABLE)
def test_every_kind_keeps_the_rows_that_judged_it_and_takes_another_threshold(models: Path, kind: str) -> None:
    before = bundle_of(models, kind)
    assert before.attached(HOLDOUT)
    change = ThresholdChange(Registry(models), CLAIMS, before.version)
    made = Registry(models).bundle(CLAIMS.name, change.published(change.chosen(rule_of("fpr:5%"))).version)
    assert (made.model, made.manifest.model_kind) == (before.model, before.manifest.model_kind)
    assert made.manifest.threshold_rule == "fpr:0.05"
    columns = claims().columns
    one, other = (load_scorer(each, CLAIMS).scores(columns) for each in (before, made))
    assert one.values.tobytes() == other.values.tobytes()
    assert (other.flagged == (other.values >= np.float32(made.manifest.threshold))).all()


def test_a_kind_stands_beside_a_champion_of_another_kind_on_the_same_rows(models: Path) -> None:
    for kind in BY_SCIKIT_LEARN:
        (beside,) = [check for check in bundle_of(models, kind).manifest.gate.checks if "champion" in check.name]
        assert "cannot be compared" not in beside.detail, kind
        assert beside.numbers, kind


@pytest.mark.parametrize("kind", ["forest", "tree"])
def test_trees_give_the_reasons_of_their_probabilities_field_by_field(models: Path, kind: str) -> None:
    bundle = bundle_of(models, kind)
    scorer, columns = load_scorer(bundle, CLAIMS), claims().columns.take(np.arange(200))
    matrix = MatrixMaker(CLAIMS.feature_names, bundle.manifest.categories).matrix(columns)
    found = scorer.contributions(columns)
    assert found.shape == (200, len(CLAIMS.feature_names) + 1)
    runtime = scorer.runtime
    assert isinstance(runtime, TreeEnsemble)
    np.testing.assert_allclose(found.sum(axis=1), runtime.probabilities(matrix), atol=1e-7)
    assert b"Mean |SHAP| in probability" in (bundle.attached(REPORT) or b"")


def test_trees_that_give_other_probabilities_than_when_they_were_made_are_refused(models: Path) -> None:
    bundle = bundle_of(models, "tree")
    for changed in (b"{}", bundle.model[:-9]):
        with pytest.raises(BundleRefused, match="its trees cannot be read"):
            load_scorer(replace(bundle, model=changed), CLAIMS)
    document = orjson.loads(bundle.model)
    shares = document["tree_ensemble"]["trees"][0]["probabilities"]
    document["tree_ensemble"]["trees"][0]["probabilities"] = [share / 2 for share in shares]
    with pytest.raises(BundleRefused, match="give other probabilities here"):
        load_scorer(replace(bundle, model=orjson.dumps(document)), CLAIMS)
    document["tree_ensemble"]["features"] += 1
    with pytest.raises(BundleRefused, match="its trees cannot be read"):
        load_scorer(replace(bundle, model=orjson.dumps(document)), CLAIMS)


@pytest.mark.parametrize("name", ["model.onnx", "reference.npy", "manifest.json"])
def test_one_changed_byte_of_an_exported_model_is_refused(models: Path, tmp_path: Path, name: str) -> None:
    folder = bundle_of(models, "logistic").folder
    assert folder is not None
    registry = Registry(tmp_path / "models")
    version = registry.publish(CLAIMS.name, {each.name: each.read_bytes() for each in folder.iterdir()})
    file = registry.root / CLAIMS.name / "versions" / version / name
    content = file.read_bytes()
    file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(BundleRefused, match="was changed"):
        registry.bundle(CLAIMS.name, version)


def breaks() -> None:
    """A team's own model that cannot be made."""
    raise RuntimeError("the drawer is empty")


def extra_trees() -> ExtraTreesClassifier:
    """A team's own model."""
    return ExtraTreesClassifier(n_estimators=7, random_state=3)


def test_a_model_of_a_teams_own_is_served_with_what_it_was_told(tmp_path: Path) -> None:
    bundle = compared(tmp_path, CLAIMS, "tests.training.test_kinds_of_model:extra_trees")
    told = bundle.manifest.parameters
    assert (told["model"], told["n_estimators"]) == ("tests.training.test_kinds_of_model:extra_trees", 7)
    assert bundle.manifest.libraries["scikit-learn"]
    assert isinstance(load_scorer(bundle, CLAIMS).runtime, TreeEnsemble)


def test_what_a_grid_has_chosen_stays_in_the_manifest_and_in_the_report(tmp_path: Path) -> None:
    data = table_file(tmp_path, claims_table(ROWS))
    found = fitted(data, tmp_path / "models", replace(ONE_THREAD, model="forest", grid=True), CLAIMS)
    told = found.manifest.parameters
    assert {"max_features", "criterion", "max_depth", "n_estimators"} <= told.keys()
    assert str(told["remark"]).startswith(f"best of 18: max features {told['max_features']}, ")
    report = Registry(tmp_path / "models").bundle(CLAIMS.name, found.version).attached(REPORT) or b""
    assert b"max features" in report


def test_without_days_there_is_no_gap_to_leave() -> None:
    with pytest.raises(DataRefused, match="has no days between which a gap could be left"):
        fit(TIMELESS_CLAIMS, replace(ONE_THREAD, data="nowhere.csv", gap_days=3), Listener())


def test_kinds_that_cannot_be_compared_are_refused_with_the_way_out(tmp_path: Path) -> None:
    table = claims_table(ROWS)
    order = np.argsort(table[CLAIMS.time_column or ""], kind="stable")
    frauds = np.zeros(ROWS, dtype=np.int64)
    frauds[order[[5, 10, *range(1650, 1990, 10), 2300]]] = 1  # every part of the split has some, not every fold
    data = table_file(tmp_path, table | {CLAIMS.label or "": frauds})
    with pytest.raises(DataRefused, match="The kinds of model cannot be compared; name one with --model"):
        fitted(data, tmp_path / "models", replace(ONE_THREAD, model="compare"), CLAIMS)


def compared(folder: Path, use_case: UseCase, model: str | None = None) -> Bundle:
    """The version that a fit with a comparison has published."""
    data = table_file(folder, claims_table(ROWS))
    found = fitted(data, folder / "models", replace(ONE_THREAD, model=model), use_case)
    return Registry(folder / "models").bundle(use_case.name, found.version)


def test_several_kinds_are_compared_and_the_best_is_trained(tmp_path: Path) -> None:
    bundle = compared(tmp_path, TWO_KINDS)
    kept = json.loads(bundle.attached(COMPARISON) or b"")
    precision = {
        model["kind"]: np.mean([fold["average_precision"] for fold in model["folds"]]) for model in kept["models"]
    }
    assert set(precision) == {"tree", "logistic"}
    assert bundle.manifest.parameters["model"] == max(precision, key=lambda kind: precision[kind])
    assert kept["order"] == "in time order"


def test_a_comparison_can_be_asked_for(tmp_path: Path) -> None:
    bundle = compared(tmp_path, CLAIMS, "compare")
    assert {model["kind"] for model in json.loads(bundle.attached(COMPARISON) or b"")["models"]} == set(TRAINABLE)


def test_one_kind_that_is_asked_for_is_not_compared(tmp_path: Path) -> None:
    bundle = compared(tmp_path, TWO_KINDS, "tree")
    assert bundle.manifest.parameters["model"] == "tree"
    assert bundle.attached(COMPARISON) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": "crystal_ball"}, "There is no model crystal_ball; there are: xgboost, "),
        ({"model": "tree", "tuned": True}, "leave it out to train tree"),
        ({"model": "logistic", "depth": 4}, "--depth says how to boost, and logistic does not boost"),
        ({"model": "tree", "grid": True}, "--grid searches the forest's grid, and tree is no forest"),
        ({"model": "nowhere:made"}, "There is no model 'nowhere:made'"),
        ({"model": "sklearn.ensemble:IsolationForest"}, "gives IsolationForest, which is no scikit-learn classifier"),
        ({"model": "sklearn.linear_model:LinearRegression"}, "gives LinearRegression, which is no scikit-learn class"),
        ({"model": "tests.training.test_kinds_of_model:breaks"}, "There is no model .*: the drawer is empty"),
        ({"random_state": 0}, "claims has a label, and --random-state is for"),
        ({"contamination": 0.1}, "claims has a label, and --contamination is for"),
        ({"n_estimators": 10, "random_state": 3}, "claims has a label, and --n-estimators, --random-state is for"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_table_is_read(changes: dict[str, object], why: str) -> None:
    options = replace(ONE_THREAD, data="nowhere.csv", **changes)  # type: ignore[arg-type]  # options by their names
    with pytest.raises(DataRefused, match=why):
        fit(CLAIMS, options, Listener())


def test_without_time_every_kind_is_split_at_random_too(tmp_path: Path) -> None:
    data = table_file(tmp_path, claims_table(ROWS))
    found = fitted(data, tmp_path / "models", replace(ONE_THREAD, model="logistic"), TIMELESS_CLAIMS)
    assert found.manifest.data is not None
    assert found.manifest.data.split.startswith("at random")
