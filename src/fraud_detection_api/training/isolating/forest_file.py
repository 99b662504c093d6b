"""A fitted isolation forest as the file that is served without scikit-learn, refused unless both say the same."""

import numpy as np
import orjson
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.tree import ExtraTreeRegressor  # type: ignore[import-untyped]

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.isolation_forest import IsolationForest as ServedForest
from fraud_detection_api.model.kinds.proof import AGREED
from fraud_detection_api.model.saved_trees import ForestUnsupported
from fraud_detection_api.training.isolating.path_lengths import average_paths, path_lengths

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def forest_file(fitted: IsolationForest, matrix: Matrix) -> bytes:
    """Write a forest that was fitted on this matrix; every row must keep its score and its decision."""
    average_path = len(fitted.estimators_) * float(average_paths(np.array([fitted.max_samples_]))[0])
    pairs = zip(fitted.estimators_, fitted.estimators_features_, strict=True)
    trees = [_tree(estimator, features) for estimator, features in pairs]
    forest = {"features": fitted.n_features_in_, "average_path": average_path, "trees": trees}
    model = orjson.dumps({"isolation_forest": forest}, option=orjson.OPT_SERIALIZE_NUMPY)
    _refuse_other_answers(fitted, model, matrix)
    return model


def _tree(estimator: ExtraTreeRegressor, features: Ints) -> dict[str, NDArray[np.generic]]:
    grown = estimator.tree_
    order = _breadth_first(grown.children_left, grown.children_right)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    inner = grown.children_left[order] != -1
    left, right = (np.where(inner, place[child[order]], -1) for child in (grown.children_left, grown.children_right))
    lengths = path_lengths(grown)
    return {
        "left_children": left,
        "right_children": right,
        "split_indices": features[np.where(inner, grown.feature[order], 0)],
        "split_conditions": np.where(inner, _first_above(grown.threshold[order]), np.float32(0)),
        "default_left": np.where(inner, grown.missing_go_to_left[order], 0),
        "path_lengths": np.where(inner, 0, lengths[order]),
        "sum_hessian": grown.n_node_samples[order],
    }


def _breadth_first(left: Ints, right: Ints) -> Ints:
    """List the nodes level by level, so that siblings lie side by side."""
    levels = [np.zeros(1, np.int64)]
    while len(levels[-1]):
        inner = levels[-1][left[levels[-1]] != -1]
        levels.append(np.column_stack([left[inner], right[inner]]).ravel())
    return np.concatenate(levels)


def _first_above(thresholds: Doubles) -> Floats:
    """Name the first float32 that is not `<=` a threshold: the same rows lie below it."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, near, np.nextafter(near, np.float32(np.inf)))


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
