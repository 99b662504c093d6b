"""scikit-learn's trees are served without it, and give its own probabilities to the bit, compiled or not."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # as above

from fraud_detection_api.model.forest_walk import WalkedTrees
from fraud_detection_api.model.saved_trees import ForestUnsupported
from fraud_detection_api.model.tree_ensemble import TreeEnsemble, lay_out
from tests.model.sample_forests import ODD_NUMBERS, SLOW, Floats
from tests.model.test_isolation_forest import TREE_KEYS as ISOLATING_KEYS
from tests.model.tree_ensembles import Sample, forest, grow, samples, trial_rows
from tests.thoroughness import times

# scikit-learn's own, where it looks for missing values among the hugest
pytestmark = pytest.mark.filterwarnings("ignore:.* encountered in reduce")

TREE_KEYS = tuple("probabilities" if key == "path_lengths" else key for key in ISOLATING_KEYS)
WITHOUT_THE_EXTENSION = """
import sys
import numpy as np
sys.modules["fraud_detection_api.model._forest"] = None
from pathlib import Path
from fraud_detection_api.model.tree_ensemble import TreeEnsemble
trees = TreeEnsemble.read(Path(sys.argv[1]).read_bytes())
rows = np.frombuffer(Path(sys.argv[2]).read_bytes(), np.float32).reshape(-1, trees.features)
sys.stdout.buffer.write(trees.shares(rows).tobytes() + trees.contributions(rows[:20]).tobytes())
"""


def walked(sample: Sample, rows: Floats) -> bytes:
    """The probabilities of the walk in numpy."""
    parts, sums = lay_out(sample.saved), np.empty(len(rows))
    WalkedTrees(parts).score(rows, sums, False)
    shares: bytes = (sums / len(getattr(sample.fitted, "estimators_", [0]))).tobytes()
    return shares


def assert_same_bits(sample: Sample, rows: Floats) -> None:
    own, expected = TreeEnsemble.read(sample.saved), sample.expected(rows)
    assert own.shares(rows).tobytes() == expected.tobytes()
    assert own.shares(rows[:5]).tobytes() == expected[:5].tobytes()
    assert walked(sample, rows) == expected.tobytes()
    assert own.probabilities(rows).tobytes() == expected.astype(np.float32).tobytes()


@pytest.fixture(scope="module")
def some() -> Sample:
    return forest()


class TestProbabilities:
    @given(samples(), st.integers(0, 10_000))
    @SLOW
    def test_are_those_of_scikit_learn(self, sample: Sample, seed: int) -> None:
        assert_same_bits(sample, sample.rows)
        assert_same_bits(sample, trial_rows(sample, seed))

    @pytest.mark.parametrize("trees", [20, 80, 400])  # few, many, and more codes than a table of them may take
    def test_of_more_thresholds_than_a_byte_counts_are_those_of_scikit_learn(self, trees: int) -> None:
        kinds = ["usual", "few values", "usual", "huge"]
        sample = grow(RandomForestClassifier, 3, kinds, length=1_500, missing=0.05, n_estimators=trees)
        assert len(lay_out(sample.saved).group_ends) // 4 > trees // 20
        assert_same_bits(sample, trial_rows(sample, 1))

    def test_where_a_split_tells_the_missing_from_all_others(self) -> None:
        rows = np.ones((40, 2), np.float32)
        rows[:, 1], rows[:10, 0] = np.arange(40) % 2, np.nan
        fitted = DecisionTreeClassifier().fit(rows, np.isnan(rows[:, 0]))
        assert np.isposinf(fitted.tree_.threshold[0])
        sample = Sample(fitted, rows)
        assert_same_bits(sample, rows)
        assert_same_bits(sample, np.array([[3.4028235e38, 0], [-3.4028235e38, 0], [np.nan, 1]], np.float32))

    def test_where_nothing_was_missing_in_training(self) -> None:
        sample = grow(RandomForestClassifier, 3, ["usual"] * 3, n_estimators=9)
        assert_same_bits(sample, np.where(np.eye(3, dtype=bool), np.float32(np.nan), sample.rows[:3]))

    @pytest.mark.parametrize("length", [2_000, 6_000, 12_000])  # in two parts, in more, walked
    def test_for_trees_of_more_leaves_than_a_byte_numbers(self, length: int) -> None:
        sample = grow(RandomForestClassifier, 5, ["usual"] * 8, length, n_estimators=5)
        assert max(tree.tree_.n_leaves for tree in sample.fitted.estimators_) > 256
        assert_same_bits(sample, trial_rows(sample, 6, 600))

    def test_for_thresholds_of_which_a_few_lie_far_out(self) -> None:
        rows = np.exp2(np.linspace(-149, 127, 600, dtype=np.float32))[:, None] * np.array([[1, -1, 0]], np.float32)
        rows[::7, 2], rows[3, 2] = np.arange(86), 3e38
        sample = Sample(RandomForestClassifier(9, random_state=0).fit(rows, np.arange(600) % 3 == 0), rows)
        extremes = np.array([0, -0.0, 1e-45, -1e-45, 3.4028235e38, -3.4028235e38], np.float32)
        assert_same_bits(sample, np.concatenate([rows, np.repeat(extremes, 5)[:, None] + np.zeros((1, 3), np.float32)]))

    def test_for_trees_that_are_deep_in_one_place(self) -> None:
        rows = np.arange(120, dtype=np.float32)[:, None]
        labels = np.arange(120) % 2 == 0
        weights = 4.0 ** -np.arange(120)
        fitted = DecisionTreeClassifier(random_state=0).fit(rows, labels, weights)
        sample = Sample(fitted, rows)
        assert fitted.tree_.max_depth > 20
        assert_same_bits(sample, rows)

    def test_of_a_tree_that_never_splits(self) -> None:
        sample = grow(DecisionTreeClassifier, 1, ["usual"], min_samples_leaf=300)
        assert_same_bits(sample, sample.rows)

    def test_are_the_same_without_the_extension(self, some: Sample, tmp_path: Path) -> None:
        model, rows = tmp_path / "trees.json", tmp_path / "rows"
        model.write_bytes(some.saved)
        rows.write_bytes(some.rows[:100].tobytes())
        command = [sys.executable, "-c", WITHOUT_THE_EXTENSION, str(model), str(rows)]
        answered = subprocess.run(command, capture_output=True, check=True).stdout
        own = TreeEnsemble.read(some.saved)
        assert answered[:800] == own.shares(some.rows[:100]).tobytes()
        contributions = np.frombuffer(answered[800:]).reshape(20, 5)
        np.testing.assert_allclose(contributions, own.contributions(some.rows[:20]), atol=1e-12, rtol=0)

    def test_hang_neither_on_the_size_of_a_batch_nor_on_threads(self, some: Sample) -> None:
        own, rows = TreeEnsemble.read(some.saved), trial_rows(some, 2, 600)
        alone = np.concatenate([own.shares(row[None]) for row in rows])
        for size in (0, 1, 2, 15, 16, 17, 33, 255, 256, 257, 511, 512, 513, 600):
            assert own.shares(rows[:size]).tobytes() == alone[:size].tobytes(), size
        with ThreadPoolExecutor(4) as pool:
            assert {answer.tobytes() for answer in pool.map(own.shares, [rows] * 20)} == {alone.tobytes()}


class TestRefusals:
    @pytest.mark.parametrize("model", [b"", b"{}", b"[]", b"null", b'{"tree_ensemble": 1}', b"\xff\x00"])
    def test_other_files(self, model: bytes) -> None:
        with pytest.raises(ForestUnsupported):
            TreeEnsemble.read(model)

    @pytest.mark.parametrize("key", ["features", "trees"])
    @pytest.mark.parametrize("value", [None, "x", -1, 0.5, float("nan"), 1e999, 2**40, {}, [], [[]], [{}], [None]])
    def test_trees_with_another_head(self, some: Sample, key: str, value: object) -> None:
        document = orjson.loads(some.saved)
        document["tree_ensemble"][key] = value
        with pytest.raises(ForestUnsupported):
            TreeEnsemble.read(orjson.dumps(document))

    @pytest.mark.parametrize("key", TREE_KEYS)
    def test_a_tree_that_lacks_a_key_or_a_value(self, some: Sample, key: str) -> None:
        document = orjson.loads(some.saved)
        tree = document["tree_ensemble"]["trees"][3]
        assert set(tree) == set(TREE_KEYS)
        for remains in (None, tree[key][:-1], [*tree[key], 0], []):
            tree |= {key: remains}
            if remains is None:
                del tree[key]
            if key == "sum_hessian":
                assert not TreeEnsemble.read(orjson.dumps(document)).explains
                continue
            with pytest.raises(ForestUnsupported):
                TreeEnsemble.read(orjson.dumps(document))

    @pytest.mark.parametrize("share", [-0.1, 1.1, 1e300, None, "x"])
    def test_a_leaf_that_is_no_probability(self, some: Sample, share: float | str | None) -> None:
        document = orjson.loads(some.saved)
        document["tree_ensemble"]["trees"][0]["probabilities"][-1] = share
        with pytest.raises(ForestUnsupported):
            TreeEnsemble.read(orjson.dumps(document))

    def test_a_tree_of_more_nodes_than_can_be_walked(self) -> None:
        nodes = 65_537
        left = np.where(np.arange(nodes) < nodes // 2, 2 * np.arange(nodes) + 1, -1)
        numbers = dict.fromkeys(TREE_KEYS, [0] * nodes)
        tree = numbers | {"left_children": left.tolist(), "right_children": np.where(left > 0, left + 1, -1).tolist()}
        with pytest.raises(ForestUnsupported, match="too many nodes"):
            TreeEnsemble.read(orjson.dumps({"tree_ensemble": {"features": 1, "trees": [tree]}}))

    @given(st.data())
    @settings(SLOW, max_examples=times(300))
    def test_damaged_trees_are_refused_or_harmless(self, some: Sample, data: st.DataObject) -> None:
        document = orjson.loads(some.saved)
        del document["tree_ensemble"]["trees"][6:]
        for _ in range(data.draw(st.integers(1, 3))):
            tree = data.draw(st.sampled_from(document["tree_ensemble"]["trees"]))
            values = tree[data.draw(st.sampled_from(TREE_KEYS))]
            values[data.draw(st.integers(0, len(values) - 1))] = data.draw(ODD_NUMBERS)
        try:
            own = TreeEnsemble.read(orjson.dumps(document))
        except ForestUnsupported:
            return
        for size in (1, 100):
            probabilities = own.probabilities(some.rows[:size])
            assert ((probabilities >= 0) & (probabilities <= 1)).all()
        assert not own.explains or own.contributions(some.rows[:20]).shape == (20, 5)
