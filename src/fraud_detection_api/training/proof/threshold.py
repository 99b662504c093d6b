"""The threshold: from which probability on a record is called a fraud."""

import numpy as np

from fraud_detection_api.training.proof.evaluation import Probabilities
from fraud_detection_api.training.tables.dataset import Labels

THRESHOLD_RULE = "the highest F1 on the early-stopping and calibration rows"


def best_threshold(probabilities: Probabilities, labels: Labels) -> float:
    """The probability at and above which flagging gives the highest F1; the highest such one."""
    order = np.argsort(-probabilities, kind="stable")
    descending = probabilities[order]
    last_of_ties = np.r_[np.flatnonzero(np.diff(descending)), len(descending) - 1]
    caught = np.cumsum(labels[order])[last_of_ties]
    f1 = 2 * caught / (last_of_ties + 1 + labels.sum())
    return float(descending[last_of_ties[np.argmax(f1)]])
