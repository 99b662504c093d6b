"""The comparison: every kind of model on every fold, in the same way and on the same rows."""

import time
from collections.abc import Iterable

from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import FitSettings
from fraud_detection_api.training.compared import COSTS, MEASURED, Compared, Comparison, ComparisonPlan, FoldFigures
from fraud_detection_api.training.comparing.candidates import candidate
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.fit_options import CompareOptions
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.folds import folds_before_validation
from fraud_detection_api.training.tables.split import Split, split
from fraud_detection_api.training.tables.training_table import training_table


def compare(use_case: UseCase, options: CompareOptions, follower: Follower) -> Comparison:
    """Fit every kind inside every fold before the validation period, which stays untouched."""
    options.refuse_contradictions()
    dataset = training_table(use_case, options.source, follower).dataset
    parts = split(dataset, options.gap_days, options.seed)
    follower.step(f"{len(dataset):,} rows, {int(dataset.labels.sum()):,} of them frauds")
    settings = FitSettings(options.boosting, options.seed, options.threads, options.device, options.grid)
    plan = ComparisonPlan(options.kinds, options.folds, options.gap_days, settings)
    return compared(use_case, dataset, parts, plan, follower)


def compared(use_case: UseCase, dataset: Dataset, parts: Split, plan: ComparisonPlan, follower: Follower) -> Comparison:
    """Every kind on every fold of the rows before the validation period."""
    folds = folds_before_validation(dataset, parts, plan.folds, plan.gap_days, plan.settings.seed)
    order = "at random" if dataset.in_order is None else "in time order"
    follower.step(f"Comparing {', '.join(plan.kinds)} on {len(folds)} folds {order}")
    results = _results((FoldTable.of(use_case, dataset, fold) for fold in folds), plan, follower)
    models = (
        Compared(kind, *(tuple(column) for column in zip(*found, strict=True))) for kind, found in results.items()
    )
    best_first = sorted(models, key=lambda model: -(model.mean(MEASURED[0]) or 0))
    sizes = tuple((len(fold.training), len(fold.validation_rows)) for fold in folds)
    return Comparison(use_case.name, order, sizes, tuple(best_first))


def _results(
    tables: Iterable[FoldTable], plan: ComparisonPlan, follower: Follower
) -> dict[str, list[tuple[FoldFigures, str]]]:
    """The figures and the remark of every kind, fold after fold."""
    kinds = plan.kinds
    results: dict[str, list[tuple[FoldFigures, str]]] = {kind: [] for kind in kinds}
    for number, table in enumerate(tables):
        for place, kind in enumerate(kinds, 1):
            figures, remark = _result(table, kind, plan.settings)
            results[kind].append((figures, remark))
            shown = f"{kind} on fold {number + 1}: average precision {figures[MEASURED[0]]:.4f}"
            follower.searched("Fit", number * len(kinds) + place, plan.folds * len(kinds), shown)
    return results


def _result(table: FoldTable, kind: str, settings: FitSettings) -> tuple[FoldFigures, str]:
    started = time.perf_counter()
    model = candidate(kind, table, settings)
    fitted = time.perf_counter()
    scores = model.scores(table.validation_rows)
    scored = time.perf_counter()
    found = table.figures(table.fold.validation_rows, scores)
    figures: dict[str, float | None] = {name: found[name] for name in MEASURED}
    if not model.are_probabilities:
        figures["brier"] = None
    costs = (fitted - started, (scored - fitted) / len(scores) * 1e6)
    return figures | dict(zip(COSTS, costs, strict=True)), model.remark
