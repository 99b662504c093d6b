"""The compiled forest gives XGBoost's own bits, for any model it accepts, any batch and any number of threads."""

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import orjson
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_detection_api.model.forest import Forest, Parts, lay_out
from fraud_detection_api.model.saved_trees import ForestUnsupported
from tests.model.sample_forests import (
    CATEGORICAL,
    NUMERIC,
    SLOW,
    Floats,
    Sample,
    Setting,
    damage,
    margins,
    samples,
    thresholds,
    train,
    trial_rows,
)
from tests.thoroughness import times

compiled = pytest.importorskip("fraud_detection_api.model._forest", reason="the extension is not built")

OTHERS = "booster=dart booster=gblinear objective=reg:logistic objective=binary:logitraw objective=multi:softprob"
BATCHES = (0, 1, 2, *range(11, 18), 31, 32, 33, 48, 63, 64, 65, 255, 256, 257, 1000)


def with_leaves(sample: Sample, changed: Callable[[float], float]) -> Sample:
    document = orjson.loads(sample.saved)
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        pairs = zip(tree["left_children"], tree["split_conditions"], strict=True)
        tree["split_conditions"] = [changed(value) if child < 0 else value for child, value in pairs]
    return Sample(xgboost.Booster(model_file=bytearray(orjson.dumps(document))), sample.rows, sample.kinds)


def assert_same_bits(sample: Sample, rows: Floats) -> None:
    own = Forest.read(sample.saved)
    assert own.probabilities(rows).tobytes() == sample.booster.inplace_predict(rows).tobytes()
    assert margins(own, rows).tobytes() == sample.booster.inplace_predict(rows, predict_type="margin").tobytes()


@pytest.fixture(scope="module")
def mixed() -> Sample:
    return train(7, ["q", "q", "c", "q", "c"], 0.1, 60, 2000, max_depth=6)


@pytest.fixture(scope="module")
def parts(mixed: Sample) -> Parts:
    return lay_out(mixed.saved)


class TestBits:
    @given(samples("q", NUMERIC), st.integers(0, 10_000))
    @SLOW
    def test_numbers(self, sample: Sample, seed: int) -> None:
        rows = trial_rows(sample, seed)
        assert_same_bits(sample, rows)
        assert_same_bits(sample, rows[:5])

    @given(samples("qc", CATEGORICAL), st.integers(0, 10_000))
    @SLOW
    def test_categories(self, sample: Sample, seed: int) -> None:
        rows = trial_rows(sample, seed)
        assert_same_bits(sample, rows)
        assert_same_bits(sample, rows[:5])

    def test_a_library_matrix_gives_the_same(self, mixed: Sample) -> None:
        data = xgboost.DMatrix(mixed.rows, feature_types=mixed.kinds, enable_categorical=True)
        assert Forest.read(mixed.saved).probabilities(mixed.rows).tobytes() == mixed.booster.predict(data).tobytes()

    @pytest.mark.parametrize("method", ["exact", "hist"])
    def test_more_thresholds_than_a_byte_counts(self, method: str) -> None:
        sample = train(3, ["q", "q"], 0.05, 80, 3000, max_depth=8, tree_method=method, max_bin=2000)
        assert len(np.unique(thresholds(sample.saved))) > 600
        assert_same_bits(sample, trial_rows(sample, 4, 2000))

    @pytest.mark.parametrize("depth", [12, 0])
    def test_trees_of_more_leaves_than_a_byte_numbers(self, depth: int) -> None:
        large: dict[str, Setting] = {"grow_policy": "lossguide", "max_leaves": 1500, "min_child_weight": 0.01}
        sample = train(5, ["q", "q", "c"], 0.05, 6, 4000, max_depth=depth, **large)
        assert_same_bits(sample, trial_rows(sample, 6, 600))

    @pytest.mark.parametrize("scale", [1e-30, 1.0, 40.0, 1e4, 1e30, 1e38])
    def test_extreme_margins(self, scale: float) -> None:
        sample = with_leaves(train(8, ["q", "q"], 0.0, 10), lambda value: float(np.float32(value * scale)))
        assert_same_bits(sample, trial_rows(sample, 9))

    def test_the_one_decimal_that_a_double_rounds_twice(self) -> None:
        sample = with_leaves(train(8, ["q", "q"], 0.0, 10, base_score=0.5), lambda _: 7.038531e-26)
        assert_same_bits(sample, sample.rows)

    def test_pruned_trees(self) -> None:
        sample = train(9, ["q"] * 3, 0.1, 30, tree_method="exact", gamma=2.0, max_depth=6)
        assert re.search(rb'"num_deleted":"[1-9]', sample.saved)
        assert_same_bits(sample, trial_rows(sample, 1))

    def test_a_model_cut_at_its_best_round(self) -> None:
        random = np.random.default_rng(10)
        rows, labels = random.normal(size=(400, 4)).astype(np.float32), random.random(400) < 0.3
        learnt, held_out = (xgboost.DMatrix(rows[part], labels[part]) for part in (slice(200), slice(200, None)))
        settled, watched = {"objective": "binary:logistic", "eta": 1.0}, [(held_out, "held_out")]
        booster = xgboost.train(settled, learnt, 200, evals=watched, early_stopping_rounds=3, verbose_eval=False)
        best = booster[: booster.best_iteration + 1]
        assert best.num_boosted_rounds() < booster.num_boosted_rounds()
        assert_same_bits(Sample(best, rows, ["q"] * 4), rows)

    def test_the_spelling_of_older_versions(self) -> None:
        sample = train(11, ["c"], 0.0, 3, max_depth=1, base_score=0.25)
        older = re.sub(rb'(split_conditions":)\[[^,]+', rb"\1[NaN", sample.saved.replace(b'"[2.5E-1]"', b'"2.5E-1"'))
        assert older.count(b"NaN") == 3
        assert lay_out(older) == lay_out(sample.saved)

    def test_a_number_without_threshold_is_refused(self) -> None:
        saved = train(11, ["q"], 0.0, 3, max_depth=1).saved
        with pytest.raises(ForestUnsupported, match="finite"):
            Forest.read(re.sub(rb'(split_conditions":)\[[^,]+', rb"\1[NaN", saved))


class TestBatches:
    def test_every_size_gives_each_row_its_own_bits(self, mixed: Sample) -> None:
        own, rows = Forest.read(mixed.saved), trial_rows(mixed, 2, 1000)
        alone = np.concatenate([own.probabilities(row[None]) for row in rows])
        for size in BATCHES:
            assert own.probabilities(rows[:size]).tobytes() == alone[:size].tobytes(), size

    def test_four_threads_at_once(self, mixed: Sample) -> None:
        own, rows = Forest.read(mixed.saved), trial_rows(mixed, 3, 3000)
        expected = own.probabilities(rows).tobytes()
        with ThreadPoolExecutor(4) as pool:
            assert {answer.tobytes() for answer in pool.map(own.probabilities, [rows] * 40)} == {expected}

    @pytest.mark.parametrize("shape", [(3, 5), (3, 6), (5,), (3, 5, 1)])
    @pytest.mark.parametrize(("kind", "order"), [("f8", "C"), ("i4", "C"), (">f4", "C"), ("f4", "F")])
    def test_other_matrices_are_refused(
        self, mixed: Sample, shape: tuple[int, ...], kind: str, order: Literal["C", "F"]
    ) -> None:
        with pytest.raises(ValueError, match=r"float32 matrix of 5 columns|not C-contiguous"):
            Forest.read(mixed.saved).probabilities(np.zeros(shape, kind, order))


class TestRefusals:
    @pytest.mark.parametrize("other", OTHERS.split())
    def test_other_models(self, other: str) -> None:
        name, value = other.split("=")
        settled: dict[str, Setting] = {name: value, "num_class": 2 if "multi" in value else 0}
        with pytest.raises(ForestUnsupported, match=f"another {name}"):
            Forest.read(train(1, ["q", "q"], 0.0, 2, **settled).saved)

    @pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
    def test_several_labels(self, strategy: str) -> None:
        rows = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
        settled = {"objective": "binary:logistic", "multi_strategy": strategy}
        booster = xgboost.train(settled, xgboost.DMatrix(rows, rows[:, :2] > 0), 2)
        with pytest.raises(ForestUnsupported, match="more than one output"):
            Forest.read(bytes(booster.save_raw("json")))

    @pytest.mark.parametrize("model", [b"", b"{}", b"[]", b"null", b'{"learner": 1}', b"\xff\x00", b'{"learner": {}}'])
    def test_other_files(self, model: bytes) -> None:
        with pytest.raises(ForestUnsupported):
            Forest.read(model)

    def test_without_the_extension(self) -> None:
        hidden = "import sys; sys.modules['fraud_detection_api.model._forest'] = None"
        read = "from fraud_detection_api.model.forest import Forest; Forest.read(b'{}')"
        done = subprocess.run([sys.executable, "-c", f"{hidden}; {read}"], capture_output=True, text=True, check=False)
        assert "ForestUnsupported: the compiled extension is not built" in done.stderr

    def test_a_tree_that_runs_in_circles(self, mixed: Sample) -> None:
        document = orjson.loads(mixed.saved)
        tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
        tree["left_children"][1], tree["right_children"][1] = 1, 2
        with pytest.raises(ForestUnsupported, match="circles"):
            Forest.read(orjson.dumps(document))

    @given(st.data())
    @settings(SLOW, max_examples=times(250))
    def test_damaged_trees_are_refused_or_harmless(self, mixed: Sample, data: st.DataObject) -> None:
        document = orjson.loads(mixed.saved)
        trees = document["learner"]["gradient_booster"]["model"]["trees"]
        del trees[6:], document["learner"]["gradient_booster"]["model"]["tree_info"][6:]
        for _ in range(data.draw(st.integers(1, 3))):
            damage(data, data.draw(st.sampled_from(trees)))
        try:
            own = Forest.read(orjson.dumps(document))
        except ForestUnsupported:
            return
        assert own.probabilities(mixed.rows[:1]).shape == (1,)
        assert own.probabilities(mixed.rows[:100]).shape == (100,)
        assert not own.explains or own.contributions(mixed.rows[:20]).shape == (20, 6)


class TestTrees:
    """The extension checks its own arguments: what forest.py would never hand over must not crash it either."""

    @given(name=st.sampled_from(Parts._fields[2:]), at=st.integers(0, 100_000), byte=st.integers(0, 255))
    @settings(SLOW, max_examples=times(600))
    @pytest.mark.parametrize("cut", [False, True])
    def test_damaged_parts_are_refused_or_harmless(
        self, mixed: Sample, parts: Parts, cut: bool, name: str, at: int, byte: int
    ) -> None:
        part: bytes = getattr(parts, name)
        at %= len(part)
        changed = part[:at] if cut else part[:at] + bytes([byte]) + part[at + 1 :]
        try:
            trees = compiled.Trees(*(parts._asdict() | {name: changed}).values())
        except ValueError:
            return
        trees.score(mixed.rows[:1], np.empty(1, np.float32), True)
        trees.score(mixed.rows[:100], np.empty(100, np.float32), True)
        if name != "covers" or not cut:
            trees.explain(mixed.rows[:20], np.empty((20, 6)))

    @pytest.mark.parametrize("size", [1, 2, 3, -3, -1])
    def test_covers_that_are_no_whole_floats_are_refused(self, parts: Parts, size: int) -> None:
        with pytest.raises(ValueError, match="do not fit"):
            compiled.Trees(*parts._replace(covers=parts.covers[:size]))

    @pytest.mark.parametrize("features", [-(2**31), -1, 0, 1, 4, 6, 65_535, 2**31 - 1])
    def test_another_number_of_features_is_refused(self, parts: Parts, features: int) -> None:
        with pytest.raises(ValueError, match="do not fit"):
            compiled.Trees(*parts._replace(features=features))
