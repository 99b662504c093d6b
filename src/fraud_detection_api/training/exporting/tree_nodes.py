"""Trees as ONNX: scikit-learn's comparisons and sums in double, so that scores are the same to the last bits.

scikit-learn narrows a value to float32 and compares it with a double. The trees here do the same: a value is narrowed,
widened again, and compared with the threshold as it is. A value just beside a threshold falls on the same side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from onnx.numpy_helper import from_array
from skl2onnx.common._container import ModelComponentContainer  # type: ignore[import-untyped]  # it ships no types
from skl2onnx.common._topology import Operator, Scope  # type: ignore[import-untyped]  # it ships no types
from sklearn.tree._tree import Tree  # type: ignore[import-untyped]  # scikit-learn ships no types

from fraud_detection_api.model.saved_trees import Doubles, Ints
from fraud_detection_api.training.exporting.writer import DOUBLE, FLOAT, Attribute, Writer

SUM, LESS_OR_EQUAL = 1, 0
LEAF = -1


@dataclass(frozen=True)
class Nodes:
    """A tree's nodes as ONNX counts them: splits and leaves apart, across all trees."""

    root: int
    columns: Ints
    thresholds: Doubles
    missing_left: Ints
    left: Ints
    left_is_leaf: Ints
    right: Ints
    right_is_leaf: Ints
    leaves: Doubles


def convert_trees(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Write a tree or a forest that classifies: the mean of its leaves' shares."""
    writer, model = Writer(scope, operator, container), operator.raw_operator
    trees = [each.tree_ for each in getattr(model, "estimators_", [model])]
    narrowed = writer.node("Cast", writer.rows, to=FLOAT)
    total = writer.trees(writer.node("Cast", narrowed, to=DOUBLE), **_attributes(trees))
    writer.gives_probability(writer.node("Div", total, writer.number(len(trees))))


def _attributes(trees: Sequence[Tree]) -> dict[str, Attribute]:
    nodes = _numbered(trees)
    names = [field.name for field in fields(Nodes) if field.name != "root"]
    joined = {name: np.concatenate([getattr(each, name) for each in nodes]) for name in names}
    return {
        "n_targets": 1,
        "aggregate_function": SUM,
        "tree_roots": [each.root for each in nodes],
        "nodes_modes": from_array(np.full(len(joined["columns"]), LESS_OR_EQUAL, np.uint8)),
        "nodes_featureids": joined["columns"].tolist(),
        "nodes_splits": from_array(joined["thresholds"]),
        "nodes_missing_value_tracks_true": joined["missing_left"].tolist(),
        "nodes_truenodeids": joined["left"].tolist(),
        "nodes_trueleafs": joined["left_is_leaf"].tolist(),
        "nodes_falsenodeids": joined["right"].tolist(),
        "nodes_falseleafs": joined["right_is_leaf"].tolist(),
        "leaf_targetids": [0] * len(joined["leaves"]),
        "leaf_weights": from_array(joined["leaves"]),
    }


def _numbered(trees: Sequence[Tree]) -> list[Nodes]:
    nodes: list[Nodes] = []
    splits = leaves = 0
    for each in trees:
        nodes.append(_nodes(each, splits, leaves))
        splits, leaves = splits + len(nodes[-1].columns), leaves + len(nodes[-1].leaves)
    return nodes


def _nodes(tree: Tree, splits: int, leaves: int) -> Nodes:
    """One tree, where so many splits and leaves of other trees come before it."""
    inner, shares = tree.children_left != LEAF, tree.value[:, 0, 1]
    if not inner.any():  # ONNX knows no tree without a split: this one leads to the same leaf on both sides
        leaf, yes = np.array([leaves]), np.array([1])
        return Nodes(splits, yes - 1, np.zeros(1), yes - 1, leaf, yes, leaf, yes, shares)
    place = np.where(inner, splits + np.cumsum(inner) - 1, leaves + np.cumsum(~inner) - 1)
    left, right = tree.children_left[inner], tree.children_right[inner]
    return Nodes(
        root=int(place[0]),
        columns=tree.feature[inner],
        thresholds=tree.threshold[inner],
        missing_left=tree.missing_go_to_left[inner].astype(np.int64),
        left=place[left],
        left_is_leaf=(~inner[left]).astype(np.int64),
        right=place[right],
        right_is_leaf=(~inner[right]).astype(np.int64),
        leaves=shares[~inner],
    )
