"""Trees are written for serving only if they answer, walked, with the very bits of those that were fitted."""

import numpy as np
import orjson
import pytest
from sklearn.ensemble import (  # type: ignore[import-untyped]  # scikit-learn ships no types
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.model_selection import GridSearchCV  # type: ignore[import-untyped]  # as above
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # as above
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.model.tree_ensemble import TreeEnsemble
from fraud_detection_api.training.exporting.tree_file import grows_trees, original_shares, tree_file
from tests.model.tree_ensembles import grow


class Doubtful(RandomForestClassifier):  # type: ignore[misc]  # scikit-learn ships no types
    """A forest of a team's own that doubts what it says."""

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        """Half as sure."""
        return np.asarray(0.25 + super().predict_proba(rows) / 2)


def test_the_file_is_plain_json_with_siblings_side_by_side() -> None:
    sample = grow(RandomForestClassifier, 1, ["usual"] * 3, n_estimators=7)
    ensemble = orjson.loads(sample.saved)["tree_ensemble"]
    assert ensemble["features"] == 3
    assert len(ensemble["trees"]) == 7
    for tree in ensemble["trees"]:
        pairs = zip(tree["left_children"], tree["right_children"], strict=True)
        assert all(right == left + 1 or (left, right) == (-1, -1) for left, right in pairs)


def test_equal_fits_give_equal_bytes() -> None:
    one, two = (grow(ExtraTreesClassifier, 4, ["usual"] * 3, n_estimators=5).saved for _ in range(2))
    assert one == two


def test_several_threads_may_fit_and_the_bits_are_those_of_one() -> None:
    sample = grow(RandomForestClassifier, 2, ["usual"] * 3, n_estimators=20, n_jobs=2)
    assert TreeEnsemble.read(sample.saved).shares(sample.rows).tobytes() == sample.expected(sample.rows).tobytes()
    assert sample.fitted.n_jobs == 2
    apart = np.abs(sample.fitted.predict_proba(sample.rows)[:, 1] - sample.expected(sample.rows))
    assert apart.max() < 1e-15


def test_it_says_where_the_trees_split() -> None:
    sample = grow(RandomForestClassifier, 3, ["usual", "constant"], n_estimators=5)
    splits = tree_file(sample.fitted, sample.rows)[1]
    assert set(splits) == {0}
    assert (np.diff(splits[0]) > 0).all()


def test_one_row_that_differs_is_enough() -> None:
    sample = grow(DecisionTreeClassifier, 12, ["usual"] * 3, 1_000)
    leaves = sample.fitted.apply(sample.rows)
    found, counts = np.unique(leaves, return_counts=True)
    rarest = int(np.argmax(leaves == found[np.argmin(counts)]))
    expected = original_shares(sample.fitted, sample.rows)

    class Other(DecisionTreeClassifier):  # type: ignore[misc]  # scikit-learn ships no types
        def predict_proba(self, rows: np.ndarray) -> np.ndarray:
            changed = super().predict_proba(rows)
            changed[rarest, 1] = np.nextafter(changed[rarest, 1], 0.5)
            return np.asarray(changed)

    sample.fitted.__class__ = Other
    with pytest.raises(ExportRefused, match=rf"instead of .* for row {rarest:,}"):
        tree_file(sample.fitted, sample.rows)
    assert expected.shape == (1_000,)


def test_a_forest_that_answers_in_a_way_of_its_own_is_refused() -> None:
    sample = grow(Doubtful, 1, ["usual"] * 2, n_estimators=3)
    with pytest.raises(ExportRefused, match="The Doubtful cannot be served as it was trained: its trees, walked, give"):
        tree_file(sample.fitted, sample.rows)


def test_a_tree_of_too_many_nodes_is_refused_with_the_way_out() -> None:
    rows = np.random.default_rng(0).normal(size=(70_000, 2)).astype(np.float32)
    fitted = ExtraTreeClassifier(random_state=0, max_features=1).fit(rows, np.arange(70_000) % 2 == 0)
    assert fitted.tree_.node_count > 65_535
    with pytest.raises(
        ExportRefused, match=r"too many nodes; smaller trees can be \(`max_depth`, `min_samples_leaf`\)"
    ):
        tree_file(fitted, rows[:10])


def test_more_than_two_classes_are_refused() -> None:
    rows = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)
    with pytest.raises(ExportRefused, match="it tells 3 classes apart instead of 2"):
        tree_file(DecisionTreeClassifier().fit(rows, np.arange(90) % 3), rows)


def test_trees_and_searches_for_trees_see_records_as_they_are() -> None:
    forest = RandomForestClassifier()
    for model in (DecisionTreeClassifier(), ExtraTreeClassifier(), ExtraTreesClassifier(), forest):
        assert grows_trees(model)
    assert grows_trees(GridSearchCV(forest, {}))
    for model in (GradientBoostingClassifier(), make_pipeline(StandardScaler(), forest)):
        assert not grows_trees(model)
