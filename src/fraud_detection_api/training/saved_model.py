"""The library's saved model as JSON: where its splits lie, and the same model with its features in another order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import ArrayLike, NDArray

Thresholds = Mapping[int, NDArray[np.float32]]
HIGHEST = float(np.finfo(np.float32).max)
SavedModel = dict[str, Any]  # what the library writes; a node without a left child is a leaf


def parsed(model: bytes) -> SavedModel:
    """The model that the library has written as JSON."""
    saved: SavedModel = orjson.loads(model)
    return saved


def trees_of(saved: SavedModel) -> list[dict[str, Any]]:
    """Its trees, in order."""
    trees: list[dict[str, Any]] = saved["learner"]["gradient_booster"]["model"]["trees"]
    return trees


def thresholds(trees: Sequence[Mapping[str, ArrayLike]]) -> Thresholds:
    """The distinct finite values at which numeric splits divide, by feature; only XGBoost's trees have other splits."""
    found: dict[int, list[NDArray[np.float32]]] = {}
    for tree in trees:
        features, values = np.asarray(tree["split_indices"], np.int64), np.asarray(tree["split_conditions"], np.float64)
        is_split = (np.asarray(tree["left_children"]) >= 0) & (values <= HIGHEST)
        is_split &= np.asarray(tree.get("split_type", 0)) == 0
        for feature in np.unique(features[is_split]).tolist():
            found.setdefault(feature, []).append(values[is_split & (features == feature)].astype(np.float32))
    return {feature: np.unique(np.concatenate(found[feature])) for feature in sorted(found)}


def reordered(saved: SavedModel, names: Sequence[str]) -> bytes:
    """The same trees for features in this order; nothing that decides a prediction is written again."""
    learner = saved["learner"]
    place = [names.index(name) for name in learner["feature_names"]]
    for tree in trees_of(saved):
        tree["split_indices"] = [place[feature] for feature in tree["split_indices"]]
    if learner["feature_types"]:
        kinds = dict(zip(learner["feature_names"], learner["feature_types"], strict=True))
        learner["feature_types"] = [kinds[name] for name in names]
    learner["feature_names"] = list(names)
    return orjson.dumps(saved)
