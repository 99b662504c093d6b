"""A fitted isolation forest as the file that is served without scikit-learn, refused unless both say the same."""

import numpy as np
import orjson
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.isolation_forest import PATH_LENGTHS
from fraud_detection_api.model.isolation_forest import IsolationForest as ServedForest
from fraud_detection_api.model.kinds.proof import AGREED
from fraud_detection_api.model.saved_trees import ForestUnsupported
from fraud_detection_api.training.grown_trees import saved_tree
from fraud_detection_api.training.isolating.path_lengths import average_paths, path_lengths


def forest_file(fitted: IsolationForest, matrix: Matrix) -> bytes:
    """Write a forest that was fitted on this matrix; every row must keep its score and its decision."""
    average_path = len(fitted.estimators_) * float(average_paths(np.array([fitted.max_samples_]))[0])
    pairs = zip((each.tree_ for each in fitted.estimators_), fitted.estimators_features_, strict=True)
    trees = [
        saved_tree(tree, columns, (PATH_LENGTHS, path_lengths(tree)), tree.n_node_samples) for tree, columns in pairs
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
