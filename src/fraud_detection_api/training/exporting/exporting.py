"""Export: a fitted scikit-learn pipeline as ONNX, refused unless the file says what the pipeline says."""

from sklearn.base import BaseEstimator, is_classifier  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.training.exporting.agreement import refuse_other_answers
from fraud_detection_api.training.exporting.graph import graphs
from fraud_detection_api.training.exporting.originals import last_step, winner

CLASSES = 2


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
