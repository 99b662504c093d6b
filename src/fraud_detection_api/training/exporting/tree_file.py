"""Fitted trees and forests that classify, as the file that is walked without scikit-learn: bits agree, or none."""

from copy import copy

import numpy as np
import orjson
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier  # type: ignore[import-untyped]  # as above
from sklearn.model_selection._search import BaseSearchCV  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.saved_trees import Doubles, ForestUnsupported
from fraud_detection_api.model.tree_ensemble import PROBABILITIES, TreeEnsemble
from fraud_detection_api.training.saved_model import Thresholds, thresholds
from fraud_detection_api.training.sklearn_tree_json import saved_tree

CLASSES = 2
SMALLER = "smaller trees can be (`max_depth`, `min_samples_leaf`)"


def grows_trees(model: BaseEstimator) -> bool:
    """Whether a model, or what a search looks for, is trees and nothing before them: it sees records as they are."""
    searched = model.estimator if isinstance(model, BaseSearchCV) else model
    return isinstance(searched, DecisionTreeClassifier | ExtraTreesClassifier | RandomForestClassifier)


def tree_file(model: BaseEstimator, matrix: Matrix) -> tuple[bytes, Thresholds]:
    """The file of fitted trees, and where they split; every row of the matrix must keep scikit-learn's own bits."""
    kind = type(model).__name__
    if len(model.classes_) != CLASSES:
        raise ExportRefused(kind, f"it tells {len(model.classes_)} classes apart instead of {CLASSES}")
    columns = np.arange(model.n_features_in_)
    trees = [
        saved_tree(tree, columns, (PROBABILITIES, tree.value[:, 0, 1]), tree.weighted_n_node_samples)
        for tree in (each.tree_ for each in getattr(model, "estimators_", [model]))
    ]
    saved = {"tree_ensemble": {"features": model.n_features_in_, "trees": trees}}
    file = orjson.dumps(saved, option=orjson.OPT_SERIALIZE_NUMPY)
    _refuse_other_bits(kind, original_shares(model, matrix), file, matrix)
    return file, thresholds(trees)


def original_shares(model: BaseEstimator, matrix: Matrix) -> Doubles:
    """What scikit-learn says in one thread: of several, each adds its trees when it is done with them."""
    alone = copy(model)
    if hasattr(alone, "n_jobs"):
        alone.n_jobs = 1
    return np.ascontiguousarray(alone.predict_proba(matrix)[:, 1], dtype=np.float64)


def _refuse_other_bits(kind: str, expected: Doubles, file: bytes, matrix: Matrix) -> None:
    try:
        shares = TreeEnsemble.read(file).shares(matrix)
    except ForestUnsupported as error:
        raise ExportRefused(kind, f"{error}; {SMALLER}") from error
    if shares.tobytes() != expected.tobytes():
        row = int(np.argmax(shares != expected))
        said = f"{shares[row]:.17g} instead of {expected[row]:.17g}"
        raise ExportRefused(kind, f"its trees, walked, give {said} for row {row:,}")
