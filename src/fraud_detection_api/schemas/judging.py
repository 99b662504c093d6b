"""How a use case wants its models judged: what decisions cost, and what the gate asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fraud_detection_api.errors import UseCaseInvalid


@dataclass(frozen=True)
class Costs:
    """What a decision costs, in the currency of the amounts.

    A missed fraud costs a fixed sum, or what a numeric field of the record holds (never less than nothing).
    """

    missed_fraud: float | str
    false_alarm: float
    caught_fraud: float = 0.0

    def __post_init__(self) -> None:
        costs = (self.missed_fraud, self.false_alarm, self.caught_fraud)
        if any(not isinstance(cost, str) and not 0 <= cost < float("inf") for cost in costs):
            raise UseCaseInvalid(f"A cost is a finite number and not below 0: {self}.")


@dataclass(frozen=True)
class Gate:
    """What a new model has to hold to become champion, beside ranking and calibration better than the base rate."""

    at_least: Mapping[str, float] = field(default_factory=dict)  # measures by name, such as {"average_precision": 0.3}
    measure: str = "average_precision"  # in which it may not be worse than the champion
    most_loss: float = 0.05  # of the champion's value of that measure
    most_calibration_error: float | None = None
    group: str | None = None  # a column whose groups are compared: a field of the record, or one of the table alone
    most_false_alarm_ratio: float = 1.25  # between the groups' false-positive rates, the highest to the lowest

    def __post_init__(self) -> None:
        limits = [*self.at_least.values(), self.most_loss, self.most_calibration_error or 0]
        limits.append(self.most_false_alarm_ratio)
        if any(not 0 <= limit < float("inf") for limit in limits):
            raise UseCaseInvalid(f"A gate's limit is a finite number and not below 0: {self}.")
