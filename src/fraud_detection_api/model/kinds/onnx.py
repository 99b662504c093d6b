"""Pipelines of scikit-learn, exported to ONNX: served by ONNX Runtime, which is loaded with the first such bundle."""

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.kinds.kind import ModelKind, refuse_other_scores
from fraud_detection_api.model.runtimes import Runtime


def _load(bundle: Bundle) -> Runtime:
    with without_data_frames():
        from fraud_detection_api.model.onnx_model import OnnxModel, OnnxUnavailable

    try:
        model = OnnxModel.read(bundle.model)
        refuse_other_scores(bundle, model.probabilities(bundle.reference.matrix))
    except (OnnxUnavailable, ValueError) as error:
        raise BundleRefused(bundle.version, f"its ONNX model cannot be used: {error}") from error
    return model


ONNX = ModelKind(
    name="onnx",
    words="ONNX model",
    load=_load,
    model_file="model.onnx",
    served_as="ONNX",
    no_reasons="ONNX does not say what each feature adds to a score; with --model xgboost or forest a model does",
)
