"""The champion on new validation rows: what a new model has to stand beside."""

from dataclasses import dataclass, replace
from datetime import date

from fraud_detection_api.errors import FraudError
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import Champion
from fraud_detection_api.training.proof.judged_rows import JudgedRows


@dataclass(frozen=True)
class ValidationRows:
    """The rows that judge as records and as a new model has judged them, how, and the day they begin."""

    columns: Columns
    judged: JudgedRows
    budget: Budget
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
    operation = Operation(rows.budget, scorer.manifest.threshold, use_case.costs)
    judged = replace(rows.judged, probabilities=scorer.probabilities(rows.columns))
    trained_until = scorer.manifest.parameters.get("trained_until")
    knows_some = rows.first_day and trained_until and str(trained_until) >= rows.first_day.isoformat()
    remark = "; the champion was trained on some of these days" if knows_some else ""
    return Champion(version, evaluate(judged, operation, rows.seed), remark)
