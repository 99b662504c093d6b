"""The champion on new validation rows: what a new model has to stand beside."""

from dataclasses import dataclass
from datetime import date

from fraud_detection_api.errors import FraudError
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import Champion
from fraud_detection_api.training.tables.dataset import Labels


@dataclass(frozen=True)
class ValidationRows:
    """The rows that judge, how they are judged, and the day they begin."""

    columns: Columns
    labels: Labels
    review_budget: float
    seed: int
    first_day: date | None


def champion_on(rows: ValidationRows, registry: Registry, use_case: UseCase) -> Champion | None:
    """The champion's evaluation on these rows, if there is a champion."""
    version = registry.aliases(use_case.name).champion
    if version is None:
        return None
    try:
        scorer = load_scorer(registry.bundle(use_case.name, version), use_case)
    except FraudError as error:
        return Champion(version, None, error.message)
    operation = Operation(rows.review_budget, scorer.manifest.threshold)
    evaluation = evaluate(scorer.probabilities(rows.columns), rows.labels, operation, rows.seed)
    trained_until = scorer.manifest.parameters.get("trained_until")
    knows_some = rows.first_day and trained_until and str(trained_until) >= rows.first_day.isoformat()
    return Champion(version, evaluation, "; the champion was trained on some of these days" if knows_some else "")
