"""Small pipelines fitted on made-up rows, each as it is exported, and rows that lie on their trees' own splits."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble import (  # type: ignore[import-untyped]  # as above
    ExtraTreesClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # as above
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # as above
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]  # as above
from sklearn.svm import SVC  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.training.exporting.originals import last_step

KINDS: Mapping[str, Callable[[int], BaseEstimator]] = {
    "logistic": lambda seed: LogisticRegression(C=10.0 ** (seed - 1)),
    "forest": lambda seed: RandomForestClassifier(20, random_state=seed),
    "extra trees": lambda seed: ExtraTreesClassifier(10, min_samples_leaf=1 + seed, random_state=seed),
    "tree": lambda seed: DecisionTreeClassifier(random_state=seed),
    "radial svm": lambda seed: SVC(C=10.0 ** (seed - 1)),
    "linear svm": lambda _: SVC(kernel="linear"),
}
TREES = ("forest", "extra trees", "tree")


def made_up(seed: int, size: int = 400, features: int = 5) -> tuple[Matrix, NDArray[np.bool_]]:
    """Rows of very different scales, some of them equal, and labels that can be learned in part."""
    random = np.random.default_rng(seed)
    rows = (random.normal(size=(size, features)) * 10.0 ** random.integers(-3, 5, features)).astype(np.float32)
    rows[:, -1] = random.integers(0, 4, size)
    rows[size // 2 : size // 2 + 20] = rows[:20]
    signal = rows[:, 0] / rows[:, 0].std() + random.normal(size=size)
    return rows, signal > np.quantile(signal, 0.9)


def fitted(kind: str, seed: int, rows: Matrix, labels: NDArray[np.bool_], *, scaled: bool = True) -> BaseEstimator:
    """A pipeline of one kind, fitted in double as every pipeline is."""
    model = KINDS[kind](seed)
    pipeline = make_pipeline(StandardScaler(), model) if scaled else model
    return pipeline.fit(rows.astype(np.float64), labels)


def on_splits(pipeline: BaseEstimator, rows: Matrix, seed: int) -> Matrix:
    """Rows, half of whose values lie where a tree behind a scaler splits, or a step of float32 beside."""
    random, scaler, forest = np.random.default_rng(seed), pipeline.steps[0][1], last_step(pipeline)
    trees, moved = getattr(forest, "estimators_", [forest]), rows.copy()
    columns = getattr(forest, "estimators_features_", [np.arange(rows.shape[1])] * len(trees))
    for tree, known in zip((each.tree_ for each in trees), columns, strict=True):
        node = random.permutation(np.flatnonzero(tree.children_left != -1))
        at, column = random.integers(0, len(rows), len(node)), known[tree.feature[node]]
        value = (tree.threshold[node] * scaler.scale_[column] + scaler.mean_[column]).astype(np.float32)
        beside = np.nextafter(value, random.choice(np.array([-np.inf, np.inf], np.float32), len(node)))
        moved[at, column] = np.where(random.random(len(node)) < 0.5, value, beside)
    return moved
