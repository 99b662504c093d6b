"""The space: between which bounds tuning looks, and how a point of it boosts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.tuning.tuned_file import boosting_of

Point = Mapping[str, int | float]


@dataclass(frozen=True)
class Span:
    """The bounds of one setting; evenly by factors where a factor, not a difference, is what matters."""

    low: float
    high: float
    by_factors: bool = False
    whole: bool = False

    def around(self, value: float) -> BaseDistribution:
        """As the library names it, widened if need be so that this value lies within."""
        low, high = min(self.low, value), max(self.high, value)
        if self.whole:
            return IntDistribution(int(low), int(high), log=self.by_factors)
        return FloatDistribution(low, high, log=self.by_factors)


SPACE = {
    "depth": Span(2, 10, whole=True),
    "learning_rate": Span(0.02, 0.3, by_factors=True),
    "min_child_weight": Span(0.1, 100, by_factors=True),
    "subsample": Span(0.5, 1),
    "colsample_bytree": Span(0.3, 1),
    "reg_lambda": Span(0.1, 100, by_factors=True),
    "reg_alpha": Span(0, 10),
    "gamma": Span(0, 5),
}
FOR_CATEGORIES = {
    "max_cat_to_onehot": Span(1, 200, by_factors=True, whole=True),
    "max_cat_threshold": Span(4, 256, by_factors=True, whole=True),
}


@dataclass(frozen=True)
class Space:
    """Where tuning looks for a use case, around where it starts."""

    start: Boosting
    spans: Mapping[str, Span]

    @classmethod
    def of(cls, use_case: UseCase, start: Boosting) -> "Space":
        """What concerns categories is left alone where there are none."""
        has_categories = any(field.kind is Kind.CATEGORY for field in use_case.features)
        return cls(start, SPACE | FOR_CATEGORIES if has_categories else SPACE)

    @property
    def start_point(self) -> dict[str, int | float]:
        """The point that boosts as the start does."""
        return {name: getattr(self.start, name) for name in self.spans}

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The bounds, with the start within them."""
        return {name: span.around(self.start_point[name]) for name, span in self.spans.items()}

    def boosting_at(self, point: Point) -> Boosting:
        """How a point boosts: half the learning rate may take twice the rounds, and twice the patience."""
        start = self.start
        slower = start.learning_rate / point["learning_rate"]
        paces = {
            "rounds": max(round(start.rounds * slower), 1),
            "patience": round(start.patience * slower) or min(start.patience, 1),
        }
        return boosting_of(asdict(start) | dict(point) | paces)
