"""Path lengths as scikit-learn counts them: the steps to a leaf, and those that it still expects within it."""

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import Tree  # type: ignore[import-untyped]  # scikit-learn ships no types

Doubles = NDArray[np.float64]


def path_lengths(grown: Tree) -> Doubles:
    """What each node of a tree adds to the path length of a row that ends there."""
    return np.asarray(grown.compute_node_depths() + average_paths(grown.n_node_samples) - 1.0, dtype=np.float64)


def average_paths(samples: NDArray[np.int64]) -> Doubles:
    """How many steps it takes on average to isolate one of so many rows, in scikit-learn's order of operations."""
    several = np.maximum(samples, 3)
    paths = 2.0 * (np.log(several - 1.0) + np.euler_gamma) - 2.0 * (several - 1.0) / several
    return np.where(samples <= 2, samples == 2, paths).astype(np.float64)
