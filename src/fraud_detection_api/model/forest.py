"""XGBoost's own probabilities, to the bit, without XGBoost: its saved model, laid out anew for compiled code."""

import json
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import orjson
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fraud_detection_api.model._forest import Trees
else:
    try:
        from fraud_detection_api.model._forest import Trees
    except ImportError:
        Trees = None

MOST_CUTS = 254
MOST_DEPTH = 255
MOST_NODES = 65_535
MOST_FEATURES = 32_767 - 1_024
MOST_CATEGORIES = 65_534
MOST_POOL_BYTES = 1 << 28
# The only float32 whose shortest decimal, read as a double, rounds to its neighbour: all 2,139,095,040 were tried.
TWICE_ROUNDED = 7.038531e-26
NODE_KEYS = ("left_children", "right_children", "split_indices", "split_conditions", "default_left", "split_type")
CATEGORY_KEYS = ("categories_nodes", "categories_segments", "categories_sizes")
NODE = np.dtype([("threshold", "f4"), ("column", "u2"), ("down", "u2")])

Saved = dict[str, list[float]]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class ForestUnsupported(Exception):
    """Why a model cannot be scored without its own library."""


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


class Layout(NamedTuple):
    """Where each reachable node goes: trees in order, breadth first, siblings side by side."""

    saved: Ints
    tree: Ints
    down: Ints
    starts: Ints


class Splits(NamedTuple):
    """What each laid-out node asks: a number (column, threshold), or whether a set holds a category."""

    column: Ints
    threshold: Floats
    sets: Ints
    pool: bytes
    categories: Ints


class Cuts(NamedTuple):
    """Per group of trees and feature the distinct thresholds, at most 254, and each node's rank among them."""

    ranks: NDArray[np.uint8]
    values: Floats
    ends: Ints
    group_ends: Ints


class Forest:
    """The trees of one model; safe in threads, since nothing in it changes."""

    def __init__(self, trees: "Trees", features: int) -> None:
        self._score = trees.score
        self.features = features

    @classmethod
    def read(cls, model: bytes) -> "Forest":
        """Read what `Booster.save_raw("json")` gave, or say why not."""
        if Trees is None:
            raise ForestUnsupported("the compiled extension is not built")
        try:
            parts = lay_out(model)
            return cls(Trees(*parts), parts.features)
        except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise ForestUnsupported(f"not a model that can be read: {error!r}") from error

    def margins(self, matrix: Floats) -> Floats:
        """Score to log-odds; `matrix` is [n, features] in C order, NaN where missing, categories as codes."""
        out = np.empty(len(matrix), np.float32)
        self._score(matrix, out, False)
        return out

    def probabilities(self, matrix: Floats) -> Floats:
        """Score to probabilities; `matrix` as in `margins`."""
        out = np.empty(len(matrix), np.float32)
        self._score(matrix, out, True)
        return out


def lay_out(model: bytes) -> Parts:
    """Turn a saved model into what the extension is made from."""
    # XGBoost 2 writes NaN for the threshold of a categorical node, which JSON does not know.
    learner = (json.loads if b"NaN" in model else orjson.loads)(model)["learner"]
    sizes, booster = cast(dict[str, str], learner["learner_model_param"]), learner["gradient_booster"]
    _refuse_unless(learner["objective"]["name"] == "binary:logistic", "another objective than binary:logistic")
    _refuse_unless(booster["name"] == "gbtree", "another booster than gbtree")
    _refuse_unless(int(sizes["num_class"]) <= 1 and int(sizes.get("num_target", "1")) == 1, "more than one output")
    trees, groups = cast(list[Saved], booster["model"]["trees"]), cast(list[int], booster["model"]["tree_info"])
    _refuse_unless(0 < len(trees) == len(groups) and not any(groups), "no trees, or more than one output")
    base_score, features = float(np.float32(sizes["base_score"].strip("[]"))), int(sizes["num_feature"])
    _refuse_unless(0 <= base_score <= 1, "a base score that is no probability")
    _refuse_unless(0 < features <= MOST_FEATURES, "too many features, or none")
    return _parts(trees, features, base_score)


def _parts(trees: list[Saved], features: int, base_score: float) -> Parts:
    size = _sizes(trees, *NODE_KEYS)
    layout = _lay_out_nodes(size, _joined(trees, "left_children"), _joined(trees, "right_children"))
    conditions = _conditions(trees)[layout.saved]
    splits = _splits(trees, size, features, layout, conditions)
    cuts = _cuts(layout, splits, features)
    nodes = np.empty(len(layout.saved), NODE)
    nodes["threshold"], nodes["column"], nodes["down"] = splits.threshold, splits.column, layout.down
    return Parts(
        features,
        base_score,
        nodes=nodes.tobytes(),
        values=np.where(layout.down == 0, conditions, np.float32(0)).tobytes(),
        sets=splits.sets.astype(np.uint32).tobytes(),
        ranks=cuts.ranks.tobytes(),
        starts=layout.starts.astype(np.int32).tobytes(),
        pool=splits.pool,
        categories=splits.categories.astype(np.int32).tobytes(),
        cuts=cuts.values.tobytes(),
        cut_ends=cuts.ends.astype(np.int32).tobytes(),
        group_ends=cuts.group_ends.astype(np.int32).tobytes(),
    )


def _refuse_unless(holds: bool | np.bool_, reason: str) -> None:
    if not holds:
        raise ForestUnsupported(reason)


def _sizes(trees: list[Saved], *keys: str) -> Ints:
    """Measure each tree's arrays, which must be of one length."""
    sizes = np.array([[len(tree[key]) for tree in trees] for key in keys])
    _refuse_unless((sizes == sizes[0]).all(), "a tree with arrays of different lengths")
    return cast(Ints, sizes[0])


def _joined(trees: list[Saved], key: str) -> Ints:
    return np.fromiter(chain.from_iterable(tree[key] for tree in trees), np.int64)


def _conditions(trees: list[Saved]) -> Floats:
    doubles = np.fromiter(chain.from_iterable(tree["split_conditions"] for tree in trees), np.float64)
    with np.errstate(over="ignore"):
        conditions = doubles.astype(np.float32)
    conditions[np.abs(doubles) == TWICE_ROUNDED] *= np.float32(1 - 2**-24)
    return conditions


def _first_of(counts: Ints) -> Ints:
    return np.cumsum(counts) - counts


def _lay_out_nodes(size: Ints, left: Ints, right: Ints) -> Layout:
    """Walk all trees at once, level by level; nodes that pruning left behind are never reached."""
    _refuse_unless(size.min() > 0 and size.max() <= MOST_NODES, "an empty tree, or one of too many nodes")
    first, used = _first_of(size), np.ones_like(size)
    tree, place, saved = np.arange(len(size)), np.zeros_like(size), first
    levels: list[tuple[Ints, Ints, Ints, Ints]] = []
    while len(tree):
        _refuse_unless(len(levels) <= MOST_DEPTH, "too deep a tree")
        splits = left[saved] != -1
        parent, child = tree[splits], left[saved[splits]]
        _refuse_unless(((child > 0) & (child < size[parent] - 1)).all(), "a child outside its tree")
        _refuse_unless((right[saved[splits]] == child + 1).all(), "siblings that do not lie side by side")
        counts = np.bincount(parent, minlength=len(size))
        child_place = used[parent] + 2 * (np.arange(len(parent)) - _first_of(counts)[parent])
        used = used + 2 * counts
        _refuse_unless((used <= size).all(), "a tree that runs in circles")
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


def _splits(trees: list[Saved], size: Ints, features: int, layout: Layout, conditions: Floats) -> Splits:
    feature, inner = _joined(trees, "split_indices")[layout.saved], layout.down > 0
    _refuse_unless(((feature >= 0) & (feature < features))[inner].all(), "a split on no feature of the model")
    goes_right = _joined(trees, "default_left")[layout.saved] == 0
    asks_set = inner & (_joined(trees, "split_type")[layout.saved] == 1)
    _refuse_unless(np.isfinite(conditions[~asks_set]).all(), "a threshold or leaf that is not finite")
    column = np.where(inner, 2 * feature + goes_right, 0)
    threshold = np.where(inner & ~asks_set, conditions, np.float32(np.nan))
    sets, categories, pool = np.zeros_like(column), np.empty((0, 2), np.int64), b"\0"
    if asks_set.any():
        owner, category = _node_categories(trees, size, layout, asks_set)
        categories, which = _category_limits(feature, owner, category, np.flatnonzero(asks_set))
        column[asks_set] = 2 * features + which
        widths = (categories[which, 1] + 2 + 7) // 8
        sets[asks_set] = 1 + _first_of(widths)
        pool = _pool(1 + int(widths.sum()), sets, np.flatnonzero(asks_set & goes_right), owner, category)
    return Splits(column, threshold, sets, pool, categories)


def _node_categories(trees: list[Saved], size: Ints, layout: Layout, asks_set: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Pair each categorical node with each of its categories, as saved: one entry of `categories` per pair."""
    held = _sizes(trees, "categories")
    counts = _sizes(trees, *CATEGORY_KEYS)
    starts, sizes = _joined(trees, "categories_segments"), _joined(trees, "categories_sizes")
    within = np.repeat(held, counts)
    _refuse_unless(((starts >= 0) & (sizes > 0) & (starts + sizes <= within)).all(), "categories out of range")
    node = _joined(trees, "categories_nodes")
    _refuse_unless(((node >= 0) & (node < np.repeat(size, counts))).all(), "categories of no node")
    node = node + np.repeat(_first_of(size), counts)
    starts = starts + np.repeat(_first_of(held), counts)
    laid_out = np.full(int(size.sum()), -1)
    laid_out[layout.saved[asks_set]] = np.flatnonzero(asks_set)
    owner = np.repeat(laid_out[node], sizes)
    entry = np.repeat(starts - _first_of(sizes), sizes) + np.arange(int(sizes.sum()))
    category = _joined(trees, "categories")[entry]
    _refuse_unless(len(np.unique(laid_out[node])) >= asks_set.sum(), "a categorical split without categories")
    return owner[owner >= 0], category[owner >= 0]


def _category_limits(feature: Ints, owner: Ints, category: Ints, nodes: Ints) -> tuple[Ints, Ints]:
    """List each categorical feature with one more than its highest category, and which of them each node asks."""
    _refuse_unless(((category >= 0) & (category < MOST_CATEGORIES)).all(), "too many categories")
    known, which = np.unique(feature[nodes], return_inverse=True)
    limits = np.zeros(len(known), np.int64)
    np.maximum.at(limits, np.searchsorted(known, feature[owner]), category + 1)
    return np.column_stack([known, limits]), which


def _pool(length: int, sets: Ints, missing_right: Ints, owner: Ints, category: Ints) -> bytes:
    """Hold every set as bits: bit 0 for a missing value, bit c + 1 for category c; set bits go right."""
    _refuse_unless(length <= MOST_POOL_BYTES, "too many sets of categories")
    bits = np.zeros(8 * length, np.uint8)
    bits[8 * sets[missing_right]] = 1
    bits[8 * sets[owner] + 1 + category] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def _cuts(layout: Layout, splits: Splits, features: int) -> Cuts:
    """Group the trees so that a byte can count any feature's thresholds within a group."""
    asks_number = ~np.isnan(splits.threshold)
    tree, feature = layout.tree[asks_number], splits.column[asks_number] // 2
    threshold = splits.threshold[asks_number]
    total = each = len(layout.starts) - 1
    while True:
        groups = -(-total // each)
        key = tree // each * features + feature
        order = np.lexsort((threshold, key))
        sorted_key, sorted_threshold = key[order], threshold[order]
        fresh = np.ones(len(order), bool)
        fresh[1:] = (sorted_key[1:] != sorted_key[:-1]) | (sorted_threshold[1:] != sorted_threshold[:-1])
        counts = np.bincount(sorted_key[fresh], minlength=groups * features)
        if counts.max() <= MOST_CUTS or each == 1:
            break
        each = -(-each // 2)
    ranks = np.zeros(len(layout.tree), np.uint8)
    if counts.max() > MOST_CUTS:
        return Cuts(ranks, threshold[:0], counts[:0], counts[:0])
    ranks[np.flatnonzero(asks_number)[order]] = np.cumsum(fresh) - _first_of(counts)[sorted_key]
    group_ends = np.minimum(each * np.arange(1, groups + 1), total)
    return Cuts(ranks, sorted_threshold[fresh], np.cumsum(counts), group_ends)
