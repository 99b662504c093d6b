"""The kinds of model: each is fitted on a fold's training rows and makes its choices on the choosing rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.calibration import calibrated
from fraud_detection_api.model.scorer import Probabilities
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.comparing.grid import FOREST_GRID, best_in_grid
from fraud_detection_api.training.comparing.pipelines import fitted_pipe, forest, logistic, support_vectors, tree
from fraud_detection_api.training.proof.calibrating import platt
from fraud_detection_api.training.tables.dataset import Labels, Rows
from fraud_detection_api.training.train_xgboost import XGBoostTrainer

MOST_SVM_ROWS = 10_000  # exact kernels take time with the square of the rows and more
LEAST_OF_A_CLASS = 2


@dataclass(frozen=True)
class Candidate:
    """A fitted model: matrices in, scores out; remarks say what a reader of its figures has to know."""

    scores: Callable[[Matrix], Probabilities]
    are_probabilities: bool = True
    remark: str = ""


@dataclass(frozen=True)
class Ways:
    """How the candidates are made."""

    trainer: XGBoostTrainer
    threads: int
    seed: int
    searches_grid: bool


def xgboost(table: FoldTable, ways: Ways) -> Candidate:
    """Boosted trees as `fraud train` boosts them, stopped by the choosing rows."""
    fold = table.fold
    model = ways.trainer.train(table.use_case, table.dataset, fold.training, fold.choosing, lambda *_: None)
    return Candidate(model.runtime.probabilities, remark=f"{model.rounds} rounds")


def logistic_regression(table: FoldTable, ways: Ways) -> Candidate:
    """The plain yardstick: a weighted sum of scaled features."""
    pipe = fitted_pipe(logistic(ways.seed), table, table.fold.training)
    return Candidate(pipe.probabilities, remark=pipe.remark)


def random_forest(table: FoldTable, ways: Ways) -> Candidate:
    """Averaged trees, at the library's settings or at the point of the grid that the choosing rows prefer."""
    if not ways.searches_grid:
        return Candidate(fitted_pipe(forest(ways.seed, ways.threads), table, table.fold.training).probabilities)
    pipe, point = best_in_grid(table, ways.seed, ways.threads)
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in point.items())
    return Candidate(pipe.probabilities, remark=f"best of {len(FOREST_GRID)}: {words}")


def decision_tree(table: FoldTable, ways: Ways) -> Candidate:
    """One tree that a person can read."""
    return Candidate(fitted_pipe(tree(ways.seed), table, table.fold.training).probabilities)


def support_vector_machine(table: FoldTable, ways: Ways) -> Candidate:
    """Exact kernels on no more rows than they can bear; margins become probabilities on the choosing rows."""
    rows = some_of(table.fold.training, table.labels(table.fold.training), MOST_SVM_ROWS, ways.seed)
    pipe = fitted_pipe(support_vectors(), table, rows)
    curve = platt(squashed(pipe.margins(table.choosing)), table.labels(table.fold.choosing))
    capped = len(rows) < len(table.fold.training)
    remark = f"trained on {len(rows):,} of {len(table.fold.training):,} rows" if capped else ""

    def scores(matrix: Matrix) -> Probabilities:
        return calibrated(squashed(pipe.margins(matrix)), curve)

    return Candidate(scores, are_probabilities=curve is not None, remark=remark)


def squashed(margins: NDArray[np.float64]) -> Probabilities:
    """Margins between 0 and 1, in their order."""
    return (1 / (1 + np.exp(-np.clip(margins, -12, 12)))).astype(np.float32)


def some_of(rows: Rows, labels: Labels, most: int, seed: int) -> Rows:
    """No more than so many rows, with frauds in proportion; two of each class at least, where there are two."""
    if len(rows) <= most:
        return rows
    random, frauds, others = np.random.default_rng(seed), rows[labels], rows[~labels]
    share = round(most * len(frauds) / len(rows))
    wanted = min(max(share, min(len(frauds), LEAST_OF_A_CLASS)), most - min(len(others), LEAST_OF_A_CLASS))
    drawn = random.choice(frauds, wanted, replace=False), random.choice(others, most - wanted, replace=False)
    return np.sort(np.concatenate(drawn))


CANDIDATES: Mapping[str, Callable[[FoldTable, Ways], Candidate]] = {
    "xgboost": xgboost,
    "logistic": logistic_regression,
    "forest": random_forest,
    "tree": decision_tree,
    "svm": support_vector_machine,
}
