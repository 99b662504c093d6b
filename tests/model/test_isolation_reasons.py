"""What each field adds to a record's anomaly: exact Shapley values of its path lengths."""

from collections.abc import Callable

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_detection_api.model.forest_walk import EXPLAINED, WalkedTrees
from fraud_detection_api.model.isolation_forest import IsolationForest, lay_out
from fraud_detection_api.model.saved_trees import Doubles
from tests.model.isolation_forests import Sample, grow, samples, trial_rows
from tests.model.sample_forests import SLOW, Floats
from tests.model.shapley_values import shapley
from tests.thoroughness import times

Tree = dict[str, list[float]]


def path_length(tree: Tree, row: Floats, held: frozenset[int], node: int = 0) -> float:
    """How long a tree's path is when only these features are known: the mean over the training rows otherwise."""
    left, right = int(tree["left_children"][node]), int(tree["right_children"][node])
    if left < 0:
        return tree["path_lengths"][node]
    if (feature := int(tree["split_indices"][node])) not in held:
        rows = tree["sum_hessian"]
        return sum(rows[child] / rows[node] * path_length(tree, row, held, child) for child in (left, right))
    goes_left = tree["default_left"][node] if np.isnan(row[feature]) else row[feature] < tree["split_conditions"][node]
    return path_length(tree, row, held, left if goes_left else right)


def anomaly(trees: list[Tree], average_path: float, row: Floats) -> Callable[[frozenset[int]], float]:
    """Minus the path length as a share of the expected one, by the features that are known."""
    return lambda held: -sum(path_length(tree, row, held) for tree in trees) / average_path


def walked(sample: Sample, rows: Floats) -> Doubles:
    """The contributions to path lengths as numpy explains them."""
    parts, _ = lay_out(sample.saved)
    out = np.empty((len(rows), parts.features + 1))
    WalkedTrees(parts).explain(rows, out)
    return out


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_are_those_of_the_definition(missing: float) -> None:
    sample = grow(3, ["usual", "usual", "few values"], 60, missing, n_estimators=4, max_samples=16)
    forest, own = orjson.loads(sample.saved)["isolation_forest"], IsolationForest.read(sample.saved)
    for row in sample.rows[:12]:
        value = anomaly(forest["trees"], forest["average_path"], row)
        expected = [*(shapley(value, 3, at) for at in range(3)), value(frozenset())]
        np.testing.assert_allclose(own.contributions(row[None])[0], expected, atol=1e-12, rtol=0)


@given(samples(), st.integers(0, 10_000))
@settings(SLOW, max_examples=times(40))
def test_add_up_to_the_score(sample: Sample, seed: int) -> None:
    own, rows = IsolationForest.read(sample.saved), trial_rows(sample, seed, 50)
    found = own.contributions(rows).sum(axis=1)
    np.testing.assert_allclose(-(2**found), own.anomaly_scores(rows), atol=1e-12, rtol=0)


@given(samples(), st.integers(0, 10_000))
@settings(SLOW, max_examples=times(15))
def test_are_the_same_from_numpy(sample: Sample, seed: int) -> None:
    parts, average_path = lay_out(sample.saved)
    rows = trial_rows(sample, seed, 9)
    found = -walked(sample, rows) / max(average_path, 1)
    np.testing.assert_allclose(found, IsolationForest.read(sample.saved).contributions(rows), atol=1e-9, rtol=0)
    assert parts.features == rows.shape[1]


def test_of_more_rows_than_numpy_explains_at_once() -> None:
    sample = grow(1, ["usual", "usual"], n_estimators=2)
    rows = trial_rows(sample, 4, EXPLAINED + 3)
    found = walked(sample, rows)
    np.testing.assert_allclose(found[-5:], walked(sample, rows[-5:]), atol=1e-12, rtol=0)


def test_are_positive_for_what_makes_a_record_strange() -> None:
    sample = grow(2, ["usual", "usual"], 1000)
    unusual = np.array([[0, 30]], np.float32)
    usual, strange, _ = IsolationForest.read(sample.saved).contributions(unusual)[0]
    assert strange > 0.1 > abs(usual)


@pytest.mark.parametrize("rows", [0, 1, -5, None])
def test_without_usable_covers_there_are_scores_but_no_reasons(rows: int | None) -> None:
    sample = grow(2, ["usual", "usual"])
    document = orjson.loads(sample.saved)
    tree = document["isolation_forest"]["trees"][1]
    if rows is None:
        del tree["sum_hessian"]
    else:
        tree["sum_hessian"][2] = rows
    own = IsolationForest.read(orjson.dumps(document))
    assert own.explains == (rows == 1)
    assert own.anomaly_scores(sample.rows).tobytes() == sample.fitted.score_samples(sample.rows).tobytes()
    if not own.explains:
        for explain in (
            own.contributions,
            lambda matrix: WalkedTrees(lay_out(orjson.dumps(document))[0]).explain(matrix, np.empty((1, 3))),
        ):
            with pytest.raises(ValueError, match="without covers"):
                explain(sample.rows[:1])
