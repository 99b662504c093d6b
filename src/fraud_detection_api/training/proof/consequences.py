"""Consequences: what a threshold would have meant on rows that judge it, in records, a day, and in money."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows, once_a_day
from fraud_detection_api.training.tables.dataset import Labels


@dataclass(frozen=True)
class Money:
    """What decisions cost, in the currency of the amounts, beside what letting everything pass would have cost."""

    lost_without: float
    lost_to_missed: float
    spent_on_false_alarms: float
    spent_on_caught: float

    @property
    def cost(self) -> float:
        """All of it, with the model."""
        return self.lost_to_missed + self.spent_on_false_alarms + self.spent_on_caught


@dataclass(frozen=True)
class Entities:
    """Those whom records share: how many there are, and how many of the fraudulent ones were flagged at least once."""

    all: int
    fraudulent: int
    caught: int


@dataclass(frozen=True)
class Consequences:
    """What was flagged, caught and missed; days, money and entities only where they are known."""

    rows: int
    frauds: int
    flagged: int
    caught: int
    missed: int
    false_alarms: int
    passed: int
    days: int | None
    money: Money | None
    entities: Entities | None

    @property
    def precision(self) -> float:
        """The share of frauds among the flagged records; 0 where none is flagged."""
        return self.caught / self.flagged if self.flagged else 0.0

    @property
    def recall(self) -> float:
        """The share of the frauds that are flagged; 0 where there are none."""
        return self.caught / self.frauds if self.frauds else 0.0


def consequences(rows: HoldoutRows, threshold: float, costs: Costs | None) -> Consequences:
    """What flagging at and above this threshold means for these rows."""
    is_flagged = rows.probabilities >= np.float32(threshold)
    flagged, frauds = int(is_flagged.sum()), int(rows.labels.sum())
    is_caught = is_flagged & rows.labels
    caught = int(is_caught.sum())
    return Consequences(
        rows=len(rows),
        frauds=frauds,
        flagged=flagged,
        caught=caught,
        missed=frauds - caught,
        false_alarms=flagged - caught,
        passed=len(rows) - flagged - (frauds - caught),
        days=rows.day_span,
        money=None if costs is None else _money(rows, is_caught, flagged - caught, costs),
        entities=_entities(rows, is_caught),
    )


def reviews(rows: HoldoutRows, threshold: float) -> int:
    """How many reviews that makes: of an entity, one a day."""
    return int(once_a_day(rows)[rows.probabilities >= np.float32(threshold)].sum())


def _money(rows: HoldoutRows, caught: Labels, false_alarms: int, costs: Costs) -> Money | None:
    at_stake = rows.stakes(costs)
    if at_stake is None:
        return None
    return Money(
        lost_without=float(at_stake[rows.labels].sum()),
        lost_to_missed=float(at_stake[rows.labels & ~caught].sum()),
        spent_on_false_alarms=false_alarms * costs.false_alarm,
        spent_on_caught=int(caught.sum()) * costs.caught_fraud,
    )


def _entities(rows: HoldoutRows, caught: Labels) -> Entities | None:
    if rows.entities is None:
        return None
    some = (rows.entities, rows.entities[rows.labels], rows.entities[caught])
    return Entities(*(len(np.unique(entities)) for entities in some))
