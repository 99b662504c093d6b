"""scikit-learn's trees in the compiled forest: sums of leaves in its own order, and what each feature adds to them.

A saved tree is XGBoost's arrays by the same names, `sum_hessian` for the weight of the training rows in each node, and
the float64 leaves under a name of their own. Nodes ask `x < split_condition`, in float32.
"""

from collections.abc import Mapping
from typing import cast

import numpy as np

from fraud_detection_api.model.forest import IS_BUILT, MOST_FEATURES, Parts, compiled, parts_of
from fraud_detection_api.model.forest_walk import WalkedTrees
from fraud_detection_api.model.saved_trees import Doubles, Floats, Saved, doubles, refuse_unless, sizes_of

HALF = 0.5  # a base score that adds nothing to a sum, as its log-odds are 0


class SummedTrees:
    """The trees of one model; safe in threads, since nothing in it changes."""

    def __init__(self, parts: Parts) -> None:
        self._trees = compiled(parts) if IS_BUILT else WalkedTrees(parts)
        self.features = parts.features
        self.explains = bool(parts.covers)
        self.count = len(np.frombuffer(parts.starts, np.int32)) - 1
        self.nodes = len(parts.values) // np.dtype(np.float64).itemsize

    def sums(self, matrix: Floats) -> Doubles:
        """Each row's leaves, added tree after tree; NaN where a value is missing."""
        out = np.empty(len(matrix), np.float64)
        self._trees.score(matrix, out, False)
        return out

    def contributions(self, matrix: Floats) -> Doubles:
        """What each feature adds to a row's sum (exact TreeSHAP), and last the bias; only where it `explains`."""
        out = np.empty((len(matrix), self.features + 1), np.float64)
        self._trees.explain(matrix, out)
        return out


def laid_out(saved: Mapping[str, object], leaves: str, most: float) -> Parts:
    """What the extension is made from: the `trees` of a saved model, whose leaves lie between 0 and so much."""
    features = int(cast(int, saved["features"]))
    refuse_unless(0 < features <= MOST_FEATURES, "too many features, or none")
    written = cast(list[Saved], saved["trees"])
    trees = [tree | {"split_type": [0] * len(tree["left_children"])} for tree in written]
    refuse_unless(len(trees) > 0, "no trees")
    sizes_of(trees, "left_children", leaves)
    values = doubles(trees, leaves)
    refuse_unless(((values >= 0) & (values <= most)).all(), f"a leaf that is not between 0 and {most:.4g}")
    return parts_of(trees, features, HALF, values)
