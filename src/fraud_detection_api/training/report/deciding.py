"""Deciding: what the threshold means, and what others would have cost."""

from dataclasses import replace

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.consequences import Consequences, consequences
from fraud_detection_api.training.proof.judged_rows import Judged, JudgedRows
from fraud_detection_api.training.proof.threshold import least_cost
from fraud_detection_api.training.report.contents import AtThreshold, CostChoice, CostCurves, Entities, Money
from fraud_detection_api.training.report.ranking import Ranking, listed, ranking

RATIOS = (1.0, 10.0, 100.0)  # false alarms that a missed fraud is worth, where nobody has declared costs


def at_threshold(judged: JudgedRows, threshold: float, costs: Costs | None) -> AtThreshold:
    """What a threshold means on these rows."""
    found = consequences(judged, threshold, costs)
    return AtThreshold(
        rows=found.records,
        frauds=found.caught + found.missed,
        flagged=found.flagged,
        caught=found.caught,
        missed=found.missed,
        false_alarms=found.false_alarms,
        passed=found.passed,
        days=found.days,
        money=_money(found),
        entities=_entities(judged, threshold),
    )


def _money(found: Consequences) -> Money | None:
    if found.money is None:
        return None
    return Money(
        lost_without=found.money.without_model,
        lost_to_missed=found.money.lost_to_missed,
        spent_on_false_alarms=found.money.spent_on_false_alarms,
        spent_on_caught=found.money.spent_on_caught,
    )


def cost_curves(judged: Judged, ranked: Ranking, threshold: float, costs: Costs | None) -> CostCurves | None:
    """The cost at each threshold, by the declared costs or else for some ratios; None where nothing is at stake."""
    declared = costs is not None and not (isinstance(costs.missed_fraud, str) and judged.judging.at_stake is None)
    prices = [costs] if declared and costs else [Costs(missed_fraud=ratio, false_alarm=1.0) for ratio in RATIOS]
    staked = [Judged(_staked(judged.choosing, each), _staked(judged.judging, each)) for each in prices]
    without = [_at_stake_in_frauds(each.judging) for each in staked]
    if not len(judged.choosing) or min(without) <= 0:
        return None
    rankings = [ranking(each.judging, threshold) for each in staked]
    priced = list(zip(staked, prices, without, strict=True))
    return CostCurves(
        thresholds=listed(ranked.thresholds),
        shares=tuple(
            listed(each.cost(cost) / all_of_it) for each, (_, cost, all_of_it) in zip(rankings, priced, strict=True)
        ),
        choices=tuple(
            _choice(rows, cost, threshold).model_copy(update={"false_alarms_a_fraud": None if declared else ratio})
            for (rows, cost, _), ratio in zip(priced, RATIOS, strict=False)
        ),
    )


def _choice(judged: Judged, costs: Costs, now: float) -> CostChoice:
    """The cheapest threshold where thresholds are chosen, tried on the rows that judge."""
    try:
        cheapest = least_cost(costs).threshold(judged.choosing)
    except DataRefused:  # no threshold is worth its false alarms
        cheapest = float("inf")
    found, ours = (consequences(judged.judging, each, costs) for each in (cheapest, now))
    return CostChoice(
        threshold=cheapest if cheapest <= 1 else None,
        flagged_share=found.flagged / found.records,
        recall=found.recall,
        cost_share=_cost_share(found),
        cost_share_now=_cost_share(ours),
    )


def _cost_share(found: Consequences) -> float:
    return found.money.total / found.money.without_model if found.money else 0.0


def _staked(rows: JudgedRows, costs: Costs) -> JudgedRows:
    fixed = costs.missed_fraud
    return rows if isinstance(fixed, str) else replace(rows, at_stake=np.full(len(rows), float(fixed)))


def _at_stake_in_frauds(rows: JudgedRows) -> float:
    return 0.0 if rows.at_stake is None else float(rows.at_stake[rows.labels].sum())


def _entities(judged: JudgedRows, threshold: float) -> Entities | None:
    if judged.entities is None:
        return None
    flagged = judged.probabilities >= np.float32(threshold)
    fraudulent = np.unique(judged.entities[judged.labels])
    caught = np.unique(judged.entities[judged.labels & flagged])
    return Entities(all=len(np.unique(judged.entities)), fraudulent=len(fraudulent), caught=len(caught))
