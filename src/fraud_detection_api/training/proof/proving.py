"""The proof: what rows that a model never saw say of it, and the gate's verdict."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.model.calibration import calibrated
from fraud_detection_api.model.manifest import GateVerdict, Isotonic, Measure, Platt
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import Probabilities
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.proof.calibrating import chosen_calibration
from fraud_detection_api.training.proof.champion import ValidationRows, champion_on
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import BaseRates, judged
from fraud_detection_api.training.proof.judged_rows import Judged, judged_rows
from fraud_detection_api.training.proof.threshold import best_threshold
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.tables.split import Split
from fraud_detection_api.training.train_xgboost import TrainedModel


@dataclass(frozen=True)
class Learned:
    """A model with the rows that made it and those that judge it."""

    use_case: UseCase
    dataset: Dataset
    parts: Split
    model: TrainedModel

    def probabilities(self, rows: Rows) -> Probabilities:
        """What the model says of these rows, before calibration."""
        return self.model.probabilities(self.dataset.columns.take(rows))


@dataclass(frozen=True)
class Proof:
    """The calibration, the threshold, the measures at it, the rows behind them, and the verdict."""

    calibration: Platt | Isotonic | None
    threshold: float
    metrics: dict[str, Measure]
    rows: Judged
    verdict: GateVerdict


def proof(learned: Learned, registry: Registry, options: FitOptions) -> Proof:
    """Judge a model on its validation rows, beside the champion on the same rows."""
    labels, parts = learned.dataset.labels, learned.parts
    stopping, calibration = (learned.probabilities(rows) for rows in (parts.stopping, parts.calibration))
    curve = chosen_calibration(calibration, labels[parts.calibration], stopping, labels[parts.stopping])
    choosing = calibrated(np.concatenate([stopping, calibration]), curve)
    rows = Judged(
        judged_rows(learned.dataset, np.concatenate([parts.stopping, parts.calibration]), choosing),
        judged_rows(learned.dataset, parts.validation, calibrated(learned.probabilities(parts.validation), curve)),
    )
    threshold = best_threshold(rows.choosing.probabilities, rows.choosing.labels)
    judging = rows.judging.labels
    operation = Operation(options.review_budget, threshold)
    evaluation = evaluate(rows.judging.probabilities, judging, operation, options.seed)
    validation = ValidationRows(
        learned.dataset.columns.take(parts.validation),
        judging,
        options.review_budget,
        options.seed,
        parts.validated_from,
    )
    rates = BaseRates(training=float(labels[parts.train].mean()), validation=float(judging.mean()))
    verdict = judged(evaluation, rates, champion_on(validation, registry, learned.use_case))
    if not verdict.passed and options.force:
        verdict = verdict.model_copy(update={"forced_because": options.force.strip()})
    return Proof(curve, threshold, evaluation.measures(), rows, verdict)
