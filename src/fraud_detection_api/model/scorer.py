"""The scorer: a loaded bundle; columns in, probabilities out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import BundleRefused, ReasonsUnavailable
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import Matrix, MatrixMaker
from fraud_detection_api.model.bundle import Bundle, Reference, refuse_other_features
from fraud_detection_api.model.calibration import calibrated
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.forest import Forest
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.saved_trees import ForestUnsupported
from fraud_detection_api.schemas.record import spelled
from fraud_detection_api.schemas.use_case import UseCase

Probabilities = NDArray[np.float32]
Contributions = NDArray[np.float64]


class Runtime(Protocol):
    """What turns a matrix into probabilities: the compiled forest, or the library."""

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """One probability a row."""
        ...

    def contributions(self, matrix: Matrix) -> Contributions:
        """What each feature adds to a row's log-odds, and last the bias that all rows have in common."""
        ...


@dataclass(frozen=True)
class Warned:
    """A value that the model was not trained on."""

    field: str
    message: str


class Scorer:
    """A proven model with its version: what one request takes and keeps to the end."""

    def __init__(self, version: str, manifest: Manifest, runtime: Runtime) -> None:
        self.version = version
        self.manifest = manifest
        self.runtime = runtime
        self._maker = MatrixMaker([feature.name for feature in manifest.features], manifest.categories)
        self._low = np.array([[-np.inf if f.low is None else f.low] for f in manifest.features])
        self._high = np.array([[np.inf if f.high is None else f.high] for f in manifest.features])

    def probabilities(self, columns: Columns) -> Probabilities:
        """The fraud probability of each record: the library's own to the bit, calibrated where the bundle says how."""
        return calibrated(self.runtime.probabilities(self._maker.matrix(columns)), self.manifest.calibration)

    def contributions(self, columns: Columns) -> Contributions:
        """What each feature adds to each record's log-odds (exact TreeSHAP, before any calibration), and the bias."""
        try:
            found = self.runtime.contributions(self._maker.matrix(columns))
        except ValueError as error:  # the library's own error is one: it cannot read trees without covers
            raise ReasonsUnavailable(self.version) from error
        if not np.isfinite(found).all():
            raise ReasonsUnavailable(self.version)
        return found

    def warnings(self, columns: Columns) -> dict[int, list[Warned]]:
        """What in these records lies outside the range or the categories of training, by row."""
        found: dict[int, list[Warned]] = {}
        outside = (columns.numbers < self._low) | (columns.numbers > self._high)
        for position, row in np.argwhere(outside) if outside.any() else ():
            feature = self.manifest.features[position]
            low, high = (spelled(feature.kind, bound[position, 0]) for bound in (self._low, self._high))
            message = f"outside the trained range, {low} to {high}"
            found.setdefault(int(row), []).append(Warned(feature.name, message))
        for name, rows in self._maker.unseen(columns).items():
            for row in rows:
                found.setdefault(row, []).append(Warned(name, "never seen in training, scored as missing"))
        return found


def load_scorer(bundle: Bundle, use_case: UseCase) -> Scorer:
    """A scorer, once it has given the library's bits on the bundle's own reference rows."""
    refuse_other_features(bundle, use_case)
    runtime = quickest_runtime(bundle.model, bundle.reference, lambda: _proven_library(bundle))
    return Scorer(bundle.version, bundle.manifest, runtime)


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


def _proven_library(bundle: Bundle) -> Runtime:
    with without_data_frames():
        from fraud_detection_api.model.library import LibraryModel  # slow and large: only where it is needed

    library = LibraryModel.read(bundle.model)
    if not proves(library, bundle.reference):
        made_with = bundle.manifest.libraries.get("xgboost")
        raise BundleRefused(bundle.version, f"the XGBoost here gives other probabilities than {made_with} did")
    return library


def proves(runtime: Runtime, reference: Reference) -> bool:
    """Whether a runtime gives the reference probabilities, to the bit."""
    return runtime.probabilities(reference.matrix).tobytes() == reference.probabilities.tobytes()
