"""Isolation forests are served without scikit-learn, and give its own scores to the bit, compiled or not."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_detection_api.model.forest_walk import TOGETHER, WalkedTrees
from fraud_detection_api.model.isolation_forest import IsolationForest, lay_out
from fraud_detection_api.model.saved_trees import ForestUnsupported
from tests.model.isolation_forests import Sample, grow, samples, trial_rows
from tests.model.sample_forests import ODD_NUMBERS, SLOW, Floats
from tests.thoroughness import times

TREE_KEYS = (
    "left_children",
    "right_children",
    "split_indices",
    "split_conditions",
    "default_left",
    "path_lengths",
    "sum_hessian",
)
WITHOUT_THE_EXTENSION = """
import sys
import numpy as np
sys.modules["fraud_detection_api.model._forest"] = None
from pathlib import Path
from fraud_detection_api.model.isolation_forest import IsolationForest
forest = IsolationForest.read(Path(sys.argv[1]).read_bytes())
rows = np.frombuffer(Path(sys.argv[2]).read_bytes(), np.float32).reshape(-1, forest.features)
sys.stdout.buffer.write(forest.anomaly_scores(rows).tobytes() + forest.contributions(rows[:20]).tobytes())
"""


def walked(sample: Sample, rows: Floats) -> bytes:
    """The scores of the walk in numpy."""
    parts, average_path = lay_out(sample.saved)
    sums = np.empty(len(rows))
    WalkedTrees(parts).score(rows, sums, False)
    shares = sums / average_path if average_path else np.ones_like(sums)
    scores: bytes = (-(2**-shares)).tobytes()
    return scores


def assert_same_bits(sample: Sample, rows: Floats) -> None:
    own, expected = IsolationForest.read(sample.saved), sample.fitted.score_samples(rows)
    assert own.anomaly_scores(rows).tobytes() == expected.tobytes()
    assert own.anomaly_scores(rows[:5]).tobytes() == expected[:5].tobytes()
    assert walked(sample, rows) == expected.tobytes()
    flagged = own.anomaly_scores(rows) < sample.fitted.offset_
    assert (flagged == (sample.fitted.predict(rows) == -1)).all()


@pytest.fixture(scope="module")
def some() -> Sample:
    return grow(7, ["usual", "usual", "few values", "huge"], 2000, 0.05, n_estimators=60, contamination=0.01)


class TestScores:
    @given(samples(), st.integers(0, 10_000))
    @SLOW
    def test_are_those_of_scikit_learn(self, sample: Sample, seed: int) -> None:
        assert_same_bits(sample, sample.rows)
        assert_same_bits(sample, trial_rows(sample, seed))

    def test_are_those_of_scikit_learn_for_as_many_events_as_it_is_known_for(self) -> None:
        activity = np.random.default_rng(3).normal(size=(64_227, 2)).astype(np.float32)
        activity[:60] *= 12
        contract = {"n_estimators": 100, "contamination": 0.001, "random_state": 16}
        sample = Sample(grow(0, ["usual"], **contract).fitted.fit(activity), activity)
        assert_same_bits(sample, activity)
        flagged = IsolationForest.read(sample.saved).anomaly_scores(activity) < sample.fitted.offset_
        assert abs(int(flagged.sum()) - 65) <= 1
        assert flagged[:60].mean() > 0.5

    def test_for_trees_of_more_leaves_than_a_byte_numbers(self) -> None:
        sample = grow(5, ["usual"] * 3, 4000, n_estimators=5, max_samples=1.0)
        assert max(tree.tree_.n_leaves for tree in sample.fitted.estimators_) > 256
        assert_same_bits(sample, trial_rows(sample, 6, 600))

    def test_for_more_thresholds_in_one_tree_than_a_byte_counts(self) -> None:
        sample = grow(5, ["usual"], 3000, n_estimators=9, max_samples=1200)
        assert_same_bits(sample, trial_rows(sample, 6, 600))

    def test_of_a_thousand_trees_still_add_up_to_the_bit(self) -> None:
        sample = grow(5, ["usual"] * 2, 60, n_estimators=1_100)
        assert_same_bits(sample, sample.rows)

    def test_of_forests_that_saw_one_row_a_tree_are_all_half(self) -> None:
        sample = grow(5, ["usual"], 20, max_samples=1, n_estimators=3)
        own = IsolationForest.read(sample.saved)
        assert (own.anomaly_scores(sample.rows) == -0.5).all()
        assert own.contributions(sample.rows[:2]).tolist() == [[0, -1], [0, -1]]
        assert_same_bits(sample, sample.rows)

    def test_are_the_same_without_the_extension(self, some: Sample, tmp_path: Path) -> None:
        model, rows = tmp_path / "forest.json", tmp_path / "rows"
        model.write_bytes(some.saved)
        rows.write_bytes(some.rows[:100].tobytes())
        answered = subprocess.run(
            [sys.executable, "-c", WITHOUT_THE_EXTENSION, model, rows], capture_output=True, check=True
        ).stdout
        own = IsolationForest.read(some.saved)
        assert answered[:800] == own.anomaly_scores(some.rows[:100]).tobytes()
        contributions = np.frombuffer(answered[800:]).reshape(20, 5)
        np.testing.assert_allclose(contributions, own.contributions(some.rows[:20]), atol=1e-12, rtol=0)


class TestBatches:
    def test_every_size_gives_each_row_its_own_bits(self, some: Sample) -> None:
        own, rows = IsolationForest.read(some.saved), trial_rows(some, 2, 1000)
        alone = np.concatenate([own.anomaly_scores(row[None]) for row in rows])
        for size in (0, 1, 2, *range(14, 19), 31, 32, 33, 255, 256, 257, 1000):
            assert own.anomaly_scores(rows[:size]).tobytes() == alone[:size].tobytes(), size

    def test_more_rows_than_numpy_walks_at_once(self, some: Sample) -> None:
        rows = trial_rows(some, 3, 2 * TOGETHER // len(some.fitted.estimators_) + 7)
        assert walked(some, rows) == IsolationForest.read(some.saved).anomaly_scores(rows).tobytes()

    def test_four_threads_at_once(self, some: Sample) -> None:
        own = IsolationForest.read(some.saved)
        expected = own.anomaly_scores(some.rows).tobytes()
        with ThreadPoolExecutor(4) as pool:
            assert {answer.tobytes() for answer in pool.map(own.anomaly_scores, [some.rows] * 40)} == {expected}

    @pytest.mark.parametrize("shape", [(3, 4), (3, 5), (4,), (3, 4, 1)])
    @pytest.mark.parametrize(("kind", "order"), [("f8", "C"), ("i4", "C"), ("f4", "F")])
    def test_other_matrices_are_refused(
        self, some: Sample, shape: tuple[int, ...], kind: str, order: Literal["C", "F"]
    ) -> None:
        matrix, walked_trees = np.zeros(shape, kind, order), WalkedTrees(lay_out(some.saved)[0])
        for score in (
            IsolationForest.read(some.saved).anomaly_scores,
            lambda rows: walked_trees.score(rows, np.empty(len(rows)), False),
        ):
            with pytest.raises(ValueError, match=r"float32 matrix of 4 columns|not C-contiguous"):
                score(matrix)


class TestRefusals:
    @pytest.mark.parametrize("model", [b"", b"{}", b"[]", b"null", b'{"isolation_forest": 1}', b"\xff\x00"])
    def test_other_files(self, model: bytes) -> None:
        with pytest.raises(ForestUnsupported):
            IsolationForest.read(model)

    @pytest.mark.parametrize("key", ["features", "average_path", "trees"])
    @pytest.mark.parametrize("value", [None, "x", -1, 0.5, float("nan"), 1e999, 2**40, {}, [], [[]], [{}], [None]])
    def test_a_forest_with_another_head(self, some: Sample, key: str, value: object) -> None:
        document = orjson.loads(some.saved)
        document["isolation_forest"][key] = value
        reads_on = (key, value) == ("average_path", 2**40)
        try:
            IsolationForest.read(orjson.dumps(document))
        except ForestUnsupported:
            assert not reads_on
        else:
            assert reads_on

    @pytest.mark.parametrize("key", ["features", "average_path", "trees"])
    def test_a_forest_that_lacks_a_key(self, some: Sample, key: str) -> None:
        document = orjson.loads(some.saved)
        del document["isolation_forest"][key]
        with pytest.raises(ForestUnsupported, match=key):
            IsolationForest.read(orjson.dumps(document))

    @pytest.mark.parametrize("key", TREE_KEYS)
    def test_a_tree_that_lacks_a_key_or_a_value(self, some: Sample, key: str) -> None:
        document = orjson.loads(some.saved)
        tree = document["isolation_forest"]["trees"][3]
        assert set(tree) == set(TREE_KEYS)
        for remains in (None, tree[key][:-1], [*tree[key], 0], []):
            tree |= {key: remains}
            if remains is None:
                del tree[key]
            if key == "sum_hessian":
                assert not IsolationForest.read(orjson.dumps(document)).explains
                continue
            with pytest.raises(ForestUnsupported):
                IsolationForest.read(orjson.dumps(document))

    def test_a_tree_that_runs_in_circles(self, some: Sample) -> None:
        document = orjson.loads(some.saved)
        tree = document["isolation_forest"]["trees"][0]
        tree["left_children"][1], tree["right_children"][1] = 1, 2
        with pytest.raises(ForestUnsupported, match="circles"):
            IsolationForest.read(orjson.dumps(document))

    @pytest.mark.parametrize("length", [-1, 1e300, None, "x"])
    def test_a_path_of_no_possible_length(self, some: Sample, length: float | str | None) -> None:
        document = orjson.loads(some.saved)
        document["isolation_forest"]["trees"][0]["path_lengths"][-1] = length
        with pytest.raises(ForestUnsupported):
            IsolationForest.read(orjson.dumps(document))

    @given(st.data())
    @settings(SLOW, max_examples=times(300))
    def test_damaged_trees_are_refused_or_harmless(self, some: Sample, data: st.DataObject) -> None:
        document = orjson.loads(some.saved)
        del document["isolation_forest"]["trees"][6:]
        for _ in range(data.draw(st.integers(1, 3))):
            values = data.draw(st.sampled_from(document["isolation_forest"]["trees"]))[
                data.draw(st.sampled_from(TREE_KEYS))
            ]
            values[data.draw(st.integers(0, len(values) - 1))] = data.draw(ODD_NUMBERS)
        try:
            own = IsolationForest.read(orjson.dumps(document))
        except ForestUnsupported:
            return
        for size in (1, 100):
            assert np.isfinite(own.anomaly_scores(some.rows[:size])).all()
        assert not own.explains or own.contributions(some.rows[:20]).shape == (20, 5)


@pytest.mark.compiled
class TestTrees:
    """The extension checks its own arguments, the kind of leaves among them."""

    @given(name=st.sampled_from(["nodes", "values", "starts", "ranks", "cuts", "covers"]), at=st.integers(0, 100_000))
    @settings(SLOW, max_examples=times(300))
    def test_damaged_parts_are_refused_or_harmless(self, some: Sample, name: str, at: int) -> None:
        compiled = pytest.importorskip("fraud_detection_api.model._forest")
        parts = lay_out(some.saved)[0]
        part: bytes = getattr(parts, name)
        at %= len(part)
        for changed in (part[:at], part[:at] + bytes([part[at] ^ 0x41]) + part[at + 1 :]):
            try:
                trees = compiled.Trees(*(parts._asdict() | {name: changed}).values())
            except ValueError:
                continue
            trees.score(some.rows[:1], np.empty(1), False)
            trees.score(some.rows[:100], np.empty(100), False)
            if name != "covers" or changed:
                trees.explain(some.rows[:20], np.empty((20, 5)))

    def test_sums_are_written_in_the_type_of_the_leaves_alone(self, some: Sample) -> None:
        compiled = pytest.importorskip("fraud_detection_api.model._forest")
        parts = lay_out(some.saved)[0]
        wide = compiled.Trees(*parts)
        narrow = compiled.Trees(*parts._replace(values=np.frombuffer(parts.values).astype(np.float32).tobytes()))
        for trees, out in ((wide, np.empty(9, np.float32)), (narrow, np.empty(9))):
            with pytest.raises(ValueError, match="needed"):
                trees.score(some.rows[:9], out, False)

    @pytest.mark.parametrize("rows", [1, 100])
    def test_sums_in_double_are_no_probabilities(self, some: Sample, rows: int) -> None:
        compiled = pytest.importorskip("fraud_detection_api.model._forest")
        parts = lay_out(some.saved)[0]
        for trees in (compiled.Trees(*parts), WalkedTrees(parts)):
            with pytest.raises(ValueError, match="no probabilities"):
                trees.score(some.rows[:rows], np.empty(rows), True)
