"""Runtimes: what turns a matrix into scores. Which there are is said by the kinds of model, in `model/kinds/`."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.matrix import Matrix

Probabilities = NDArray[np.float32]
AnomalyScores = NDArray[np.float64]
Contributions = NDArray[np.float64]


class Explains(Protocol):
    """What both kinds of runtime have in common."""

    @property
    def is_quick(self) -> bool:
        """Whether hundreds of records take no longer than a fraction of a millisecond."""

    def contributions(self, matrix: Matrix) -> Contributions:
        """What each feature adds to a row, in the unit of its kind, and last the bias; ValueError if nobody knows."""


class Runtime(Explains, Protocol):
    """What turns a matrix into probabilities: the compiled forest, the library, a session of ONNX Runtime."""

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """One probability a row."""


class AnomalyRuntime(Explains, Protocol):
    """What turns a matrix into anomaly scores."""

    def anomaly_scores(self, matrix: Matrix) -> AnomalyScores:
        """One score a row: below 0, and the lower the more unusual."""
