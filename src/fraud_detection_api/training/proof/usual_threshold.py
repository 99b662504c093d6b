"""The usual threshold: how a fit chooses when nobody says how; a rule that somebody has set stays."""

from fraud_detection_api.errors import DataRefused, FraudError
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.judged_rows import JudgedRows
from fraud_detection_api.training.proof.threshold import Choice, best_f1, choice_of, least_cost


def chosen_threshold(rows: JudgedRows, use_case: UseCase, registry: Registry, asked: str | None) -> tuple[float, str]:
    """The threshold and its rule; what was asked for is done or refused, a usual rule that cannot be kept is left."""
    if asked is not None:
        choice = choice_of(asked)
        choice.refuse_other_costs(use_case.costs)
        return choice.threshold(rows), choice.rule
    for choice in _usual(use_case, registry):
        try:
            choice.refuse_other_costs(use_case.costs)
            return choice.threshold(rows), choice.rule
        except DataRefused:
            continue
    return best_f1().threshold(rows), best_f1().rule


def _usual(use_case: UseCase, registry: Registry) -> list[Choice]:
    usual = [least_cost(use_case.costs)] if use_case.costs else []
    try:
        champion = registry.bundle(use_case.name, "champion").manifest
        return [choice_of(champion.threshold_rule), *usual] if champion.origin == "trained" else usual
    except FraudError:  # no champion, or none that can be read; older ones have no rule
        return usual
