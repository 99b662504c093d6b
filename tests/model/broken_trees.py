"""Bundles whose digests are right and whose trees are broken: XGBoost reads most, and crashes or never returns."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from fraud_detection_api.model.bundle import bundle_files
from tests.small_models import SmallModel, bundle_of

Tree = dict[str, list[int]]
Damage = Callable[[Tree], object]


def _deepest(tree: Tree) -> int:
    """The last split: only some rows come to it."""
    return max(place for place, child in enumerate(tree["left_children"]) if child != -1)


def _leads(left: int | None, right: int | None) -> Damage:
    """The last split leads to these nodes; None leads to the split itself."""

    def damage(tree: Tree) -> None:
        split = _deepest(tree)
        tree["left_children"][split] = split if left is None else left
        tree["right_children"][split] = split if right is None else right

    return damage


def _first(part: str, value: int) -> Damage:
    return lambda tree: tree[part].__setitem__(0, value)


DAMAGES: Mapping[str, Damage] = {
    "a child far away": _leads(99_999, 1),
    "a child just outside": lambda tree: _leads(len(tree["left_children"]), 1)(tree),
    "a child below zero": _leads(1, -7),
    "a split on itself": _leads(None, None),
    "a circle": _leads(1, 2),
    "back to the root": _leads(0, 1),
    "a feature that there is not": lambda tree: tree["split_indices"].__setitem__(_deepest(tree), 77),
    "an array too short": lambda tree: tree["split_conditions"].pop(),
}
OF_CATEGORIES: Mapping[str, Damage] = {
    "a segment out of range": _first("categories_segments", 99_999),
    "more categories than there are": _first("categories_sizes", 99_999),
    "fewer categories than none": _first("categories_sizes", -3),
    "categories of no node": _first("categories_nodes", 9_999),
    "a category below zero": _first("categories", -5),
}


def broken_model(model: bytes, damage: Damage) -> bytes:
    """A saved model whose first tree that can be damaged so is."""
    document = orjson.loads(model)
    trees: list[Tree] = document["learner"]["gradient_booster"]["model"]["trees"]
    needed = "categories_nodes" if damage in OF_CATEGORIES.values() else "split_conditions"
    damage(next(tree for tree in trees if len(tree[needed]) > 0 and max(tree["left_children"]) > 2))
    return orjson.dumps(document)


def broken_bundle(model: SmallModel, damage: Damage) -> SmallModel:
    """The model, damaged and sealed again."""
    bundle = bundle_of(model)
    files = bundle_files(bundle.manifest, broken_model(bundle.model, damage), bundle.reference)
    return replace(model, files=files)
