"""Random trees and forests of scikit-learn's that classify, and rows that try their edges."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.exporting.tree_file import original_shares, tree_file
from tests.model.isolation_forests import KINDS, column
from tests.model.sample_forests import EDGES, HUGE, Floats

Setting = str | int | float | bool | None
FEATURES_LOOKED_AT: tuple[Setting, ...] = ("sqrt", 1.0)
GROWERS = (DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier)


@dataclass(frozen=True)
class Sample:
    """Fitted trees with the rows that they were fitted on."""

    fitted: BaseEstimator
    rows: Floats

    @cached_property
    def saved(self) -> bytes:
        """What training writes of them."""
        return tree_file(self.fitted, self.rows)[0]

    def expected(self, rows: Floats) -> Doubles:
        """scikit-learn's own probabilities."""
        return original_shares(self.fitted, rows)


def made_up(seed: int, kinds: list[str], length: int, missing: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Rows, and labels that the first column tells in part; both classes are there."""
    random = np.random.default_rng(seed)
    rows = np.column_stack([column(random, kind, length) for kind in kinds])
    labels = rows[:, 0].argsort().argsort() + random.normal(0, length / 4, length) > 0.8 * length
    labels[:2] = False, True
    rows[random.random(rows.shape) < missing] = np.nan
    return rows, labels


def grow(
    grower: type[BaseEstimator], seed: int, kinds: list[str], length: int = 300, missing: float = 0.0, **told: Setting
) -> Sample:
    """Fit trees on so many made-up rows."""
    rows, labels = made_up(seed, kinds, length, missing)
    return Sample(grower(**{"random_state": seed} | told).fit(rows, labels), rows)


def forest(seed: int = 7, **told: Setting) -> Sample:
    """A forest of some trees, on rows with gaps."""
    kinds = ["usual", "usual", "few values", "huge"]
    parameters: dict[str, Setting] = {"n_estimators": 30, **told}
    return grow(RandomForestClassifier, seed, kinds, 2_000, 0.05, **parameters)


def trial_rows(sample: Sample, seed: int, length: int = 200) -> Floats:
    """Rows on and beside the thresholds, at the edges of float32, and with gaps."""
    random, trees = np.random.default_rng(seed), getattr(sample.fitted, "estimators_", [sample.fitted])
    cuts = np.concatenate([tree.tree_.threshold for tree in trees]).astype(np.float32)
    cuts = cuts[np.isfinite(cuts)]
    beside = [np.nextafter(cuts, HUGE), np.nextafter(cuts, -HUGE)]
    edges = EDGES[np.isfinite(EDGES) | np.isnan(EDGES)]  # scikit-learn refuses what is infinite
    numbers = np.concatenate([cuts, *beside, np.tile(edges, 1 + len(cuts) // 20)])
    return random.choice(numbers, size=(length, sample.rows.shape[1]))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Any kind of tree or forest that scikit-learn grows."""
    grower = draw(st.sampled_from(GROWERS))
    told: dict[str, Setting] = {
        "criterion": draw(st.sampled_from(["gini", "log_loss"])),
        "max_depth": draw(st.sampled_from((None, 1, 4))),
        "max_features": draw(st.sampled_from(FEATURES_LOOKED_AT)),
        "min_samples_leaf": draw(st.sampled_from([1, 1, 20])),
        "class_weight": draw(st.sampled_from((None, "balanced"))),
    }
    if grower in (RandomForestClassifier, ExtraTreesClassifier):
        told |= {"n_estimators": draw(st.sampled_from([1, 2, 9, 40])), "bootstrap": draw(st.booleans())}
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=12))
    length, missing = draw(st.integers(2, 400)), draw(st.sampled_from([0.0, 0.0, 0.2]))
    return grow(grower, draw(st.integers(0, 10_000)), kinds, length, missing, **told)
