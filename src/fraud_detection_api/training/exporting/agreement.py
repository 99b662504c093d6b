"""The agreement of an exported model with its original, on every row of the training sample."""

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.kinds.proof import AGREED
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.training.exporting.originals import (
    original_decisions,
    original_scores,
)

# scikit-learn adds up a forest's trees in the order in which its threads end: a row may lie on the boundary itself,
# and then its class changes from one call to the next.
BOUNDARY, ON_BOUNDARY = 0.5, 1e-12

Doubles = NDArray[np.float64]


def refuse_other_answers(kind: str, pipeline: BaseEstimator, model: bytes, matrix: Matrix) -> None:
    """Refuse a model that gives one row another score, or another class, than its original."""
    try:
        theirs, decisions = original_scores(pipeline, matrix), original_decisions(pipeline, matrix)
        ours = OnnxModel.read(model).scores(matrix)
    except ValueError as error:
        raise ExportRefused(kind, f"it cannot score its own training rows: {error}") from error
    differences = np.abs(ours - theirs)
    row = int(np.argmax(np.where(np.isnan(differences), np.inf, differences)))
    if not differences[row] <= AGREED:
        said = f"{ours[row]:.9g} instead of {theirs[row]:.9g}"
        raise ExportRefused(kind, f"its scores differ by up to {differences[row]:.3g} (row {row:,}: {said})")
    other = ((ours > BOUNDARY) != decisions) & (np.abs(theirs - BOUNDARY) > ON_BOUNDARY)
    if other.any():
        first = int(np.argmax(other))
        raise ExportRefused(kind, f"{int(other.sum()):,} rows would be judged otherwise, row {first:,} the first")
