"""Exported pipelines say what scikit-learn says, of any row; one that does not is refused."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.calibration import CalibratedClassifierCV  # type: ignore[import-untyped]  # as above
from sklearn.ensemble import (  # type: ignore[import-untyped]  # as above
    BaggingClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import RidgeClassifier  # type: ignore[import-untyped]  # as above
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV  # type: ignore[import-untyped]  # as above
from sklearn.naive_bayes import GaussianNB  # type: ignore[import-untyped]  # as above
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # as above
from sklearn.preprocessing import MinMaxScaler, StandardScaler  # type: ignore[import-untyped]  # as above
from sklearn.svm import SVC, LinearSVC  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.kinds.kind import AGREED
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.training.exporting.exporting import exported, refuse_other_answers
from fraud_detection_api.training.exporting.originals import original_scores
from tests.training.exporting.made_pipelines import KINDS, TREES, fitted, made_up, on_splits

OTHERS = {
    "bagged trees": BaggingClassifier(DecisionTreeClassifier(max_depth=3, random_state=0), 4, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=10),
    "naive Bayes": GaussianNB(),
    "a calibrated machine": CalibratedClassifierCV(LinearSVC(random_state=0), cv=3),
    "a linear machine": make_pipeline(MinMaxScaler(), LinearSVC(random_state=0)),
    "ridge": make_pipeline(StandardScaler(), RidgeClassifier()),
}


def difference(pipeline: BaseEstimator, model: bytes, rows: Matrix) -> float:
    """How far the file and scikit-learn are apart at most."""
    return float(np.abs(OnnxModel.read(model).scores(rows) - original_scores(pipeline, rows)).max())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_every_kind_agrees_on_rows_that_it_never_saw(kind: str, seed: int) -> None:
    rows, labels = made_up(seed)
    for scaled in (True, False) if kind in TREES else (True,):
        pipeline = fitted(kind, seed, rows, labels, scaled=scaled)
        model = exported(pipeline, rows)
        assert difference(pipeline, model, made_up(seed + 100)[0]) < 1e-10


@pytest.mark.parametrize("kind", TREES)
@pytest.mark.parametrize("seed", range(3))
def test_trees_agree_on_rows_that_lie_on_their_own_splits(kind: str, seed: int) -> None:
    rows, labels = made_up(seed, 1_000)
    pipeline = fitted(kind, seed, rows, labels)
    tried = on_splits(pipeline, rows, seed)
    assert (tried != rows).any(axis=1).mean() > 0.03
    assert difference(pipeline, exported(pipeline, rows), tried) < 1e-12


@pytest.mark.parametrize("kind", ["forest", "tree"])
def test_trees_send_missing_values_where_scikit_learn_sends_them(kind: str) -> None:
    rows, labels = made_up(4)
    rows[np.random.default_rng(4).random(rows.shape) < 0.2] = np.nan
    pipeline = fitted(kind, 1, rows, labels)
    assert difference(pipeline, exported(pipeline, rows), rows) < 1e-12
    assert difference(pipeline, exported(pipeline, rows), np.full_like(rows, np.nan)) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_values_agree(kind: str) -> None:
    rows, labels = made_up(5)
    pipeline = fitted(kind, 1, rows, labels)
    extremes = np.array([3.4e38, -3.4e38, 1e20, -1e20, 1e-38, 0.0, -0.0], np.float32)
    tried = rows[: len(extremes)].copy()
    tried[:, 1] = extremes / (1e6 if kind in TREES else 1)  # scaled beyond float32, a tree of scikit-learn's refuses it
    assert difference(pipeline, exported(pipeline, rows), tried) < AGREED


@pytest.mark.parametrize("kind", KINDS)
def test_equal_fits_give_equal_bytes(kind: str) -> None:
    rows, labels = made_up(6)
    one, two = (exported(fitted(kind, 0, rows, labels), rows) for _ in range(2))
    assert one == two
    assert b"skl2onnx" not in one


@pytest.mark.parametrize("name", OTHERS)
def test_a_team_brings_whatever_skl2onnx_knows(name: str) -> None:
    rows, labels = made_up(7)
    pipeline = OTHERS[name].fit(rows.astype(np.float64), labels)
    model = exported(pipeline, rows)
    assert difference(pipeline, model, rows) <= AGREED
    assert exported(pipeline, rows) == model


def test_the_winner_of_a_search_is_exported() -> None:
    rows, labels = made_up(8)
    grid = {
        "model__max_features": ["sqrt", 0.6],
        "model__criterion": ["gini", "log_loss"],
        "model__max_depth": [3, None],
    }
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0))
    pipeline.steps[1] = ("model", pipeline.steps[1][1])
    search = GridSearchCV(pipeline, grid, cv=2).fit(rows.astype(np.float64), labels)
    assert exported(search, rows) == exported(search.best_estimator_, rows)
    assert difference(search, exported(search, rows), rows) < 1e-12


def test_a_forest_whose_trees_never_split_is_a_constant() -> None:
    rows, labels = made_up(9)
    stump = DecisionTreeClassifier(min_samples_leaf=len(rows)).fit(rows.astype(np.float64), labels)
    assert np.unique(OnnxModel.read(exported(stump, rows)).probabilities(rows)) == np.float32(labels.mean())


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_of_another_fit_is_refused(kind: str) -> None:
    rows, labels = made_up(10)
    pipeline = fitted(kind, 0, rows, labels)
    other = exported(fitted(kind, 0, *made_up(11)), made_up(11)[0])
    with pytest.raises(ExportRefused, match=r"its scores differ by up to .* \(row \d+"):
        refuse_other_answers(kind, pipeline, other, rows)


def test_one_row_that_differs_is_enough() -> None:
    rows, labels = made_up(12, 5_000)
    kept = fitted("tree", 0, rows, labels)
    model = exported(kept, rows)
    scaler, grown = kept.steps[0][1], kept.steps[1][1]
    leaves = grown.apply(scaler.transform(rows.astype(np.float64)))
    found, counts = np.unique(leaves, return_counts=True)
    rarest = found[np.argmin(counts)]
    assert counts.min() == 1
    grown.tree_.value[rarest] = grown.tree_.value[rarest][:, ::-1]
    with pytest.raises(ExportRefused, match=rf"row {int(np.argmax(leaves == rarest)):,}:"):
        refuse_other_answers("tree", kept, model, rows)


def test_a_class_that_differs_is_refused_though_the_scores_agree() -> None:
    rows, labels = made_up(13)
    kept = fitted("logistic", 0, rows, labels)
    moved = FixedThresholdClassifier(kept, threshold=0.2).fit(rows.astype(np.float64), labels)
    scores = original_scores(kept, rows)
    between = (scores > 0.2) & (scores < 0.5)
    with pytest.raises(ExportRefused, match=f"{between.sum()} rows .* otherwise, row {np.argmax(between)} the first"):
        refuse_other_answers("logistic", moved, exported(kept, rows), rows)


def test_what_cannot_be_served_is_refused_with_a_reason() -> None:
    rows, labels = made_up(14)
    wide = rows.astype(np.float64)
    unfit = {
        "only classifiers of two classes": RandomForestRegressor(2).fit(wide, labels),
        "classifiers of two classes are served": DecisionTreeClassifier().fit(wide, rows[:, -1].astype(int)),
        "support vectors with the kernel 'poly'": make_pipeline(StandardScaler(), SVC(kernel="poly")).fit(wide, labels),
    }
    for reason, pipeline in unfit.items():
        with pytest.raises(ExportRefused, match=reason):
            exported(pipeline, rows)


def test_a_pipeline_that_cannot_score_its_own_rows_is_refused() -> None:
    rows, labels = made_up(15)
    pipeline = fitted("logistic", 0, rows, labels)
    rows[3, 2] = np.nan
    with pytest.raises(ExportRefused, match="cannot score its own training rows"):
        exported(pipeline, rows)
