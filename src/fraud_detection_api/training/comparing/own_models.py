"""Models of a team's own, by import string: a function that gives a new scikit-learn classifier."""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import cast

from sklearn.base import BaseEstimator, is_classifier  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.kinds.kind import ModelKind

Maker = Callable[[], BaseEstimator]


def own_model(import_string: str) -> Maker:
    """What the import string names, once it has given a classifier that can be fitted."""
    try:
        found: object = resolve_name(import_string)
        maker = cast(Maker, found)
        model = found if isinstance(found, ModelKind) else maker()
    except Exception as error:  # whatever a team's own code breaks is told in one line
        raise DataRefused(f"There is no model {import_string!r}: {error}.") from error
    if isinstance(model, ModelKind):
        raise DataRefused(f"{import_string} is a kind of model: name it in the models of its use case to train it.")
    if not (isinstance(model, BaseEstimator) and hasattr(model, "fit") and is_classifier(model)):
        raise DataRefused(f"{import_string} gives {type(model).__name__}, which is no scikit-learn classifier.")
    return maker
