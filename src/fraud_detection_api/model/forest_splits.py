"""What the nodes of a forest ask: thresholds and sets of categories, and the thresholds' ranks for byte codes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.saved_trees import (
    CATEGORY_KEYS,
    Floats,
    Ints,
    Saved,
    first_of,
    joined,
    refuse_unless,
    sizes_of,
)

MOST_CUTS = 254
MOST_LEAVES = 4 * 256  # of a tree, where byte codes are any use: they number its leaves in up to four parts
MOST_CATEGORIES = 65_534
MOST_POOL_BYTES = 1 << 28


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


def splits_of(trees: list[Saved], size: Ints, features: int, layout: Layout, conditions: Floats) -> Splits:
    """Read every node's question, checked."""
    feature, inner = joined(trees, "split_indices")[layout.saved], layout.down > 0
    refuse_unless(((feature >= 0) & (feature < features))[inner].all(), "a split on no feature of the model")
    goes_right = joined(trees, "default_left")[layout.saved] == 0
    asks_set = inner & (joined(trees, "split_type")[layout.saved] == 1)
    unbounded = inner & (conditions == np.inf)  # how scikit-learn tells what is missing from all that is not
    refuse_unless(np.isfinite(conditions[~asks_set & ~unbounded]).all(), "a threshold or leaf that is not finite")
    column = np.where(inner, 2 * feature + goes_right, 0)
    threshold = np.where(inner & ~asks_set, conditions, np.float32(np.nan))
    sets, categories, pool = np.zeros_like(column), np.empty((0, 2), np.int64), b"\0"
    if asks_set.any():
        owner, category = _node_categories(trees, size, layout, asks_set)
        categories, which = _category_limits(feature, owner, category, np.flatnonzero(asks_set))
        column[asks_set] = 2 * features + which
        widths = (categories[which, 1] + 2 + 7) // 8
        sets[asks_set] = 1 + first_of(widths)
        pool = _pool(1 + int(widths.sum()), sets, np.flatnonzero(asks_set & goes_right), owner, category)
    return Splits(column, threshold, sets, pool, categories)


def _node_categories(trees: list[Saved], size: Ints, layout: Layout, asks_set: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Pair each categorical node with each of its categories, as saved: one entry of `categories` per pair."""
    held = sizes_of(trees, "categories")
    counts = sizes_of(trees, *CATEGORY_KEYS)
    starts, sizes = joined(trees, "categories_segments"), joined(trees, "categories_sizes")
    within = np.repeat(held, counts)
    refuse_unless(((starts >= 0) & (sizes > 0) & (starts + sizes <= within)).all(), "categories out of range")
    node = joined(trees, "categories_nodes")
    refuse_unless(((node >= 0) & (node < np.repeat(size, counts))).all(), "categories of no node")
    node = node + np.repeat(first_of(size), counts)
    starts = starts + np.repeat(first_of(held), counts)
    laid_out = np.full(int(size.sum()), -1)
    laid_out[layout.saved[asks_set]] = np.flatnonzero(asks_set)
    owner = np.repeat(laid_out[node], sizes)
    entry = np.repeat(starts - first_of(sizes), sizes) + np.arange(int(sizes.sum()))
    category = joined(trees, "categories")[entry]
    refuse_unless(len(np.unique(laid_out[node])) >= asks_set.sum(), "a categorical split without categories")
    return owner[owner >= 0], category[owner >= 0]


def _category_limits(feature: Ints, owner: Ints, category: Ints, nodes: Ints) -> tuple[Ints, Ints]:
    """List each categorical feature with one more than its highest category, and which of them each node asks."""
    refuse_unless(((category >= 0) & (category < MOST_CATEGORIES)).all(), "too many categories")
    known, which = np.unique(feature[nodes], return_inverse=True)
    limits = np.zeros(len(known), np.int64)
    np.maximum.at(limits, np.searchsorted(known, feature[owner]), category + 1)
    return np.column_stack([known, limits]), which


def _pool(length: int, sets: Ints, missing_right: Ints, owner: Ints, category: Ints) -> bytes:
    """Hold every set as bits: bit 0 for a missing value, bit c + 1 for category c; set bits go right."""
    refuse_unless(length <= MOST_POOL_BYTES, "too many sets of categories")
    bits = np.zeros(8 * length, np.uint8)
    bits[8 * sets[missing_right]] = 1
    bits[8 * sets[owner] + 1 + category] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def cuts_of(layout: Layout, splits: Splits, features: int) -> Cuts:
    """Group the trees so that a byte can count any feature's thresholds within a group.

    A feature with few thresholds has them all in the first of the groups that it serves, where alone it is counted.
    """
    asks_number = ~np.isnan(splits.threshold)
    tree, feature = layout.tree[asks_number], splits.column[asks_number] // 2
    threshold = splits.threshold[asks_number]
    ranks = np.zeros(len(layout.tree), np.uint8)
    none = Cuts(ranks, splits.threshold[:0], splits.column[:0], splits.column[:0])
    if np.bincount(layout.tree[layout.down == 0]).max() > MOST_LEAVES:
        return none
    total = len(layout.starts) - 1
    each = np.full(features, 1 << (total - 1).bit_length())  # trees that a feature is counted for at once; halves nest
    while True:
        groups = -(-total // each.min())
        key = tree // each[feature] * (each[feature] // each.min()) * features + feature
        order, fresh = _distinct(key, threshold)
        counts = np.bincount(key[order][fresh], minlength=groups * features)
        many = counts.reshape(groups, features).max(axis=0) > MOST_CUTS
        if not many.any():
            break
        if each[many].min() == 1:
            return none
        each[many] //= 2
    ranks[np.flatnonzero(asks_number)[order]] = np.cumsum(fresh) - first_of(counts)[key[order]]
    group_ends = np.minimum(each.min() * np.arange(1, groups + 1), total)
    return Cuts(ranks, threshold[order][fresh], np.cumsum(counts), group_ends)


def _distinct(key: Ints, threshold: Floats) -> tuple[Ints, NDArray[np.bool_]]:
    """Order by key and threshold, and tell which are the first of their kind."""
    order = np.lexsort((threshold, key))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(key[order]) != 0) | (threshold[order][1:] != threshold[order][:-1])
    return order, fresh
