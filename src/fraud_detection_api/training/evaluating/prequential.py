"""The evaluation in time order: train on a window, leave the delay of labels, test on the next days, and move on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.times import day_of
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.fit_options import EvaluateOptions
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.proof.evaluation import Operation, measure_values
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows, holdout_rows
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.proof.threshold_choice import declared_threshold
from fraud_detection_api.training.tables.dataset import Dataset, Rows, has_both_classes
from fraud_detection_api.training.tables.fingerprint import fingerprint
from fraud_detection_api.training.tables.training_table import training_table
from fraud_detection_api.training.tables.windows import (
    Window,
    not_known_yet,
    threshold_part,
    windows,
)
from fraud_detection_api.training.trained import TrainedModel
from fraud_detection_api.training.tuning.tuned_file import Tuned, read_tuned
from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer


@dataclass(frozen=True)
class EvaluatedFold:
    """One window: its days and rows, the model that it made, and the measures, or why there are none."""

    window: Window
    rows: int
    frauds: int
    left_out: int
    rounds: int | None = None
    threshold: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True)
class Summary:
    """One measure over the folds: their mean, and their standard deviation where there are two at least."""

    mean: float
    spread: float | None


@dataclass(frozen=True)
class Prequential:
    """Every fold, oldest first, and where the rows came from."""

    source: str
    boosting: Boosting
    folds: tuple[EvaluatedFold, ...]
    remark: str | None = None  # what a reader of all the figures has to know

    def summaries(self) -> dict[str, Summary]:
        """Every measure over the folds that have it."""
        names = dict.fromkeys(name for fold in self.folds for name in fold.figures)
        return {name: _summary([fold.figures[name] for fold in self.folds if fold.figures]) for name in names}


def evaluated(use_case: UseCase, options: EvaluateOptions, follower: Follower) -> Prequential:
    """Train and test every window; inside a window, no test row decides anything."""
    options.refuse_for(use_case)
    tuned = read_tuned(options.registry, use_case) if options.tuned else None
    boosting = tuned.as_boosting(options.seed) if tuned else options.boosting
    table = training_table(use_case, options.source, follower)
    follower.step(f"{len(table.dataset):,} rows, {int(table.dataset.labels.sum()):,} of them frauds")
    walk = Windowed(use_case, table.dataset, boosting, options, follower)
    folds = tuple(_folds(walk))
    remark = _remark(tuned, table.dataset, folds, options.seed) if tuned else None
    return Prequential(table.source, boosting, folds, remark)


@dataclass(frozen=True)
class Windowed:
    """A table that is walked through in windows."""

    use_case: UseCase
    dataset: Dataset
    boosting: Boosting
    options: EvaluateOptions
    follower: Follower

    def fitted(self, rows: Rows, later: Rows) -> TrainedModel:
        """A model of the earlier days of a window, stopped by its later ones."""

        def on_round(done: int, loss: float | None) -> None:
            self.follower.round(done, self.boosting.rounds, loss)

        trainer = XGBoostTrainer(self.boosting, self.options.threads, self.options.device)
        return trainer.train(self.use_case, self.dataset, rows, later, on_round)

    def whole(self, rows: Rows, rounds: int) -> TrainedModel:
        """A model of a whole window, with as many rounds as were chosen inside it."""
        boosting = replace(self.boosting, rounds=rounds, patience=0)
        trainer = XGBoostTrainer(boosting, self.options.threads, self.options.device)
        return trainer.train(self.use_case, self.dataset, rows, rows[:0], lambda _, __: None)

    def judged(self, model: TrainedModel, rows: Rows) -> HoldoutRows:
        """What the model says of these rows, and what is known of them."""
        return holdout_rows(self.dataset, rows, model.probabilities(self.dataset.columns.take(rows)))


def _folds(walk: Windowed) -> Iterator[EvaluatedFold]:
    days = walk.dataset.days if walk.dataset.days is not None else np.zeros(0, dtype=np.int64)
    for number, window in enumerate(windows(days, walk.options.plan), 1):
        first, last = map(day_of, window.tested)
        walk.follower.step(f"Fold {number} of {walk.options.folds}: testing on {first} to {last}")
        yield _fold(walk, window)


def _fold(walk: Windowed, window: Window) -> EvaluatedFold:
    options, labels, days = walk.options, walk.dataset.labels, walk.dataset.days
    testing = not_known_yet(walk.dataset, window, options.delay_days) if options.leave_known_out else window.testing
    fold = EvaluatedFold(window, len(testing), int(labels[testing].sum()), len(window.testing) - len(testing))
    parts = None if days is None else threshold_part(days, labels, window.training)
    if parts is None:
        return replace(fold, remark="the days that train cannot be divided so that both parts hold frauds and others")
    if not has_both_classes(labels[testing]):
        return replace(fold, remark="the days that test do not hold both frauds and others")
    chosen = walk.fitted(*parts)
    try:
        threshold = _threshold(walk, walk.judged(chosen, parts[1]))
    except DataRefused as refused:
        return replace(fold, remark=f"no threshold can be chosen: {refused}")
    model = walk.whole(window.training, chosen.rounds)
    operation = Operation(options.budget, threshold, walk.use_case.costs)
    found = measure_values(walk.judged(model, testing), operation)
    return replace(fold, rounds=model.rounds, threshold=threshold, figures=found)


def _threshold(walk: Windowed, rows: HoldoutRows) -> float:
    """As it was asked for; else what costs least, where costs are declared and flagging anything pays; else by F1."""
    if walk.options.threshold is not None:
        return rule_of(walk.options.threshold).threshold(rows)
    return declared_threshold(rows, walk.use_case.costs)


def _remark(tuned: Tuned, dataset: Dataset, folds: Sequence[EvaluatedFold], seed: int) -> str | None:
    first = day_of(min(fold.window.tested[0] for fold in folds))
    return tuned.remark(first, fingerprint(dataset), seed)


def _summary(values: list[float]) -> Summary:
    return Summary(fmean(values), stdev(values) if len(values) > 1 else None)
