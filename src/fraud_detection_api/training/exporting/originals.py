"""What scikit-learn itself says of a matrix: the original that an exported model is compared with."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.model_selection._search import BaseSearchCV  # type: ignore[import-untyped]  # as above
from sklearn.pipeline import Pipeline  # type: ignore[import-untyped]  # as above

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.saved_trees import Doubles


def winner(estimator: BaseEstimator) -> BaseEstimator:
    """What a search has found, or the estimator itself."""
    return estimator.best_estimator_ if isinstance(estimator, BaseSearchCV) else estimator


def last_step(pipeline: BaseEstimator) -> BaseEstimator:
    """The model behind whatever prepares its table."""
    return last_step(pipeline.steps[-1][1]) if isinstance(pipeline, Pipeline) else winner(pipeline)


def gives_probabilities(pipeline: BaseEstimator) -> bool:
    """Whether scikit-learn itself gives probabilities; where not, margins are put through the logistic curve."""
    return hasattr(pipeline, "predict_proba")


def original_scores(pipeline: BaseEstimator, matrix: Matrix) -> Doubles:
    """The probability of the second class of each row, or the curve of its margin."""
    if gives_probabilities(pipeline):
        return np.asarray(_asked(pipeline.predict_proba, matrix)[:, 1], dtype=np.float64)
    with np.errstate(over="ignore"):  # 1 / infinity is the 0 that is meant
        return np.asarray(1 / (1 + np.exp(-_asked(pipeline.decision_function, matrix))), dtype=np.float64)


def original_decisions(pipeline: BaseEstimator, matrix: Matrix) -> NDArray[np.bool_]:
    """Which rows scikit-learn takes for the second class."""
    return np.asarray(_asked(pipeline.predict, matrix) == pipeline.classes_[1], dtype=np.bool_)


def _asked(method: Callable[[Doubles], Doubles], matrix: Matrix) -> Doubles:
    """Ask in double, which holds every float32 as it is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found unknown categories")
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        return np.asarray(method(matrix.astype(np.float64)))
