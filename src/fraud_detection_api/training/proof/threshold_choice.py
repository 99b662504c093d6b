"""The usual threshold: how a fit chooses when nobody says how; a rule that somebody has set stays."""

from dataclasses import dataclass, replace

from fraud_detection_api.errors import DataRefused, FraudError
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.threshold import ThresholdRule, best_f1, least_cost, rule_of


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold, its rule, whether somebody asked for that rule, and what there is to know of it."""

    at: float
    rule: str
    was_asked: bool
    remark: str = ""


def chosen_threshold(rows: HoldoutRows, use_case: UseCase, registry: Registry, rule: str | None) -> ChosenThreshold:
    """As asked now, or refused; else as asked for the champion; else by the declared costs; else at the best F1."""
    if rule is not None:
        return _by(rule_of(rule), rows)
    kept, remark = _asked_before(use_case, registry), ""
    if kept is not None:
        try:
            kept.refuse_unfit(use_case)
            return _by(kept, rows)
        except DataRefused as refused:
            remark = f"The champion's rule, {kept.words}, cannot be kept: {refused}"
    return replace(_usual(rows, use_case.costs), remark=remark)


def declared_threshold(rows: HoldoutRows, costs: Costs | None) -> float:
    """By the declared costs, or at the best F1 where there are none or where they make every flag too dear."""
    return _usual(rows, costs).at


def _by(rule: ThresholdRule, rows: HoldoutRows) -> ChosenThreshold:
    return ChosenThreshold(rule.threshold(rows), rule.rule, was_asked=True)


def _usual(rows: HoldoutRows, costs: Costs | None) -> ChosenThreshold:
    chosen = _by(best_f1(), rows) if costs is None else _cheapest(rows, costs)
    return replace(chosen, was_asked=False)


def _cheapest(rows: HoldoutRows, costs: Costs) -> ChosenThreshold:
    try:
        return _by(least_cost(costs), rows)
    except DataRefused:  # no flag is worth its false alarms
        return _by(best_f1(), rows)


def _asked_before(use_case: UseCase, registry: Registry) -> ThresholdRule | None:
    try:
        champion = registry.bundle(use_case.name, "champion").manifest
        return rule_of(champion.threshold_rule) if champion.threshold_asked else None
    except FraudError:  # no champion, or none that can be read
        return None
