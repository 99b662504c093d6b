"""Consequences: what a threshold would have meant on rows that judge it, in records, a day, and in money."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.judged_rows import JudgedRows, once_a_day


@dataclass(frozen=True)
class Consequences:
    """What was caught and what was not; days and money only where they are known."""

    caught: int
    missed: int
    false_alarms: int
    passed: int
    days: int | None = None
    money: "Money | None" = None

    @property
    def records(self) -> int:
        """Everything that was decided on."""
        return self.flagged + self.missed + self.passed

    @property
    def flagged(self) -> int:
        """Records that somebody has to look at."""
        return self.caught + self.false_alarms

    @property
    def precision(self) -> float:
        """The share of frauds among the flagged records; 0 where none is flagged."""
        return self.caught / self.flagged if self.flagged else 0.0

    @property
    def recall(self) -> float:
        """The share of the frauds that are flagged; 0 where there are none."""
        frauds = self.caught + self.missed
        return self.caught / frauds if frauds else 0.0


@dataclass(frozen=True)
class Money:
    """What the decisions cost, beside what letting everything pass would have cost."""

    lost_to_missed: float
    spent_on_false_alarms: float
    spent_on_caught: float
    without_model: float

    @property
    def total(self) -> float:
        """What the decisions cost together."""
        return self.lost_to_missed + self.spent_on_false_alarms + self.spent_on_caught


def consequences(rows: JudgedRows, threshold: float, costs: Costs | None) -> Consequences:
    """What flagging at and above this threshold means for these rows."""
    flagged = rows.probabilities >= np.float32(threshold)
    caught, missed = int((flagged & rows.labels).sum()), int((~flagged & rows.labels).sum())
    false_alarms = int(flagged.sum()) - caught
    days = None if rows.days is None or not len(rows) else int(rows.days.max() - rows.days.min() + 1)
    return Consequences(
        caught,
        missed,
        false_alarms,
        passed=len(rows) - int(flagged.sum()) - missed,
        days=days,
        money=None if costs is None else _money(rows, flagged & rows.labels, false_alarms, costs),
    )


def reviews(rows: JudgedRows, threshold: float) -> int:
    """How many reviews that makes: of an entity, one a day."""
    return int(once_a_day(rows)[rows.probabilities >= np.float32(threshold)].sum())


def _money(rows: JudgedRows, caught: np.ndarray, false_alarms: int, costs: Costs) -> Money | None:
    if isinstance(costs.missed_fraud, str):
        if rows.at_stake is None:
            return None
        at_stake = rows.at_stake
    else:
        at_stake = np.full(len(rows), float(costs.missed_fraud))
    return Money(
        lost_to_missed=float(at_stake[rows.labels & ~caught].sum()),
        spent_on_false_alarms=false_alarms * costs.false_alarm,
        spent_on_caught=int(caught.sum()) * costs.caught_fraud,
        without_model=float(at_stake[rows.labels].sum()),
    )
