"""Which kinds of model there are: the built-in ones, and those that a use case names among its models."""

from pkgutil import resolve_name

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.kinds.isolation_forest import ISOLATION_FOREST
from fraud_detection_api.model.kinds.kind import ModelKind
from fraud_detection_api.model.kinds.onnx import ONNX
from fraud_detection_api.model.kinds.tree_ensemble import TREE_ENSEMBLE
from fraud_detection_api.model.kinds.xgboost import XGBOOST
from fraud_detection_api.model.runtimes import AnomalyRuntime, Runtime
from fraud_detection_api.schemas.use_case import UseCase

KINDS: tuple[ModelKind, ...] = (XGBOOST, TREE_ENSEMBLE, ONNX, ISOLATION_FOREST)


def kind_named(name: str, use_case: UseCase) -> ModelKind | None:
    """The kind of this name; a bundle cannot make us import what its use case does not name."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    found = resolve_name(name) if ":" in name and name in use_case.learning.models else None
    return found if isinstance(found, ModelKind) else None


def proven_runtime(bundle: Bundle, use_case: UseCase) -> tuple[ModelKind, Runtime | AnomalyRuntime]:
    """The kind of a bundle's model, and its runtime once it has given the scores of the reference rows."""
    name = bundle.manifest.model_kind
    try:
        kind = kind_named(name, use_case)
    except (ImportError, AttributeError, ValueError) as error:
        raise BundleRefused(bundle.version, f"its kind of model cannot be imported: {error}") from error
    if kind is None:
        raise BundleRefused(bundle.version, f"its model is of a kind that is not known here: {name}")
    if kind.scores_anomalies != (bundle.manifest.ranks is not None):
        raise BundleRefused(bundle.version, f"a model of the kind {name} does not go with its scores")
    return kind, kind.load(bundle)
