"""Kinds of model, as people call them."""

from collections.abc import Mapping

from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.runtimes import ISOLATION_FOREST, ONNX, XGBOOST

NAMES: Mapping[str, str] = {
    XGBOOST: "XGBoost",
    "logistic": "logistic regression",
    "forest": "random forest",
    "tree": "decision tree",
    "svm": "support vector machine",
    ISOLATION_FOREST: "isolation forest",
    ONNX: "ONNX model",
}


def kind_of(manifest: Manifest) -> str:
    """The kind as commands know it, behind whatever form it is served in."""
    return str(manifest.parameters.get("model", ONNX)) if manifest.model_kind == ONNX else manifest.model_kind


def kind_name(kind: str) -> str:
    """A kind in words; one that nobody has worded keeps its name."""
    return NAMES.get(kind, kind)


def kind_title(kind: str) -> str:
    """A kind as it stands at the head of a line; the name of somebody's own function is left as it is."""
    name = kind_name(kind)
    return name[:1].upper() + name[1:] if kind in NAMES else name


def kind_words(manifest: Manifest) -> str:
    """The kind of a model in words."""
    return kind_name(kind_of(manifest))
