"""Decisions: what a bundle's threshold makes of a probability."""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.scorer import Probabilities

FLAGGED, PASSED = "flagged", "passed"


def is_flagged(probabilities: Probabilities, threshold: float) -> NDArray[np.bool_]:
    """Whether each probability is at or above the threshold."""
    flagged: NDArray[np.bool_] = probabilities >= np.float32(threshold)
    return flagged


def decisions(probabilities: Probabilities, threshold: float) -> list[str]:
    """What the bundle's threshold makes of each probability."""
    return [FLAGGED if flagged else PASSED for flagged in is_flagged(probabilities, threshold).tolist()]
