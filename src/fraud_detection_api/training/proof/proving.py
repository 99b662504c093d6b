"""The proof: what the validation rows say of a trained model, and the gate's verdict on it."""

from dataclasses import dataclass

from fraud_detection_api.model.manifest import GateVerdict, Measure
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.proof.champion import ValidationRows, champion_on
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import BaseRates, judged
from fraud_detection_api.training.proof.threshold import best_threshold
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.split import Split
from fraud_detection_api.training.train_xgboost import TrainedModel


@dataclass(frozen=True)
class Learned:
    """A model with the rows that made it and those that judge it."""

    use_case: UseCase
    dataset: Dataset
    parts: Split
    model: TrainedModel


@dataclass(frozen=True)
class Proof:
    """The threshold, the measures at it, and the verdict."""

    threshold: float
    metrics: dict[str, Measure]
    verdict: GateVerdict


def proof(learned: Learned, registry: Registry, options: FitOptions) -> Proof:
    """Judge a model on its validation rows, beside the champion on the same rows."""
    labels, parts = learned.dataset.labels, learned.parts
    threshold = best_threshold(learned.model.stopping, labels[parts.stopping])
    judging = labels[parts.validation]
    operation = Operation(options.review_budget, threshold)
    evaluation = evaluate(learned.model.validation, judging, operation, options.seed)
    rows = ValidationRows(
        learned.dataset.columns.take(parts.validation),
        judging,
        options.review_budget,
        options.seed,
        parts.validated_from,
    )
    rates = BaseRates(training=float(labels[parts.train].mean()), validation=float(judging.mean()))
    verdict = judged(evaluation, rates, champion_on(rows, registry, learned.use_case))
    if not verdict.passed and options.force:
        verdict = verdict.model_copy(update={"forced_because": options.force.strip()})
    return Proof(threshold, evaluation.measures(), verdict)
