"""The proof: what rows that a model never saw say of it, and the gate's verdict."""

from dataclasses import dataclass

from fraud_detection_api.model.manifest import GateVerdict, Measure
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.budget import ProofSettings
from fraud_detection_api.training.proof.calibrating import Curve, calibrated_rows
from fraud_detection_api.training.proof.champion import ValidationRows, champion_on
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import BaseRates, JudgedModel, verdict_on
from fraud_detection_api.training.proof.holdout_rows import Holdout
from fraud_detection_api.training.proof.threshold_choice import ChosenThreshold, chosen_threshold
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.fingerprint import fingerprint
from fraud_detection_api.training.tables.split import Split
from fraud_detection_api.training.trained import TrainedModel


@dataclass(frozen=True)
class Learned:
    """A model with the rows that made it and those that judge it."""

    use_case: UseCase
    dataset: Dataset
    parts: Split
    model: TrainedModel


@dataclass(frozen=True)
class Proof:
    """The calibration, the threshold, the measures at it, the rows behind them, and the verdict."""

    calibration: Curve | None
    threshold: ChosenThreshold
    metrics: dict[str, Measure]
    rows: Holdout
    verdict: GateVerdict


def proof(learned: Learned, registry: Registry, settings: ProofSettings) -> Proof:
    """Judge a model on its validation rows, beside the champion on the same rows."""
    dataset, parts = learned.dataset, learned.parts
    curve, rows = calibrated_rows(learned.model, dataset, parts)
    threshold = chosen_threshold(rows.threshold_rows, learned.use_case, registry, settings.threshold)
    evaluation = evaluate(
        rows.validation_rows, Operation(settings.budget, threshold.at, learned.use_case.costs), settings.seed
    )
    rates = BaseRates(dataset.fraud_share(parts.train), float(rows.validation_rows.labels.mean()))
    candidate = JudgedModel(evaluation, rates, rows.validation_rows, threshold.at)
    verdict = _verdict(learned, candidate, registry, settings)
    return Proof(curve, threshold, evaluation.measures(), rows, verdict)


def _verdict(learned: Learned, candidate: JudgedModel, registry: Registry, settings: ProofSettings) -> GateVerdict:
    """What the gate says of a model beside the champion on the same rows, and why it is forced if it is."""
    parts, use_case = learned.parts, learned.use_case
    columns = learned.dataset.columns.take(parts.validation)
    known_by = "" if parts.validated_from else fingerprint(learned.dataset)  # days say more, where there are any
    rows = ValidationRows(columns, candidate.rows, settings.budget, settings.seed, parts.validated_from, known_by)
    verdict = verdict_on(candidate, champion_on(rows, registry, use_case), use_case.gate)
    if verdict.passed or not settings.force:
        return verdict
    return verdict.model_copy(update={"forced_because": settings.force.strip()})
