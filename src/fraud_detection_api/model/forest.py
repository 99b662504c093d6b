"""XGBoost's own probabilities, to the bit, without XGBoost: its saved model, laid out again for compiled code."""

import json
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.model.forest_splits import Layout, cuts_of, splits_of
from fraud_detection_api.model.saved_trees import (
    COVER_KEY,
    NODE_KEYS,
    Doubles,
    Floats,
    ForestUnsupported,
    Ints,
    Saved,
    first_of,
    floats,
    joined,
    readable,
    refuse_unless,
    sizes_of,
)

if TYPE_CHECKING:
    from fraud_detection_api.model._forest import Trees
else:
    try:
        from fraud_detection_api.model._forest import Trees
    except ImportError:
        Trees = None

IS_BUILT = Trees is not None
MOST_DEPTH = 255
MOST_NODES = 65_535
MOST_FEATURES = 32_767 - 1_024
NODE = np.dtype([("threshold", "f4"), ("column", "u2"), ("down", "u2")])


class Parts(NamedTuple):
    """What the extension is made from, in its order; it checks every index in them for itself."""

    features: int
    base_score: float
    nodes: bytes
    values: bytes
    sets: bytes
    ranks: bytes
    starts: bytes
    pool: bytes
    categories: bytes
    cuts: bytes
    cut_ends: bytes
    group_ends: bytes
    covers: bytes


class Forest:
    """The trees of one model; safe in threads, since nothing in it changes."""

    is_quick = True

    def __init__(self, trees: "Trees", parts: Parts) -> None:
        self._score = trees.score
        self._explain = trees.explain
        self.features = parts.features
        self.explains = bool(parts.covers)

    @classmethod
    def read(cls, model: bytes) -> "Forest":
        """Read what `Booster.save_raw("json")` gave, or say why not."""
        if not IS_BUILT:
            raise ForestUnsupported("the compiled extension is not built")
        with readable("a model"):
            parts = lay_out(model)
            return cls(compiled(parts), parts)

    def probabilities(self, matrix: Floats) -> Floats:
        """Score to probabilities; `matrix` is [n, features] in C order, NaN where missing, categories as codes."""
        out = np.empty(len(matrix), np.float32)
        self._score(matrix, out, True)
        return out

    def contributions(self, matrix: Floats) -> NDArray[np.float64]:
        """What each feature adds to the margin (exact TreeSHAP), and last the bias; only where it `explains`."""
        out = np.empty((len(matrix), self.features + 1), np.float64)
        self._explain(matrix, out)
        return out


def compiled(parts: Parts) -> "Trees":
    """The extension's own trees; only where it is built."""
    return Trees(*parts)


def lay_out(model: bytes) -> Parts:
    """Turn a saved model into what the extension is made from."""
    # XGBoost 2 writes NaN for the threshold of a categorical node, which JSON does not know.
    learner = (json.loads if b"NaN" in model else orjson.loads)(model)["learner"]
    sizes, booster = cast(dict[str, str], learner["learner_model_param"]), learner["gradient_booster"]
    refuse_unless(learner["objective"]["name"] == "binary:logistic", "another objective than binary:logistic")
    refuse_unless(booster["name"] == "gbtree", "another booster than gbtree")
    refuse_unless(int(sizes["num_class"]) <= 1 and int(sizes.get("num_target", "1")) == 1, "more than one output")
    trees, groups = cast(list[Saved], booster["model"]["trees"]), cast(list[int], booster["model"]["tree_info"])
    refuse_unless(0 < len(trees) == len(groups) and not any(groups), "no trees, or more than one output")
    base_score, features = float(np.float32(sizes["base_score"].strip("[]"))), int(sizes["num_feature"])
    refuse_unless(0 <= base_score <= 1, "a base score that is no probability")
    refuse_unless(0 < features <= MOST_FEATURES, "too many features, or none")
    return parts_of(trees, features, base_score)


def parts_of(trees: list[Saved], features: int, base_score: float, leaves: Doubles | None = None) -> Parts:
    """Check trees and lay them out; `leaves`, one a saved node, are summed instead of the float32 leaves of XGBoost."""
    size = sizes_of(trees, *NODE_KEYS)
    layout = _lay_out_nodes(size, joined(trees, "left_children"), joined(trees, "right_children"))
    conditions = floats(trees, "split_conditions")[layout.saved]
    splits = splits_of(trees, size, features, layout, conditions)
    cuts = cuts_of(layout, splits, features)
    values = conditions if leaves is None else leaves[layout.saved]
    nodes = np.empty(len(layout.saved), NODE)
    nodes["threshold"], nodes["column"], nodes["down"] = splits.threshold, splits.column, layout.down
    return Parts(
        features,
        base_score,
        nodes=nodes.tobytes(),
        values=np.where(layout.down == 0, values, np.zeros_like(values)).tobytes(),
        sets=splits.sets.astype(np.uint32).tobytes(),
        ranks=cuts.ranks.tobytes(),
        starts=layout.starts.astype(np.int32).tobytes(),
        pool=splits.pool,
        categories=splits.categories.astype(np.int32).tobytes(),
        cuts=cuts.values.tobytes(),
        cut_ends=cuts.ends.astype(np.int32).tobytes(),
        group_ends=cuts.group_ends.astype(np.int32).tobytes(),
        covers=_covers(trees, size, layout),
    )


def _lay_out_nodes(size: Ints, left: Ints, right: Ints) -> Layout:
    """Walk all trees at once, level by level; nodes that pruning left behind are never reached."""
    refuse_unless(size.min() > 0 and size.max() <= MOST_NODES, "an empty tree, or one of too many nodes")
    first, used = first_of(size), np.ones_like(size)
    tree, place, saved = np.arange(len(size)), np.zeros_like(size), first
    levels: list[tuple[Ints, Ints, Ints, Ints]] = []
    while len(tree):
        refuse_unless(len(levels) <= MOST_DEPTH, "too deep a tree")
        splits = left[saved] != -1
        parent, child = tree[splits], left[saved[splits]]
        refuse_unless(((child > 0) & (child < size[parent] - 1)).all(), "a child outside its tree")
        refuse_unless((right[saved[splits]] == child + 1).all(), "siblings that do not lie side by side")
        counts = np.bincount(parent, minlength=len(size))
        child_place = used[parent] + 2 * (np.arange(len(parent)) - first_of(counts)[parent])
        used = used + 2 * counts
        refuse_unless((used <= size).all(), "a tree that runs in circles")
        down = np.zeros_like(place)
        down[splits] = child_place - place[splits]
        levels.append((tree, place, saved, down))
        tree, place, saved = (np.repeat(each, 2) for each in (parent, child_place, first[parent] + child))
        place[1::2] += 1
        saved[1::2] += 1
    return _layout(levels, used)


def _layout(levels: list[tuple[Ints, Ints, Ints, Ints]], used: Ints) -> Layout:
    tree, place, saved, down = (np.concatenate(each) for each in zip(*levels, strict=True))
    starts = np.concatenate([[0], np.cumsum(used)])
    order = np.empty_like(saved)
    order[starts[tree] + place] = np.arange(len(saved))
    return Layout(saved[order], tree[order], down[order], starts)


def _covers(trees: list[Saved], size: Ints, layout: Layout) -> bytes:
    """Hold the weight of the training rows in each node; nothing where one is unknown or too little to divide by."""
    if not np.array_equal([len(tree.get(COVER_KEY, ())) for tree in trees], size):
        return b""
    covers = floats(trees, COVER_KEY)[layout.saved]
    return covers.tobytes() if (np.isfinite(covers) & (covers > 0)).all() else b""
