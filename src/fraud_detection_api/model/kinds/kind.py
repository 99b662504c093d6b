"""A kind of model: all that is said of it, and its proof at load. Each is one file here and one entry in `known.py`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle, Reference
from fraud_detection_api.model.runtimes import AnomalyRuntime, Runtime

AGREED = 1e-6  # between scikit-learn and what serves its models; XGBoost's own probabilities are kept to the bit


@dataclass(frozen=True, kw_only=True)
class ModelKind:
    """How models of this kind are kept, proved, served, explained and called; training reads who trains them."""

    name: str  # as manifests and `--model` say it; of a team's own kind, its import string
    words: str  # as people call it
    load: Callable[[Bundle], Runtime | AnomalyRuntime]  # refused unless it gives the scores of the reference rows
    model_file: str = "model.json"
    served_as: str = ""  # where that is not clear from its words
    explained_in: str = ""  # the unit of what each feature adds; "" where nobody knows what they add
    no_reasons: str = ""  # why a model of this kind may have none, and the way out
    scores_anomalies: bool = False  # instead of giving probabilities
    trainer: str = ""  # import string: its name and FitSettings in, a Trainer out; "" where `--model` cannot ask for it
    boosts: bool = False  # whether its trainer listens to the boosting options


def gives_same_bits(runtime: Runtime, reference: Reference) -> bool:
    """Whether a runtime gives the reference scores, to the bit."""
    return runtime.probabilities(reference.matrix).tobytes() == reference.scores.tobytes()


def refuse_other_scores(bundle: Bundle, scores: NDArray[np.floating]) -> None:
    """Refuse scores of the reference rows that differ from those that the bundle was made with."""
    if not np.allclose(scores, bundle.reference.scores, rtol=0, atol=AGREED):
        raise BundleRefused(bundle.version, f"it gives other scores here than when it was made (by more than {AGREED})")
