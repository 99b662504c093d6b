"""Calibration at its limits: steep slopes end at 0 and 1 without a warning."""

import numpy as np
import pytest

from fraud_detection_api.model.calibration import calibrated, percentiles
from fraud_detection_api.model.manifest import Platt, Ranks


@pytest.mark.parametrize("slope", [100.0, 1e6, 1e308])
def test_a_steep_slope_ends_at_0_and_1_in_silence(slope: float) -> None:
    with np.errstate(over="raise"):
        found = calibrated(np.array([0.0, 1e-4, 0.5, 0.9999, 1.0], np.float32), Platt(slope=slope, intercept=0.0))
    assert found.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_what_is_more_unusual_than_every_training_record_is_so_and_what_is_as_usual_as_the_most_usual_is_0() -> None:
    ranks = Ranks(scores=(-0.75, -0.5, -0.25), shares=(0.75, 0.5, 0.0))
    found = percentiles(np.array([-0.9, -0.75000001, -0.75, -0.625, -0.375, -0.25, -0.1]), ranks)
    assert found.tolist() == [1.0, 1.0, 0.75, 0.625, 0.25, 0.0, 0.0]
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("scores", "shares"),
    [
        ((), ()),
        ((-0.5,), (0.5, 0.2)),
        ((-0.5, -0.5), (0.5, 0.2)),
        ((-0.5, -0.6), (0.5, 0.2)),
        ((-0.6, -0.5), (0.2, 0.5)),
        ((-0.6, -0.5), (1.5, 0.5)),
        ((-0.6, float("nan")), (0.5, 0.2)),
    ],
)
def test_ranks_out_of_order_are_refused(scores: tuple[float, ...], shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Ranks(scores=scores, shares=shares)
