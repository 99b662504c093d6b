"""scikit-learn's own anomaly scores, to the bit, without scikit-learn: its isolation forest in the compiled one.

The file is `{"isolation_forest": {"features", "average_path", "trees"}}`. A tree is XGBoost's arrays by the same names,
and the `path_lengths` of its leaves. `average_path` is what a row's sum of them is divided by: the number of trees
times the path length that scikit-learn expects of `max_samples` rows.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.model.forest import MOST_FEATURES, Parts, parts_of
from fraud_detection_api.model.forest_walk import WalkedTrees
from fraud_detection_api.model.saved_trees import (
    Doubles,
    Floats,
    ForestUnsupported,
    Saved,
    doubles,
    refuse_unless,
    sizes_of,
)

if TYPE_CHECKING:
    from fraud_detection_api.model._forest import Trees

PATH_LENGTHS = "path_lengths"
HALF = 0.5  # a base score that adds nothing to a sum, as its log-odds are 0


class IsolationForest:
    """The trees of one model; safe in threads, since nothing in it changes."""

    is_quick = True

    def __init__(self, parts: Parts, average_path: float) -> None:
        self._average_path = average_path
        self._trees = _trees(parts)
        self.features = parts.features
        self.explains = bool(parts.covers)

    @classmethod
    def read(cls, model: bytes) -> "IsolationForest":
        """Read what training wrote, or say why not."""
        try:
            return cls(*lay_out(model))
        except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise ForestUnsupported(f"not an isolation forest that can be read: {error!r}") from error

    def anomaly_scores(self, matrix: Floats) -> Doubles:
        """Score as scikit-learn's `score_samples` does: below 0, and the lower the stranger; NaN where missing."""
        paths = np.empty(len(matrix), np.float64)
        self._trees.score(matrix, paths, False)
        return -(2 ** -self._shares(paths))

    def contributions(self, matrix: Floats) -> NDArray[np.float64]:
        """What each feature adds to a row's strangeness, and last the bias; only where it `explains`.

        Strangeness is minus the path length as a share of the expected one: a score is -(2 ** strangeness). The values
        are exact TreeSHAP, and positive where a feature makes the row stranger.
        """
        out = np.empty((len(matrix), self.features + 1), np.float64)
        self._trees.explain(matrix, out)
        if self._average_path == 0:
            out[:, :-1], out[:, -1] = 0, 1
            return -out
        return -out / self._average_path

    def _shares(self, paths: Doubles) -> Doubles:
        """A forest of single rows has no paths to compare with: scikit-learn then calls every row half strange."""
        return np.ones_like(paths) if self._average_path == 0 else paths / self._average_path


def lay_out(model: bytes) -> tuple[Parts, float]:
    """Turn a saved forest into what the extension is made from, and the path length that sums are divided by."""
    saved = orjson.loads(model)["isolation_forest"]
    features, average_path = int(saved["features"]), float(saved["average_path"])
    refuse_unless(0 < features <= MOST_FEATURES, "too many features, or none")
    refuse_unless(average_path == 0 or 1 <= average_path < np.inf, "an expected path length that no forest has")
    trees = cast(list[Saved], [tree | {"split_type": [0] * len(tree["left_children"])} for tree in saved["trees"]])
    refuse_unless(len(trees) > 0, "no trees")
    sizes_of(trees, "left_children", PATH_LENGTHS)
    lengths = doubles(trees, PATH_LENGTHS)
    refuse_unless(((lengths >= 0) & (lengths <= np.finfo(np.float32).max)).all(), "a path of no possible length")
    return parts_of(trees, features, HALF, lengths), average_path


def _trees(parts: Parts) -> "Trees | WalkedTrees":
    try:
        from fraud_detection_api.model._forest import Trees  # may not be built
    except ImportError:
        return WalkedTrees(parts)
    return Trees(*parts)
