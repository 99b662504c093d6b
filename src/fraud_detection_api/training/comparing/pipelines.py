"""Pipelines of scikit-learn: imputing, scaling, one-hot codes and the model, all fitted on the same training rows.

They are fitted and asked in double: an exported pipeline computes in double, too, and has to say the same.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.compose import ColumnTransformer  # type: ignore[import-untyped]
from sklearn.ensemble import RandomForestClassifier  # type: ignore[import-untyped]
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # type: ignore[import-untyped]

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.exporting.originals import gives_probabilities, original_scores
from fraud_detection_api.training.exporting.tree_file import grows_trees
from fraud_detection_api.training.tables.dataset import Rows

MOST_CODES = 30  # one-hot columns of a category; the rarest share one
MOST_STEPS = 1_000
TREES = 100


def forest(seed: int, threads: int, **point: object) -> BaseEstimator:
    """A random forest; threads, not processes, so that nothing is copied."""
    return RandomForestClassifier(n_estimators=TREES, n_jobs=threads, random_state=seed, **point)


@dataclass(frozen=True)
class FittedPipeline:
    """A fitted pipeline."""

    pipeline: Pipeline
    remark: str = ""

    @property
    def gives_probabilities(self) -> bool:
        """Whether the model knows more than on which side of its boundary a row lies, and how far."""
        return gives_probabilities(self.pipeline)

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """What the model was told, and what a reader of its figures has to know."""
        parameters = {name: _plain(value) for name, value in self.pipeline.named_steps["model"].get_params().items()}
        return parameters | ({"remark": self.remark} if self.remark else {})

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """The probability of fraud of each row; of a margin its logistic, which has yet to be calibrated."""
        return original_scores(self.pipeline, matrix).astype(np.float32)


def fitted_pipeline(model: BaseEstimator, table: FoldTable, rows: Rows) -> FittedPipeline:
    """Fit everything on these training rows; what did not converge says so. Trees see the matrix as it is."""
    matrix = table.training[np.searchsorted(table.fold.training, rows)]
    before = [] if grows_trees(model) else [("columns", _columns(table))]
    pipeline = Pipeline([*before, ("model", model)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        pipeline.fit(_in_double(matrix), table.labels(rows))
    unfinished = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    return FittedPipeline(pipeline, f"not converged after {MOST_STEPS} steps" if unfinished else "")


def _plain(value: object) -> str | int | float:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else str(value).lower()


def _in_double(matrix: Matrix) -> NDArray[np.float64]:
    return matrix.astype(np.float64)


def _columns(table: FoldTable) -> ColumnTransformer:
    """Numbers: the median where missing, a mark that it was, unit variance. Categories: one column for each code."""
    median = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    codes = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_CODES, sparse_output=False, dtype=np.float64
    )
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(median, StandardScaler()), table.positions(of_categories=False)),
            ("categories", codes, table.positions(of_categories=True)),
        ]
    )
