"""The threshold: from which probability on a record is called a fraud, chosen by what the team can afford."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows, once_a_day
from fraud_detection_api.training.proof.ranked_rows import RankedRows

Counts = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class ThresholdRule:
    """A way to choose a threshold: as the manifest keeps it, in words, and done."""

    rule: str
    words: str
    threshold: Callable[[HoldoutRows], float]
    fixed_at: float | None = None
    costs: Costs | None = None
    budget: Budget | None = None

    def refuse_unfit(self, use_case: UseCase) -> None:
        """Refuse what this use case's rows cannot answer: days that nobody knows, costs that nobody keeps."""
        if self.budget:
            self.budget.refuse_without_days(use_case)
        field, declared = self.costs.missed_fraud if self.costs else 0.0, use_case.costs
        if isinstance(field, str) and (declared is None or declared.missed_fraud != field):
            raise DataRefused(
                f"What {field} held was not kept: declare costs=Costs({field!r}, ...) on the use case and train again, "
                "or give a fixed sum for a missed fraud."
            )


def best_f1() -> ThresholdRule:
    """The highest F1, where nobody has said what the team can afford; the highest such threshold."""

    def threshold(rows: HoldoutRows) -> float:
        ranked = RankedRows(rows)
        flagged = ranked.sums(np.ones(len(rows)))
        f1 = 2 * ranked.sums(rows.labels.astype(np.int64)) / (flagged + rows.labels.sum())
        return float(ranked.thresholds[np.argmax(f1)])

    return ThresholdRule("f1", "the highest F1", threshold)


def fixed(at: float) -> ThresholdRule:
    """A number that somebody has chosen."""
    if not 0 <= at <= 1:
        raise DataRefused(f"A threshold lies between 0 and 1, not at {at:g}.")
    return ThresholdRule(f"at:{at!r}", f"fixed at {at:g}", lambda _: at, fixed_at=at)


def within_false_positive_rate(rate: float) -> ThresholdRule:
    """The lowest threshold that flags at most this share of the honest records."""
    if not 0 < rate < 1:
        raise DataRefused(f"A false-positive rate lies between 0 and 1, not at {rate:g}.")

    def threshold(rows: HoldoutRows) -> float:
        honest = (~rows.labels).astype(np.int64)
        return _lowest_within(RankedRows(rows), honest, rate * int(honest.sum()), "that false-positive rate")

    return ThresholdRule(f"fpr:{rate!r}", f"at most {100 * rate:.4g} % of the honest records flagged", threshold)


def within_budget(budget: Budget) -> ThresholdRule:
    """The lowest threshold that flags no more than people can review; of an entity, one record a day counts."""

    def threshold(rows: HoldoutRows) -> float:
        if budget.a_day is None:
            return _lowest_within(RankedRows(rows), np.ones(len(rows)), (budget.share or 0) * len(rows), "that share")
        if rows.day_span is None:
            raise DataRefused("A budget a day needs days: the use case has no time column. Give a share, such as 1%.")
        return _lowest_within(RankedRows(rows), once_a_day(rows), budget.a_day * rows.day_span, "that budget")

    return ThresholdRule(f"budget:{budget.text}", f"a review budget of {budget}", threshold, budget=budget)


def least_cost(costs: Costs) -> ThresholdRule:
    """The threshold at which missed frauds and false alarms cost least together; the highest such one."""
    rule = f"cost:{costs.missed_fraud},{costs.false_alarm},{costs.caught_fraud}"

    def threshold(rows: HoldoutRows) -> float:
        ranked = RankedRows(rows)
        gains = ranked.sums(savings(rows, costs))
        if gains.max() <= 0:
            raise DataRefused("At these costs it is cheapest to flag nothing: no threshold is worth its false alarms.")
        return float(ranked.thresholds[np.argmax(gains)])

    return ThresholdRule(rule, f"least cost, where {costs_in_words(costs)}", threshold, costs=costs)


def rule_of(rule: str) -> ThresholdRule:
    """The choice that a manifest keeps, or that somebody has written: f1, at:0.5, fpr:1%, budget:100/day, cost:..."""
    kind, _, value = rule.partition(":")
    try:
        match kind:
            case "f1" if not value:
                return best_f1()
            case "at":
                return fixed(float(value))
            case "fpr":
                return within_false_positive_rate(Budget.read(value).share or 0)
            case "budget":
                return within_budget(Budget.read(value))
            case "cost":
                return least_cost(_costs(value))
    except ValueError:
        pass
    raise DataRefused(
        "A threshold is chosen by f1, at:0.5, fpr:1%, budget:100/day, budget:2% or cost:MISSED,FALSE_ALARM, "
        f"not by {rule!r}."
    )


def _costs(text: str) -> Costs:
    missed, *others = (part.strip() for part in text.split(","))
    is_field = missed.isidentifier() and missed.lower() not in ("nan", "inf", "infinity")
    false_alarm, caught = (*map(float, others), 0.0) if len(others) == 1 else map(float, others)
    return Costs(missed if is_field else float(missed), false_alarm, caught)


def savings(rows: HoldoutRows, costs: Costs) -> NDArray[np.float64]:
    """What flagging each row saves, against letting it pass; below zero for a false alarm."""
    lost = rows.stakes(costs)
    if lost is None:
        raise DataRefused("The bundle does not hold what each fraud would cost: give a fixed sum for a missed fraud.")
    return np.where(rows.labels, lost - costs.caught_fraud, -costs.false_alarm)


def costs_in_words(costs: Costs) -> str:
    """A cost matrix in a few words."""
    missed = costs.missed_fraud if isinstance(costs.missed_fraud, str) else f"{costs.missed_fraud:g}"
    caught = f", a caught one {costs.caught_fraud:g}" if costs.caught_fraud else ""
    return f"a missed fraud costs {missed}{caught}, a false alarm {costs.false_alarm:g}"


def _lowest_within(ranked: RankedRows, load: Counts, most: float, what: str) -> float:
    within = int(np.searchsorted(ranked.sums(load), most * (1 + 1e-12), side="right"))
    if not within:
        raise DataRefused(f"Even the records of the highest score are too many for {what}: allow more.")
    return float(ranked.thresholds[within - 1])
