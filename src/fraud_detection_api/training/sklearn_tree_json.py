"""Trees of scikit-learn as the compiled forest reads them, whatever their leaves stand for."""

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.model.saved_trees import Doubles, Floats, Ints

LEAF = -1
BEYOND_FLOAT32 = 1e39  # JSON has no infinity: the nearest float32 of this is one

SavedTree = dict[str, NDArray[np.generic]]


def saved_tree(grown: Tree, features: Ints, leaves: tuple[str, Doubles], weights: NDArray[np.generic]) -> SavedTree:
    """Write a tree breadth first; `leaves` name what its nodes say, `weights` are those of their training rows."""
    order = _breadth_first(grown.children_left, grown.children_right)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    inner = grown.children_left[order] != LEAF
    left, right = (np.where(inner, place[child[order]], LEAF) for child in (grown.children_left, grown.children_right))
    name, values = leaves
    return {
        "left_children": left,
        "right_children": right,
        "split_indices": features[np.where(inner, grown.feature[order], 0)],
        "split_conditions": _writable(np.where(inner, _first_above(grown.threshold[order]), np.float32(0))),
        "default_left": np.where(inner, grown.missing_go_to_left[order], 0),
        name: np.where(inner, 0, values[order]),
        "sum_hessian": weights[order],
    }


def _breadth_first(left: Ints, right: Ints) -> Ints:
    """List the nodes level by level, so that siblings lie side by side."""
    levels = [np.zeros(1, np.int64)]
    while len(levels[-1]):
        inner = levels[-1][left[levels[-1]] != LEAF]
        levels.append(np.column_stack([left[inner], right[inner]]).ravel())
    return np.concatenate(levels)


def _first_above(thresholds: Doubles) -> Floats:
    """Name the first float32 that is not `<=` a threshold: the same rows lie below it."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, near, np.nextafter(near, np.float32(np.inf)))


def _writable(thresholds: Floats) -> NDArray[np.floating]:
    unbounded = np.isinf(thresholds)
    return np.where(unbounded, BEYOND_FLOAT32, thresholds.astype(np.float64)) if unbounded.any() else thresholds
