"""The evaluation: every measure of a model on rows it has not seen, each with a bootstrap interval."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.calibration_measures import CalibrationMeasures, MoneyMeasures
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.measures import ALL_MEASURES, MEASURES, highest_possible
from fraud_detection_api.training.proof.ranked_rows import RankedRows
from fraud_detection_api.training.proof.ranking_measures import FlaggingMeasures, RankingMeasures
from fraud_detection_api.training.proof.resampling import row_weights, with_interval
from fraud_detection_api.training.proof.review import DailyReview, ShareReview


@dataclass(frozen=True)
class Operation:
    """How a model will be used: what people can review, its threshold, and what its decisions cost."""

    budget: Budget
    threshold: float
    costs: Costs | None = None


ANY_OPERATION = Operation(Budget(share=1.0), threshold=0.5)  # for measures of the ranking, which depend on neither


@dataclass(frozen=True)
class Evaluation:
    """The measures of one model on some rows, and of the same model on every resample of them."""

    names: tuple[str, ...]
    values: Doubles
    resampled: Doubles

    def measures(self) -> dict[str, Measure]:
        """Every measure by name, with its 95 % interval."""
        return {name: self.measure(name) for name in self.names}

    def measure(self, name: str) -> Measure:
        """One measure with its interval."""
        position = self.names.index(name)
        found = with_interval(float(self.values[position]), self.resampled[:, position])
        if found.low is None or found.high is None:
            return found
        return Measure(value=found.value, low=max(found.low, 0.0), high=min(found.high, highest_possible(name)))

    def minus(self, other: "Evaluation", name: str) -> Measure:
        """The difference in one measure to another model on the same rows, resample by resample."""
        mine, theirs = self.names.index(name), other.names.index(name)
        differences = self.resampled[:, mine] - other.resampled[:, theirs]
        return with_interval(float(self.values[mine] - other.values[theirs]), differences)


def evaluate(rows: HoldoutRows, operation: Operation, seed: int) -> Evaluation:
    """Evaluate a model; the same seed and rows resample alike, so that two models can be paired."""
    yardstick = Yardstick(rows, operation)
    resampled = np.array([yardstick.values(weights) for weights in row_weights(rows, seed)])
    return Evaluation(yardstick.names, yardstick.values(np.ones(len(rows))), resampled)


def measure_values(rows: HoldoutRows, operation: Operation) -> dict[str, float]:
    """Every measure by name, without intervals; not a number where the rows hold one class only."""
    yardstick = Yardstick(rows, operation)
    return dict(zip(yardstick.names, yardstick.values(np.ones(len(rows))).tolist(), strict=True))


class Yardstick:
    """All measures of some rows, prepared once and then taken for any weights of the rows."""

    def __init__(self, rows: HoldoutRows, operation: Operation) -> None:
        ranked, budget = RankedRows(rows), operation.budget
        self._ranked = ranked
        self._families: list[
            RankingMeasures | DailyReview | ShareReview | FlaggingMeasures | CalibrationMeasures | MoneyMeasures
        ] = [
            RankingMeasures(ranked),
            DailyReview(rows, budget.a_day) if budget.a_day else ShareReview(ranked, budget.share or 0),
            FlaggingMeasures(ranked, operation.threshold),
            CalibrationMeasures(ranked),
        ]
        at_stake = rows.stakes(operation.costs)
        if operation.costs and at_stake is not None:
            self._families.append(MoneyMeasures(ranked, at_stake, operation.costs, operation.threshold))
        self.names = MEASURES if at_stake is None else ALL_MEASURES

    def values(self, weights: Doubles) -> Doubles:
        """Every measure in the order of the names, each row counted as often as its weight says."""
        weighed = self._ranked.weighed(weights)
        if weighed.frauds in (0, weighed.total):
            return np.full(len(self.names), np.nan)
        return np.array([value for family in self._families for value in family.values(weighed)])
