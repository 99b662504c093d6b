"""Isolation forests of scikit-learn: walked by the compiled forest; what a use case without a label is served with."""

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.isolation_forest import IsolationForest
from fraud_detection_api.model.kinds.kind import ModelKind, refuse_other_scores
from fraud_detection_api.model.runtimes import AnomalyRuntime
from fraud_detection_api.model.saved_trees import ForestUnsupported


def _load(bundle: Bundle) -> AnomalyRuntime:
    try:
        forest = IsolationForest.read(bundle.model)
    except ForestUnsupported as error:
        raise BundleRefused(bundle.version, f"its isolation forest cannot be read: {error}") from error
    refuse_other_scores(bundle, forest.anomaly_scores(bundle.reference.matrix))
    return forest


ISOLATION_FOREST = ModelKind(
    name="isolation_forest",
    words="isolation forest",
    load=_load,
    explained_in="expected splits",
    no_reasons="its trees lack usable covers (sum_hessian); train the model again",
    scores_anomalies=True,
)
