"""The comparison: every kind of model on every fold, in the same way and on the same rows."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.comparing.candidates import CANDIDATES, Ways
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.comparing.judging import measured
from fraud_detection_api.training.comparing.options import CompareOptions
from fraud_detection_api.training.progress import SearchFollower
from fraud_detection_api.training.tables.folds import folds_before_validation
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.training.tables.training_table import training_table
from fraud_detection_api.training.train_xgboost import XGBoostTrainer

MEASURED = ("average_precision", "roc_auc", "brier")
COSTS = ("fit_seconds", "score_microseconds_a_row")

Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class Compared:
    """One kind of model: its figures fold by fold, and a remark on each fold."""

    kind: str
    folds: tuple[Figures, ...]
    remarks: tuple[str, ...]

    def mean(self, name: str) -> float | None:
        """The mean over the folds; None where a fold has none."""
        values = self._values(name)
        return fmean(values) if values else None

    def spread(self, name: str) -> float | None:
        """The standard deviation over the folds."""
        values = self._values(name)
        return stdev(values) if len(values) > 1 else None

    def _values(self, name: str) -> list[float]:
        values = [value for fold in self.folds if (value := fold[name]) is not None]
        return values if len(values) == len(self.folds) else []


@dataclass(frozen=True)
class Comparison:
    """All kinds, best average precision first, and the folds in words."""

    use_case: str
    order: str
    sizes: tuple[tuple[int, int], ...]  # rows that train and rows that judge
    models: Sequence[Compared]


def compare(use_case: UseCase, options: CompareOptions, follower: SearchFollower) -> Comparison:
    """Fit every kind inside every fold before the validation period, which stays untouched."""
    options.refuse_contradictions()
    dataset = training_table(use_case, options, follower).dataset
    parts = split(dataset, options.gap_days, options.seed)
    folds = folds_before_validation(dataset, parts, options.folds, options.gap_days, options.seed)
    order = "at random" if dataset.days is None else "in time order"
    follower.step(f"{len(dataset):,} rows, {int(dataset.labels.sum()):,} of them frauds; {len(folds)} folds {order}")
    results = _results((FoldTable.of(use_case, dataset, fold) for fold in folds), options, follower)
    models = [
        Compared(kind, *(tuple(column) for column in zip(*found, strict=True))) for kind, found in results.items()
    ]
    models.sort(key=lambda model: -(model.mean(MEASURED[0]) or 0))
    return Comparison(use_case.name, order, tuple((len(fold.training), len(fold.judging)) for fold in folds), models)


def _results(
    tables: Iterable[FoldTable], options: CompareOptions, follower: SearchFollower
) -> dict[str, list[tuple[Figures, str]]]:
    """The figures and the remark of every kind, fold after fold."""
    results: dict[str, list[tuple[Figures, str]]] = {kind: [] for kind in options.kinds}
    ways, fits = _ways(options), options.folds * len(options.kinds)
    for number, table in enumerate(tables):
        for place, kind in enumerate(options.kinds, 1):
            figures, remark = _result(table, kind, ways)
            results[kind].append((figures, remark))
            shown = f"{kind} on fold {number + 1}: average precision {figures[MEASURED[0]]:.4f}"
            follower.moved("Fit", number * len(options.kinds) + place, fits, shown)
    return results


def _result(table: FoldTable, kind: str, ways: Ways) -> tuple[Figures, str]:
    started = time.perf_counter()
    candidate = CANDIDATES[kind](table, ways)
    fitted = time.perf_counter()
    scores = candidate.scores(table.judging)
    scored = time.perf_counter()
    found = measured(table, table.fold.judging, scores)
    figures: dict[str, float | None] = {name: found[name] for name in MEASURED}
    if not candidate.are_probabilities:
        figures["brier"] = None
    costs = (fitted - started, (scored - fitted) / len(scores) * 1e6)
    return figures | dict(zip(COSTS, costs, strict=True)), candidate.remark


def _ways(options: CompareOptions) -> Ways:
    trainer = XGBoostTrainer(options.boosting, options.threads, options.device)
    return Ways(trainer, int(trainer.parameters["nthread"]), options.seed, options.grid)
