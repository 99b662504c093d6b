"""scikit-learn's own probabilities, to the bit, without scikit-learn: its trees and forests in the compiled forest.

The file is `{"tree_ensemble": {"features", "trees"}}`, and the leaves are `probabilities`: what share of a leaf's
training rows are frauds. A row's probability is the sum of its leaves, added tree after tree, divided by their number.
"""

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.model.forest import Parts
from fraud_detection_api.model.saved_trees import Doubles, Floats, readable
from fraud_detection_api.model.sklearn_trees import SummedTrees, laid_out

PROBABILITIES = "probabilities"
MOST_QUICK_NODES = 30_000  # beyond, a row takes longer than a few microseconds


class TreeEnsemble(SummedTrees):
    """The trees of one model; safe in threads, since nothing in it changes."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.is_quick = self.nodes <= MOST_QUICK_NODES

    @classmethod
    def read(cls, model: bytes) -> "TreeEnsemble":
        """Read what training wrote, or say why not."""
        with readable("a tree ensemble"):
            return cls(lay_out(model))

    def shares(self, matrix: Floats) -> Doubles:
        """The second column of scikit-learn's `predict_proba`, in one thread; NaN where a value is missing."""
        return self.sums(matrix) / self.count

    def probabilities(self, matrix: Floats) -> NDArray[np.float32]:
        """One probability a row, as answers give it."""
        return self.shares(matrix).astype(np.float32)

    def contributions(self, matrix: Floats) -> Doubles:
        """What each feature adds to a row's probability (exact TreeSHAP), and last the bias; only if it `explains`."""
        return super().contributions(matrix) / self.count


def lay_out(model: bytes) -> Parts:
    """Turn saved trees into what the extension is made from."""
    return laid_out(orjson.loads(model)["tree_ensemble"], PROBABILITIES, 1.0)
