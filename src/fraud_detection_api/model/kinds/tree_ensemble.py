"""Trees and forests of scikit-learn: walked by the compiled forest, with scikit-learn's own bits."""

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.kinds.kind import ModelKind, gives_same_bits
from fraud_detection_api.model.runtimes import Runtime
from fraud_detection_api.model.saved_trees import ForestUnsupported
from fraud_detection_api.model.tree_ensemble import TreeEnsemble


def _load(bundle: Bundle) -> Runtime:
    try:
        trees = TreeEnsemble.read(bundle.model)
        proved = gives_same_bits(trees, bundle.reference)
    except (ForestUnsupported, ValueError) as error:
        raise BundleRefused(bundle.version, f"its trees cannot be read: {error}") from error
    if not proved:
        raise BundleRefused(bundle.version, "its trees give other probabilities here than when it was made")
    return trees


TREE_ENSEMBLE = ModelKind(
    name="tree_ensemble",
    words="trees of scikit-learn",
    load=_load,
    explained_in="probability",
    no_reasons="its trees lack usable weights of their training rows (sum_hessian); train the model again",
)
