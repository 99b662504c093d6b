"""Candidates for the gate, made of probabilities and labels alone."""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import BaseRates, Champion, JudgedModel
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.tables.dataset import Groups

COSTS = Costs(missed_fraud=50, false_alarm=5)


def candidate(
    probabilities: NDArray[np.floating], labels: NDArray[np.bool_], groups: Groups | None = None, threshold: float = 0.5
) -> JudgedModel:
    """A model that says this of rows with these labels, trained where frauds are as frequent."""
    rows = HoldoutRows(probabilities.astype(np.float32), labels, groups=groups)
    base_rate = float(labels.mean())
    evaluation = evaluate(rows, Operation(Budget(share=0.05), threshold, COSTS), 0)
    return JudgedModel(evaluation, BaseRates(base_rate, base_rate), rows, threshold)


def as_champion(model: JudgedModel) -> Champion:
    """The same model as the one that leads."""
    return Champion("7-abc", model.evaluation)
