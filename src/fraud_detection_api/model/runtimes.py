"""Runtimes: one a kind of model. Each serves once it has given the scores of the bundle's reference rows.

A new kind of model is one file with the two methods of a runtime, and one entry in RUNTIMES.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.bundle import Bundle, Reference
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.forest import Forest
from fraud_detection_api.model.isolation_forest import IsolationForest
from fraud_detection_api.model.saved_trees import ForestUnsupported

Probabilities = NDArray[np.float32]
AnomalyScores = NDArray[np.float64]
Contributions = NDArray[np.float64]
XGBOOST, ONNX, ISOLATION_FOREST = "xgboost", "onnx", "isolation_forest"
AGREED = 1e-6  # between scikit-learn and what serves its models; XGBoost's own probabilities are kept to the bit


class Explains(Protocol):
    """What both kinds of runtime have in common."""

    def contributions(self, matrix: Matrix) -> Contributions:
        """What each feature adds to a row's log-odds or strangeness, and last the bias that all rows have in common."""
        ...


class Runtime(Explains, Protocol):
    """What turns a matrix into probabilities: the compiled forest, the library, a session of ONNX Runtime."""

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """One probability a row."""
        ...


class AnomalyRuntime(Explains, Protocol):
    """What turns a matrix into anomaly scores."""

    def anomaly_scores(self, matrix: Matrix) -> AnomalyScores:
        """One score a row: below 0, and the lower the stranger."""
        ...


def is_quick(runtime: Runtime | AnomalyRuntime) -> bool:
    """Whether hundreds of records take no longer than a fraction of a millisecond: what is compiled here."""
    return isinstance(runtime, Forest | ExplainedByLibrary | IsolationForest)


def proven_runtime(bundle: Bundle) -> Runtime | AnomalyRuntime:
    """The runtime of a bundle's model, once it has given the scores of the reference rows."""
    kind = bundle.manifest.model_kind
    if kind not in RUNTIMES:
        raise BundleRefused(bundle.version, f"its model is of a kind that is not known here: {kind}")
    if kind != ONNX and (kind == ISOLATION_FOREST) != (bundle.manifest.ranks is not None):
        raise BundleRefused(bundle.version, f"a model of the kind {kind} does not go with its scores")
    return RUNTIMES[kind](bundle)


def quickest_runtime(model: bytes, reference: Reference, library: Callable[[], Runtime]) -> Runtime:
    """The compiled forest where it gives the library's bits, else the library."""
    try:
        forest = Forest.read(model)
    except ForestUnsupported:
        return library()
    if not proves(forest, reference):
        return library()
    return forest if forest.explains else ExplainedByLibrary(forest, library)


class ExplainedByLibrary:
    """A forest that scores but cannot explain, since a split has no cover; the library is loaded when it is asked."""

    def __init__(self, forest: Forest, library: Callable[[], Runtime]) -> None:
        self._library = library
        self.probabilities = forest.probabilities

    def contributions(self, matrix: Matrix) -> Contributions:
        """The library's own."""
        return self._loaded.contributions(matrix)

    @cached_property
    def _loaded(self) -> Runtime:
        return self._library()


def proves(runtime: Runtime, reference: Reference) -> bool:
    """Whether a runtime gives the reference scores, to the bit."""
    return runtime.probabilities(reference.matrix).tobytes() == reference.scores.tobytes()


def _boosted(bundle: Bundle) -> Runtime:
    return quickest_runtime(bundle.model, bundle.reference, lambda: _proven_library(bundle))


def _proven_library(bundle: Bundle) -> Runtime:
    with without_data_frames():
        from fraud_detection_api.model.library import LibraryModel  # slow and large: only where it is needed

    library = LibraryModel.read(bundle.model)
    if not proves(library, bundle.reference):
        made_with = bundle.manifest.libraries.get("xgboost")
        raise BundleRefused(bundle.version, f"the XGBoost here gives other probabilities than {made_with} did")
    return library


def _isolation_forest(bundle: Bundle) -> AnomalyRuntime:
    try:
        forest = IsolationForest.read(bundle.model)
    except ForestUnsupported as error:
        raise BundleRefused(bundle.version, f"its isolation forest cannot be read: {error}") from error
    _refuse_other_scores(bundle, forest.anomaly_scores(bundle.reference.matrix))
    return forest


def _onnx(bundle: Bundle) -> Runtime | AnomalyRuntime:
    with without_data_frames():
        from fraud_detection_api.model.onnx_model import OnnxModel, OnnxUnavailable

    try:
        model = OnnxModel.read(bundle.model)
        scores = model.anomaly_scores if bundle.manifest.ranks else model.probabilities
        _refuse_other_scores(bundle, scores(bundle.reference.matrix))
    except (OnnxUnavailable, ValueError) as error:
        raise BundleRefused(bundle.version, f"its ONNX model cannot be used: {error}") from error
    return model


def _refuse_other_scores(bundle: Bundle, scores: NDArray[np.floating]) -> None:
    if not np.allclose(scores, bundle.reference.scores, rtol=0, atol=AGREED):
        raise BundleRefused(bundle.version, f"it gives other scores here than when it was made (by more than {AGREED})")


RUNTIMES: Mapping[str, Callable[[Bundle], Runtime | AnomalyRuntime]] = {
    XGBOOST: _boosted,
    ONNX: _onnx,
    ISOLATION_FOREST: _isolation_forest,
}
