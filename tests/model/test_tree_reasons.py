"""What each field adds to the probability that scikit-learn's trees give: exact Shapley values."""

from collections.abc import Callable

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # as above
from sklearn.tree._tree import Tree  # type: ignore[import-untyped]  # as above

from fraud_detection_api.model.tree_ensemble import TreeEnsemble
from tests.model.sample_forests import SLOW, Floats
from tests.model.shapley_values import shapley
from tests.model.tree_ensembles import Sample, forest, grow, samples, trial_rows

# scikit-learn's own, where it looks for missing values among the hugest
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in reduce")


def probability(tree: Tree, row: Floats, held: frozenset[int], node: int = 0) -> float:
    """What scikit-learn's own tree says when only these features are known: both ways, by weight, otherwise."""
    children = (int(tree.children_left[node]), int(tree.children_right[node]))
    if children[0] < 0:
        return float(tree.value[node, 0, 1])
    if (feature := int(tree.feature[node])) not in held:
        weights = tree.weighted_n_node_samples
        shares = (float(weights[child] / weights[node]) for child in children)
        return sum(share * probability(tree, row, held, child) for share, child in zip(shares, children, strict=True))
    missing_left = bool(tree.missing_go_to_left[node])
    goes_left = missing_left if np.isnan(row[feature]) else row[feature] <= tree.threshold[node]
    return probability(tree, row, held, children[0] if goes_left else children[1])


def known(fitted: BaseEstimator, row: Floats) -> Callable[[frozenset[int]], float]:
    """The mean of the trees, by the features that are known."""
    trees = [each.tree_ for each in getattr(fitted, "estimators_", [fitted])]
    return lambda held: sum(probability(tree, row, held) for tree in trees) / len(trees)


@pytest.mark.parametrize("grower", [DecisionTreeClassifier, RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_are_those_of_the_definition(grower: type[BaseEstimator], missing: float) -> None:
    told = {} if grower is DecisionTreeClassifier else {"n_estimators": 4}
    sample = grow(grower, 3, ["usual", "usual", "few values"], 60, missing, max_depth=5, **told)
    own = TreeEnsemble.read(sample.saved)
    for row in sample.rows[:12]:
        value = known(sample.fitted, row)
        expected = [*(shapley(value, 3, at) for at in range(3)), value(frozenset())]
        np.testing.assert_allclose(own.contributions(row[None])[0], expected, atol=1e-12, rtol=0)


@given(samples(), st.integers(0, 10_000))
@SLOW
def test_add_up_to_the_probability(sample: Sample, seed: int) -> None:
    own, rows = TreeEnsemble.read(sample.saved), trial_rows(sample, seed, 40)
    assert own.explains
    np.testing.assert_allclose(own.contributions(rows).sum(axis=1), own.shares(rows), atol=1e-9, rtol=0)


def test_begin_with_the_share_of_frauds_among_the_training_rows() -> None:
    sample = forest(bootstrap=False)
    own = TreeEnsemble.read(sample.saved)
    mean = np.mean([tree.tree_.value[0, 0, 1] for tree in sample.fitted.estimators_])
    np.testing.assert_allclose(own.contributions(sample.rows[:3])[:, -1], mean, atol=1e-12, rtol=0)


def test_a_field_that_no_tree_asks_for_adds_nothing() -> None:
    sample = grow(RandomForestClassifier, 2, ["usual", "constant"], n_estimators=5)
    assert not TreeEnsemble.read(sample.saved).contributions(sample.rows)[:, 1].any()


def test_trees_without_weights_score_but_do_not_explain() -> None:
    document = orjson.loads(forest(n_estimators=3).saved)
    for tree in document["tree_ensemble"]["trees"]:
        del tree["sum_hessian"]
    own, row = TreeEnsemble.read(orjson.dumps(document)), np.zeros((1, 4), np.float32)
    assert not own.explains
    assert own.probabilities(row).shape == (1,)
    with pytest.raises(ValueError, match="without covers"):
        own.contributions(row)
