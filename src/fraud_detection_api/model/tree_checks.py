"""What every walk of trees relies on and XGBoost does not check; forest.py checks the layout of the compiled forest."""

import numpy as np
import orjson

from fraud_detection_api.model.saved_trees import (
    CATEGORY_KEYS,
    NODE_KEYS,
    Ints,
    Saved,
    first_of,
    joined,
    refuse_unless,
    sizes_of,
)

LEAF = -1
MOST_CATEGORIES = 1 << 24  # a float32 counts no further


def refuse_unsound(model: bytes) -> None:
    """Refuse a model, as XGBoost saves it, whose trees a walk would leave, or never come to the end of."""
    learner = orjson.loads(model)["learner"]
    booster = learner["gradient_booster"]  # dart has its trees inside of one
    trees = booster.get("gbtree", booster).get("model", {}).get("trees", [])  # a linear booster has none
    if trees:
        size = sizes_of(trees, *NODE_KEYS)
        _refuse_other_shapes(trees, size)
        _refuse_other_questions(trees, size, int(learner["learner_model_param"]["num_feature"]))


def _refuse_other_shapes(trees: list[Saved], size: Ints) -> None:
    """Where no node has two parents, and a root has none, every walk from a root ends."""
    left, right = joined(trees, "left_children"), joined(trees, "right_children")
    inner = left != LEAF
    first, sizes = np.repeat(first_of(size), size)[inner], np.repeat(size, size)[inner]
    children = np.concatenate([left[inner], right[inner]])
    refuse_unless(bool(size.min() > 0), "an empty tree")
    refuse_unless(bool(((children > 0) & (children < np.tile(sizes, 2))).all()), "a child outside its tree")
    places = children + np.tile(first, 2)
    refuse_unless(len(np.unique(places)) == len(places), "a tree that runs in circles")


def _refuse_other_questions(trees: list[Saved], size: Ints, features: int) -> None:
    """Every split is on a feature that there is, every set of categories within what its tree holds."""
    inner, feature = joined(trees, "left_children") != LEAF, joined(trees, "split_indices")
    refuse_unless(bool(((feature >= 0) & (feature < features))[inner].all()), "a split on no feature of the model")
    counts = sizes_of(trees, *CATEGORY_KEYS)
    node, starts, sizes = (joined(trees, key) for key in CATEGORY_KEYS)
    held = np.repeat([len(tree["categories"]) for tree in trees], counts)
    refuse_unless(bool(((node >= 0) & (node < np.repeat(size, counts))).all()), "categories of no node")
    refuse_unless(bool(((starts >= 0) & (sizes >= 0) & (starts + sizes <= held)).all()), "categories out of range")
    category = joined(trees, "categories")
    refuse_unless(bool(((category >= 0) & (category < MOST_CATEGORIES)).all()), "a category that is none")
