"""Deciding: what thresholds cost, and the cheapest one."""

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.holdout_rows import Holdout, HoldoutRows
from fraud_detection_api.training.proof.ranked_rows import RankedRows, cumulated
from fraud_detection_api.training.proof.threshold import least_cost, savings
from fraud_detection_api.training.report.contents import CostChoice, CostCurves
from fraud_detection_api.training.report.ranking import Cuts, listed

RATIOS = (1.0, 10.0, 100.0)  # false alarms that a missed fraud is worth, where nobody has declared costs


def cost_curves(judged: Holdout, cuts: Cuts, threshold: float, costs: Costs | None) -> CostCurves | None:
    """The cost at each threshold, by the declared costs or else for some ratios; None where nothing is at stake."""
    rows, ranked = judged.validation_rows, cuts.ranked
    declared = [costs] if costs is not None and rows.stakes(costs) is not None else []
    prices = declared or [Costs(missed_fraud=ratio, false_alarm=1.0) for ratio in RATIOS]
    without = [_lost_without(rows, price) for price in prices]
    if not len(judged.threshold_rows) or min(without) <= 0:
        return None
    kept = [
        np.maximum(1 - cumulated(ranked.in_order(savings(rows, price))) / lost, 0)
        for price, lost in zip(prices, without, strict=True)
    ]
    choices = (
        _choice(judged.threshold_rows, ranked, price, (share, threshold))
        for price, share in zip(prices, kept, strict=True)
    )
    return CostCurves(
        thresholds=listed(cuts.thresholds),
        shares=tuple(listed(share[cuts.flagged]) for share in kept),
        choices=tuple(
            choice.model_copy(update={"false_alarms_a_fraud": None if declared else ratio})
            for choice, ratio in zip(choices, RATIOS, strict=False)
        ),
    )


def _choice(threshold_rows: HoldoutRows, ranked: RankedRows, costs: Costs, now: tuple[Doubles, float]) -> CostChoice:
    """The cheapest threshold where thresholds are chosen, tried on the rows that judge."""
    cost_shares, threshold = now
    try:
        cheapest = least_cost(costs).threshold(threshold_rows)
    except DataRefused:  # no threshold is worth its false alarms
        cheapest = float("inf")
    flagged = ranked.flagged(cheapest)
    return CostChoice(
        threshold=cheapest if cheapest <= 1 else None,
        flagged_share=flagged / len(ranked),
        recall=ranked.frauds_before(flagged) / max(len(ranked.frauds), 1),
        cost_share=float(cost_shares[flagged]),
        cost_share_now=float(cost_shares[ranked.flagged(threshold)]),
    )


def _lost_without(rows: HoldoutRows, costs: Costs) -> float:
    at_stake = rows.stakes(costs)
    return 0.0 if at_stake is None else float(at_stake[rows.labels].sum())
