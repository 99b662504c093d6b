"""Decisions: what becomes of a record by its score."""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.schemas.answers import FLAGGED, PASSED


def decisions(flagged: NDArray[np.bool_]) -> list[str]:
    """The word for each decision."""
    return [FLAGGED if each else PASSED for each in flagged.tolist()]
