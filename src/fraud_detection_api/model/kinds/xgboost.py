"""Boosted trees of XGBoost: walked by the compiled forest where it gives the library's bits, else by the library."""

from collections.abc import Callable
from functools import cached_property

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.bundle import Bundle, Reference
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.forest import Forest
from fraud_detection_api.model.kinds.kind import ModelKind, gives_same_bits
from fraud_detection_api.model.runtimes import Contributions, Runtime
from fraud_detection_api.model.sandbox import why_unusable
from fraud_detection_api.model.saved_trees import ForestUnsupported


def quickest_runtime(model: bytes, reference: Reference, library: Callable[[], Runtime]) -> Runtime:
    """The compiled forest where it gives the library's bits, else the library."""
    try:
        forest = Forest.read(model)
    except ForestUnsupported:
        return library()
    if not gives_same_bits(forest, reference):
        return library()
    return forest if forest.explains else ExplainedByLibrary(forest, library)


class ExplainedByLibrary:
    """A forest that scores but cannot explain, since a split has no cover; the library is loaded when it is asked."""

    is_quick = True

    def __init__(self, forest: Forest, library: Callable[[], Runtime]) -> None:
        self._library = library
        self.probabilities = forest.probabilities

    def contributions(self, matrix: Matrix) -> Contributions:
        """The library's own; ValueError where it cannot read the model either."""
        if self._loaded is None:
            raise ValueError("the library cannot read the model")
        return self._loaded.contributions(matrix)

    @cached_property
    def _loaded(self) -> Runtime | None:
        try:
            return self._library()
        except BundleRefused:
            return None


def _load(bundle: Bundle) -> Runtime:
    return quickest_runtime(bundle.model, bundle.reference, lambda: _proven_library(bundle))


def _proven_library(bundle: Bundle) -> Runtime:
    if why := why_unusable(bundle.model):
        reasons = dict.fromkeys(filter(None, (_why_not_walked(bundle.model), why)))
        raise BundleRefused(bundle.version, f"its model cannot be used: {'; '.join(reasons)}")
    with without_data_frames():
        from fraud_detection_api.model.xgboost_library import LibraryModel  # slow and large: only where it is needed

    library = LibraryModel.read(bundle.model)
    if not gives_same_bits(library, bundle.reference):
        made_with = bundle.manifest.libraries.get("xgboost")
        raise BundleRefused(bundle.version, f"the XGBoost here gives other probabilities than {made_with} did")
    return library


def _why_not_walked(model: bytes) -> str:
    try:
        Forest.read(model)
    except ForestUnsupported as error:
        return str(error)
    return ""


XGBOOST = ModelKind(
    name="xgboost",
    words="XGBoost",
    load=_load,
    explained_in="log-odds",
    no_reasons="its trees lack usable covers (sum_hessian); train the model again, or import it again with its covers",
    trainer="fraud_detection_api.training.xgboost_trainer:trainer",
    boosts=True,
)
