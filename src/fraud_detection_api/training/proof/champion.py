"""The champion on new validation rows: what a new model has to stand beside."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from fraud_detection_api.errors import FraudError
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import Champion
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows

SEEN = "; the champion was trained on some of these days"
MOST_SEEN = 0.5  # of the rows, above which they flatter a champion too much to hold a new model back


@dataclass(frozen=True)
class ValidationRows:
    """The rows that judge as records and as a new model has judged them, how, and the day they begin."""

    columns: Columns
    judged: HoldoutRows
    budget: Budget
    seed: int
    first_day: date | None
    fingerprint: str  # of all the data they were taken from, which tells where no day does


def champion_on(rows: ValidationRows, registry: Registry, use_case: UseCase) -> Champion | None:
    """The champion's evaluation on these rows, if there is a champion."""
    version = registry.aliases(use_case.name).champion
    if version is None:
        return None
    try:
        scorer = load_scorer(registry.bundle(use_case.name, version), use_case)
    except FraudError as error:
        return Champion(version, None, error.message)
    share = _seen(rows, scorer.manifest)
    if share is None:
        return Champion(version, None, "no day tells which of these rows the champion was trained on")
    if share > MOST_SEEN:
        return Champion(version, None, f"more than half of these rows lie on days that it knows{SEEN}")
    operation = Operation(rows.budget, scorer.manifest.threshold, use_case.costs)
    judged = replace(rows.judged, probabilities=scorer.scores(rows.columns).values)
    return Champion(version, evaluate(judged, operation, rows.seed), SEEN if share else "")


def _seen(rows: ValidationRows, champion: Manifest) -> float | None:
    """The share of the rows on days that the champion was made on; None where nobody knows which rows it has seen."""
    if rows.first_day is None or rows.judged.days is None:
        same_split = champion.data is not None and (champion.data.fingerprint, champion.parameters.get("seed")) == (
            rows.fingerprint,
            rows.seed,
        )
        return 0.0 if same_split else None
    until = champion.parameters.get("chosen_until") or champion.parameters.get("trained_until")
    if until is None or str(until) < rows.first_day.isoformat():
        return 0.0
    return float((rows.judged.days.astype("datetime64[D]") <= np.datetime64(str(until))).mean())
