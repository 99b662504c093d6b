"""The proof that a loaded model has to give: the scores of its bundle's reference rows."""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle, Reference
from fraud_detection_api.model.runtimes import Runtime

AGREED = 1e-6  # between scikit-learn and what serves its models; XGBoost's own probabilities are kept to the bit


def gives_same_bits(runtime: Runtime, reference: Reference) -> bool:
    """Whether a runtime gives the reference scores, to the bit."""
    return runtime.probabilities(reference.matrix).tobytes() == reference.scores.tobytes()


def refuse_other_scores(bundle: Bundle, scores: NDArray[np.floating]) -> None:
    """Refuse scores of the reference rows that differ from those that the bundle was made with."""
    if not np.allclose(scores, bundle.reference.scores, rtol=0, atol=AGREED):
        raise BundleRefused(bundle.version, f"it gives other scores here than when it was made (by more than {AGREED})")
