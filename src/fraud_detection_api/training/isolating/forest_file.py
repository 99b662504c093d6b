"""A fitted isolation forest as the file that is served without scikit-learn, refused unless both say the same."""

import numpy as np
import orjson
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.tree._tree import Tree  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.isolation_forest import PATH_LENGTHS
from fraud_detection_api.model.isolation_forest import IsolationForest as ServedForest
from fraud_detection_api.model.kinds.kind import AGREED
from fraud_detection_api.model.saved_trees import Doubles, ForestUnsupported
from fraud_detection_api.training.sklearn_tree_json import saved_tree


def forest_file(fitted: IsolationForest, matrix: Matrix) -> bytes:
    """Write a forest that was fitted on this matrix; every row must keep its score and its decision."""
    average_path = len(fitted.estimators_) * float(_average_paths(np.array([fitted.max_samples_]))[0])
    pairs = zip((each.tree_ for each in fitted.estimators_), fitted.estimators_features_, strict=True)
    trees = [
        saved_tree(tree, columns, (PATH_LENGTHS, _path_lengths(tree)), tree.n_node_samples) for tree, columns in pairs
    ]
    forest = {"features": fitted.n_features_in_, "average_path": average_path, "trees": trees}
    model = orjson.dumps({"isolation_forest": forest}, option=orjson.OPT_SERIALIZE_NUMPY)
    _refuse_other_answers(fitted, model, matrix)
    return model


def _refuse_other_answers(fitted: IsolationForest, model: bytes, matrix: Matrix) -> None:
    try:
        scores = ServedForest.read(model).anomaly_scores(matrix)
    except ForestUnsupported as error:
        raise ExportRefused("isolation forest", str(error)) from error
    largest = float(np.abs(scores - fitted.score_samples(matrix)).max(initial=0))
    if not largest <= AGREED:
        raise ExportRefused("isolation forest", f"its scores differ from scikit-learn's by up to {largest:.3g}")
    different = int(((scores < fitted.offset_) != (fitted.predict(matrix) == -1)).sum())
    if different:
        raise ExportRefused("isolation forest", f"{different:,} rows would be judged otherwise than by scikit-learn")


def _path_lengths(grown: Tree) -> Doubles:
    """What each node of a tree adds to the path length of a row that ends there."""
    return np.asarray(grown.compute_node_depths() + _average_paths(grown.n_node_samples) - 1.0, dtype=np.float64)


def _average_paths(samples: NDArray[np.int64]) -> Doubles:
    """How many steps it takes on average to isolate one of so many rows, in scikit-learn's order of operations."""
    several = np.maximum(samples, 3)
    paths = 2.0 * (np.log(several - 1.0) + np.euler_gamma) - 2.0 * (several - 1.0) / several
    return np.where(samples <= 2, samples == 2, paths).astype(np.float64)
