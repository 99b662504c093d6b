"""Export: a fitted scikit-learn pipeline as ONNX, refused unless the file says what the pipeline says."""

import numpy as np
from sklearn.base import BaseEstimator, is_classifier  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.kinds.kind import AGREED
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.training.exporting.graph import graphs
from fraud_detection_api.training.exporting.originals import (
    last_step,
    original_decisions,
    original_scores,
    winner,
)

CLASSES = 2
# scikit-learn adds up a forest's trees in the order in which its threads end: a row may lie on the boundary itself,
# and then its class changes from one call to the next.
BOUNDARY, ON_BOUNDARY = 0.5, 1e-12


def exported(pipeline: BaseEstimator, matrix: Matrix) -> bytes:
    """The file of a fitted pipeline: a classifier of two classes, alone or behind other steps.

    The whole matrix is scored by both. Equal fits give equal bytes.
    """
    found = winner(pipeline)
    kind = type(last_step(found)).__name__
    if not (is_classifier(found) and len(found.classes_) == CLASSES):
        raise ExportRefused(kind, "only classifiers of two classes are served")
    model = _written(kind, found, matrix.shape[1])
    refuse_other_answers(kind, found, model, matrix)
    return model


def _written(kind: str, pipeline: BaseEstimator, features: int) -> bytes:
    """The first of the ways that ends in a file that can be read, or why the most exact one does not."""
    reasons = []
    for graph in graphs(pipeline, features):
        try:
            model: bytes = graph().SerializeToString(deterministic=True)
            OnnxModel.read(model)
        except ExportRefused:
            raise
        except Exception as error:  # noqa: BLE001  skl2onnx has no errors of its own: it raises whatever comes its way
            reasons.append(f"{type(error).__name__}: {error}".partition("\n")[0])
        else:
            return model
    raise ExportRefused(kind, f"it cannot be written as ONNX ({reasons[0]})")


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
