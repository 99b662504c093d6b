"""The kinds of model: each is fitted on a fold's training rows and makes its choices on the threshold rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import cast

import numpy as np
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.svm import SVC  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.calibration import calibrated
from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.training.boosting import FitSettings
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.comparing.grid import FOREST_GRID, best_in_grid
from fraud_detection_api.training.comparing.own_models import own_model
from fraud_detection_api.training.comparing.pipelines import MOST_STEPS, FittedPipeline, fitted_pipeline, forest
from fraud_detection_api.training.proof.calibrating import platt
from fraud_detection_api.training.recipes import RECIPES
from fraud_detection_api.training.tables.dataset import Labels, Rows
from fraud_detection_api.training.trained import Trainer
from fraud_detection_api.training.trainers import trained_kind, trainer_of

MOST_SVM_ROWS = 10_000  # exact kernels take time with the square of the rows and more
LEAST_OF_A_CLASS = 2


@dataclass(frozen=True)
class FittedCandidate:
    """A fitted model: matrices in, scores out; remarks say what a reader of its figures has to know."""

    scores: Callable[[Matrix], Probabilities]
    are_probabilities: bool = True
    remark: str = ""


def candidate(name: str, table: FoldTable, settings: FitSettings) -> FittedCandidate:
    """The model of this name, fitted inside a fold."""
    if trained_kind(table.use_case, name):
        return trained(trainer_of(table.use_case, name, settings), table)
    return piped(fitted_as(name, table, settings), table)


def fitted_as(name: str, table: FoldTable, settings: FitSettings) -> FittedPipeline:
    """A pipeline by its recipe, or of a model of one's own: `package.module:function` gives a new classifier."""
    if name in RECIPES:
        fitted = cast(Callable[[FoldTable, FitSettings], FittedPipeline], resolve_name(RECIPES[name].fitted))
        return fitted(table, settings)
    return fitted_pipeline(own_model(name)(), table, table.fold.training)


def trained(trainer: Trainer, table: FoldTable) -> FittedCandidate:
    """A model as `fraud train` fits its kind; what has to be chosen is chosen on the threshold rows."""
    fold = table.fold
    model = trainer.train(table.use_case, table.dataset, fold.training, fold.threshold_rows, lambda *_: None)
    remark = f"{model.rounds} rounds" if model.rounds else model.remark
    return FittedCandidate(model.runtime.probabilities, remark=remark)


def piped(fitted: FittedPipeline, table: FoldTable) -> FittedCandidate:
    """A pipeline's scores; where it has margins only, they become probabilities on the threshold rows."""
    if fitted.gives_probabilities:
        return FittedCandidate(fitted.probabilities, remark=fitted.remark)
    curve = platt(fitted.probabilities(table.threshold_rows), table.labels(table.fold.threshold_rows))

    def scores(matrix: Matrix) -> Probabilities:
        return calibrated(fitted.probabilities(matrix), curve)

    return FittedCandidate(scores, are_probabilities=curve is not None, remark=fitted.remark)


def logistic_regression(table: FoldTable, settings: FitSettings) -> FittedPipeline:
    """The plain yardstick: a weighted sum of scaled features, with the library's ridge."""
    model = LogisticRegression(max_iter=MOST_STEPS, random_state=settings.seed)
    return fitted_pipeline(model, table, table.fold.training)


def random_forest(table: FoldTable, settings: FitSettings) -> FittedPipeline:
    """Averaged trees, at the library's settings or at the point of the grid that the threshold rows prefer."""
    if not settings.searches_grid:
        return fitted_pipeline(forest(settings.seed, settings.cores), table, table.fold.training)
    fitted, point = best_in_grid(table, settings.seed, settings.cores)
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in point.items())
    return replace(fitted, remark=f"best of {len(FOREST_GRID)}: {words}")


def decision_tree(table: FoldTable, settings: FitSettings) -> FittedPipeline:
    """One tree, small enough that a person can read it, with leaves large enough to have a rate."""
    model = DecisionTreeClassifier(max_depth=8, min_samples_leaf=20, random_state=settings.seed)
    return fitted_pipeline(model, table, table.fold.training)


def support_vector_machine(table: FoldTable, settings: FitSettings) -> FittedPipeline:
    """Exact radial kernels on no more rows than they can bear."""
    rows = some_of(table.fold.training, table.labels(table.fold.training), MOST_SVM_ROWS, settings.seed)
    fitted = fitted_pipeline(SVC(cache_size=500), table, rows)
    capped = len(rows) < len(table.fold.training)
    remark = f"trained on {len(rows):,} of {len(table.fold.training):,} rows" if capped else ""
    return replace(fitted, remark=remark)


def some_of(rows: Rows, labels: Labels, most: int, seed: int) -> Rows:
    """No more than so many rows, with frauds in proportion; two of each class at least, where there are two."""
    if len(rows) <= most:
        return rows
    random, frauds, others = np.random.default_rng(seed), rows[labels], rows[~labels]
    share = round(most * len(frauds) / len(rows))
    wanted = min(max(share, min(len(frauds), LEAST_OF_A_CLASS)), most - min(len(others), LEAST_OF_A_CLASS))
    drawn = random.choice(frauds, wanted, replace=False), random.choice(others, most - wanted, replace=False)
    return np.sort(np.concatenate(drawn))
