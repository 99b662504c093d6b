"""Models of a team's own, by import string: a function that gives a new scikit-learn classifier."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.errors import DataRefused

Maker = Callable[[], BaseEstimator]


def own_model(import_string: str) -> Maker:
    """What the import string names, once it has given a classifier that can be fitted."""
    module, _, name = import_string.partition(":")
    try:
        maker = cast(Maker, getattr(import_module(module), name))
        model = maker()
    except Exception as error:  # whatever a team's own code breaks is told in one line
        raise DataRefused(f"There is no model {import_string!r}: {error}.") from error
    if not isinstance(model, BaseEstimator) or not hasattr(model, "fit"):
        raise DataRefused(f"{import_string} gives {type(model).__name__}, which is no scikit-learn classifier.")
    return maker
