"""Calibration: a model's own score made to mean what it says, by numbers that the manifest keeps."""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.manifest import Isotonic, Platt, Ranks

Probabilities = NDArray[np.float32]
SMALLEST = 1e-9  # keeps log-odds finite


def calibrated(probabilities: Probabilities, calibration: Platt | Isotonic | None) -> Probabilities:
    """The calibrated probabilities: never out of order, and the model's own bits where there is no calibration."""
    if calibration is None:
        return probabilities
    if isinstance(calibration, Isotonic):
        return np.interp(probabilities, calibration.given, calibration.true).astype(np.float32)
    with np.errstate(over="ignore"):  # of a steep slope: 1 / infinity is the 0 that is meant
        margins = calibration.slope * log_odds(probabilities) + calibration.intercept
        return (1 / (1 + np.exp(-margins))).astype(np.float32)


def percentiles(anomaly_scores: NDArray[np.float64], ranks: Ranks) -> Probabilities:
    """The share of the training records that are less unusual than each score, from 0 to 1."""
    return np.interp(anomaly_scores, ranks.scores, ranks.shares, left=1.0).astype(np.float32)


def log_odds(probabilities: Probabilities) -> NDArray[np.float64]:
    """The log-odds of probabilities, held within what is finite."""
    held = np.minimum(np.maximum(probabilities.astype(np.float64), SMALLEST), 1 - SMALLEST)  # clip is slow for one
    return np.log(held) - np.log1p(-held)
