"""The pipelines of scikit-learn that `--model` knows by name: scikit-learn is imported where one of them is fitted."""

from collections.abc import Mapping
from dataclasses import dataclass

FITTING = "fraud_detection_api.training.comparing.candidates"


@dataclass(frozen=True)
class Recipe:
    """One pipeline: as people call it, and the import string of what fits it."""

    words: str
    fitted: str
    has_grid: bool = False


RECIPES: Mapping[str, Recipe] = {
    "logistic": Recipe("logistic regression", f"{FITTING}:logistic_regression"),
    "forest": Recipe("random forest", f"{FITTING}:random_forest", has_grid=True),
    "tree": Recipe("decision tree", f"{FITTING}:decision_tree"),
    "svm": Recipe("support vector machine", f"{FITTING}:support_vector_machine"),
}
