"""scikit-learn's own anomaly scores, to the bit, without scikit-learn: its isolation forest in the compiled one.

The file is `{"isolation_forest": {"features", "average_path", "trees"}}`, and the leaves are `path_lengths`.
`average_path` is what a row's sum of them is divided by: the number of trees times the path length that scikit-learn
expects of `max_samples` rows.
"""

import numpy as np
import orjson

from fraud_detection_api.model.forest import Parts
from fraud_detection_api.model.saved_trees import Doubles, Floats, readable, refuse_unless
from fraud_detection_api.model.sklearn_trees import SummedTrees, laid_out

PATH_LENGTHS = "path_lengths"
LONGEST = float(np.finfo(np.float32).max)


class IsolationForest(SummedTrees):
    """The trees of one model; safe in threads, since nothing in it changes."""

    is_quick = True

    def __init__(self, parts: Parts, average_path: float) -> None:
        super().__init__(parts)
        self._average_path = average_path

    @classmethod
    def read(cls, model: bytes) -> "IsolationForest":
        """Read what training wrote, or say why not."""
        with readable("an isolation forest"):
            return cls(*lay_out(model))

    def anomaly_scores(self, matrix: Floats) -> Doubles:
        """As scikit-learn's `score_samples` scores: below 0, the lower the more unusual; NaN where missing."""
        return -(2 ** -self._shares(self.sums(matrix)))

    def contributions(self, matrix: Floats) -> Doubles:
        """What each feature adds to a row's anomaly, and last the bias; only where it `explains`.

        The anomaly is minus the path length as a share of the expected one: a score is -(2 ** anomaly). The values
        are exact TreeSHAP, and positive where a feature makes the row more unusual.
        """
        out = super().contributions(matrix)
        if self._average_path == 0:
            out[:, :-1], out[:, -1] = 0, 1
            return -out
        return -out / self._average_path

    def _shares(self, paths: Doubles) -> Doubles:
        """A forest of single rows has no paths to compare with: scikit-learn then calls every row half an anomaly."""
        return np.ones_like(paths) if self._average_path == 0 else paths / self._average_path


def lay_out(model: bytes) -> tuple[Parts, float]:
    """Turn a saved forest into what the extension is made from, and the path length that sums are divided by."""
    saved = orjson.loads(model)["isolation_forest"]
    average_path = float(saved["average_path"])
    refuse_unless(average_path == 0 or 1 <= average_path < np.inf, "an expected path length that no forest has")
    return laid_out(saved, PATH_LENGTHS, LONGEST), average_path
