"""Calibration at its limits: steep slopes end at 0 and 1 without a warning."""

import numpy as np
import pytest

from fraud_detection_api.model.calibration import calibrated
from fraud_detection_api.model.manifest import Platt


@pytest.mark.parametrize("slope", [100.0, 1e6, 1e308])
def test_a_steep_slope_ends_at_0_and_1_in_silence(slope: float) -> None:
    with np.errstate(over="raise"):
        found = calibrated(np.array([0.0, 1e-4, 0.5, 0.9999, 1.0], np.float32), Platt(slope=slope, intercept=0.0))
    assert found.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
