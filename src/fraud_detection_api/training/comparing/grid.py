"""The forest's grid: every point is fitted on a fold's training rows, the threshold rows take the best."""

from collections.abc import Mapping
from itertools import product

from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.comparing.pipelines import FittedPipeline, fitted_pipeline, forest

Setting = str | float | None
Point = Mapping[str, Setting]

MAX_FEATURES: tuple[Setting, ...] = ("sqrt", 0.3, 0.6)  # how many each split may look at
CRITERIA: tuple[Setting, ...] = ("gini", "log_loss")
MAX_DEPTHS: tuple[Setting, ...] = (6, 12, None)

FOREST_GRID: tuple[Point, ...] = tuple(
    {"max_features": features, "criterion": criterion, "max_depth": depth}
    for features, criterion, depth in product(MAX_FEATURES, CRITERIA, MAX_DEPTHS)
)


def best_in_grid(table: FoldTable, seed: int, threads: int) -> tuple[FittedPipeline, Point]:
    """The forest with the highest average precision on the threshold rows; the earliest point of equal ones."""

    def tried(point: Point) -> tuple[float, FittedPipeline, Point]:
        fitted = fitted_pipeline(forest(seed, threads, **point), table, table.fold.training)
        figures = table.figures(table.fold.threshold_rows, fitted.probabilities(table.threshold_rows))
        return figures["average_precision"], fitted, point

    _, fitted, point = max(map(tried, FOREST_GRID), key=lambda found: found[0])
    return fitted, point
