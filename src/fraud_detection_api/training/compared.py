"""A comparison of kinds: its plan, and what it has found, which chooses a model and stands in its report."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, stdev

from fraud_detection_api.training.boosting import FitSettings

MEASURED = ("average_precision", "roc_auc", "brier")
COSTS = ("fit_seconds", "score_microseconds_a_row")

FoldFigures = Mapping[str, float | None]


@dataclass(frozen=True)
class ComparisonPlan:
    """Which kinds are compared, on how many folds, and how they are made."""

    kinds: tuple[str, ...]
    folds: int
    gap_days: int | None
    settings: FitSettings


@dataclass(frozen=True)
class Compared:
    """One kind of model: its figures fold by fold, and a remark on each fold."""

    kind: str
    folds: tuple[FoldFigures, ...]
    remarks: tuple[str, ...]

    @property
    def remark(self) -> str:
        """What was remarked on its folds, each thing once."""
        return "; ".join(dict.fromkeys(filter(None, self.remarks)))

    def mean(self, name: str) -> float | None:
        """The mean over the folds; None where a fold has none."""
        values = self._values(name)
        return fmean(values) if values else None

    def spread(self, name: str) -> float | None:
        """The standard deviation over the folds."""
        values = self._values(name)
        return stdev(values) if len(values) > 1 else None

    def ends(self, name: str) -> tuple[float, float]:
        """The lowest and the highest fold; a fold that has none counts as 0."""
        values = [fold[name] or 0.0 for fold in self.folds]
        return min(values), max(values)

    def formatted(self, name: str) -> str:
        """The mean and the spread as people read them; nothing where there is none."""
        mean, spread = self.mean(name), self.spread(name)
        return "" if mean is None else f"{mean:.4f}" + ("" if spread is None else f" \u00b1 {spread:.4f}")

    @property
    def cells(self) -> tuple[str, ...]:
        """Its measures and its costs, as tables show them."""
        costs = (f"{self.mean(name) or 0:.2f}" for name in COSTS)
        return *(self.formatted(name) for name in MEASURED), *costs

    def _values(self, name: str) -> list[float]:
        values = [value for fold in self.folds if (value := fold[name]) is not None]
        return values if len(values) == len(self.folds) else []


@dataclass(frozen=True)
class Comparison:
    """All kinds, best average precision first, and the folds in words."""

    use_case: str
    order: str
    sizes: tuple[tuple[int, int], ...]  # rows that train and rows that judge
    models: tuple[Compared, ...]

    @property
    def folds(self) -> str:
        """How many folds there are, and in which order."""
        return f"{len(self.sizes)} folds {self.order}"

    @property
    def rows(self) -> str:
        """How many rows train and how many judge, fold by fold."""
        return "; ".join(
            dict.fromkeys(f"{training:,} rows train and {validation:,} judge" for training, validation in self.sizes)
        )
