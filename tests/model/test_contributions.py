"""The compiled forest explains its margins as XGBoost does: exact Shapley values, for any model that has covers."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import orjson
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.forest import Forest, lay_out
from fraud_detection_api.model.kinds.xgboost import ExplainedByLibrary, quickest_runtime
from fraud_detection_api.model.saved_trees import COVER_KEY
from fraud_detection_api.model.xgboost_library import LibraryModel
from tests.model.sample_forests import (
    CATEGORICAL,
    NUMERIC,
    SLOW,
    Floats,
    Sample,
    Setting,
    margins,
    samples,
    train,
    trial_rows,
)
from tests.model.shapley_values import shapley
from tests.thoroughness import times

compiled = pytest.importorskip("fraud_detection_api.model._forest", reason="the extension is not built")

FIXTURES = Path(__file__).parents[1] / "training" / "fixtures"
AGREEMENT = 1e-5
ROUNDED = 1e-4  # a margin is rounded to float32 after each of up to hundreds of trees
FINITE = np.finfo(np.float32).max
SHAPES: dict[str, tuple[list[str], dict[str, Setting]]] = {
    "stumps": (["q", "q", "c"], {"max_depth": 1}),
    "one number": (["q"], {"max_depth": 8}),
    "one category": (["c"], {"max_depth": 4}),
    "two features again and again": (["q", "q"], {"max_depth": 11, "min_child_weight": 0.1}),
    "deep": (["q"] * 9 + ["c"], {"max_depth": 14, "min_child_weight": 0.1}),
    "wide": (["q"] * 40, {"max_depth": 7}),
    "leaf by leaf": (["q", "c", "q"], {"grow_policy": "lossguide", "max_leaves": 90, "max_depth": 0}),
    "leaves alone": (["q", "q"], {"gamma": 1e9}),
    "pruned": (["q", "q", "q"], {"tree_method": "exact", "gamma": 2.0}),
}


def librarys(sample: Sample, rows: Floats) -> NDArray[np.float64]:
    """What the library says."""
    table = xgboost.DMatrix(rows, feature_types=sample.kinds, enable_categorical=True)
    return np.asarray(sample.booster.predict(table, pred_contribs=True), np.float64)


def finite(rows: Floats) -> Floats:
    """The rows without infinities, which the library's own table refuses, and with codes that are whole."""
    return np.clip(rows, -FINITE, FINITE)


def known(sample: Sample, seed: int) -> Floats:
    """Rows on and beside the thresholds; categories are whole numbers, as a matrix of ours has them."""
    rows = finite(trial_rows(sample, seed, 60))
    for at in (index for index, kind in enumerate(sample.kinds) if kind == "c"):
        rows[:, at] = np.where(rows[:, at] >= 0, np.floor(np.minimum(rows[:, at], 94)), np.nan)
    return rows


def assert_explained(sample: Sample, rows: Floats) -> None:
    own = Forest.read(sample.saved)
    if not own.explains:
        assert (np.concatenate([tree[COVER_KEY] for tree in trees_of(sample.saved)]) <= 0).any()
        return
    found, expected = own.contributions(rows), librarys(sample, rows)
    least = max(1.0, abs(base_margin(sample.saved)))  # the library adds to it in float32, tree by tree
    scale = np.maximum(least, np.abs(expected).max(axis=1, initial=0))[:, None]
    np.testing.assert_allclose(found / scale, expected / scale, atol=AGREEMENT, rtol=0)
    assert_sums(own, rows)


def assert_sums(own: Forest, rows: Floats) -> None:
    """Contributions and bias are the raw margin, as far as float32 adds leaves."""
    found = own.contributions(rows)
    sizes = np.maximum(1, np.abs(found).max(axis=1, initial=0))
    np.testing.assert_allclose(found.sum(axis=1) / sizes, margins(own, rows) / sizes, atol=ROUNDED, rtol=0)


def base_margin(saved: bytes) -> float:
    score = float(orjson.loads(saved)["learner"]["learner_model_param"]["base_score"].strip("[]"))
    return math.log(score / (1 - score)) if 0 < score < 1 else 0.0


def trees_of(saved: bytes) -> list[dict[str, list[float]]]:
    trees: list[dict[str, list[float]]] = orjson.loads(saved)["learner"]["gradient_booster"]["model"]["trees"]
    return trees


@pytest.fixture(scope="module")
def mixed() -> Sample:
    return train(7, ["q", "q", "c", "q", "c"], 0.1, 60, 2000, max_depth=6)


class TestValues:
    @given(samples("q", NUMERIC), st.integers(0, 10_000))
    @settings(SLOW, max_examples=times(50))
    def test_are_the_librarys_for_numbers(self, sample: Sample, seed: int) -> None:
        assert_explained(sample, known(sample, seed))

    @given(samples("qc", CATEGORICAL), st.integers(0, 10_000))
    @settings(SLOW, max_examples=times(50))
    def test_are_the_librarys_for_categories(self, sample: Sample, seed: int) -> None:
        assert_explained(sample, known(sample, seed))

    @pytest.mark.parametrize("shape", SHAPES)
    def test_are_the_librarys_for_trees_of_any_shape(self, shape: str) -> None:
        kinds, parameters = SHAPES[shape]
        sample = train(5, kinds, 0.1, 20, 2000, **parameters)
        assert Forest.read(sample.saved).explains
        assert_explained(sample, sample.rows[:200])
        assert_explained(sample, known(sample, 6))

    @pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.name)
    def test_are_the_librarys_for_models_of_older_versions(self, path: Path) -> None:
        own, saved = Forest.read(path.read_bytes()), path.read_bytes()
        rows = np.random.default_rng(0).uniform(-10, 20_000, (100, own.features)).astype(np.float32)
        assert own.explains
        np.testing.assert_allclose(
            own.contributions(rows), LibraryModel.read(saved).contributions(rows), atol=AGREEMENT
        )
        assert_sums(own, rows)

    def test_are_those_of_the_definition(self) -> None:
        sample = train(3, ["q", "q", "c"], 0.2, 1, 300, max_depth=4)
        own = Forest.read(sample.saved)
        (tree,) = trees_of(sample.saved)
        for row in sample.rows[:25]:
            expected = [shapley(lambda held, row=row: value_of(tree, row, held), 3, at) for at in range(3)]  # type: ignore[misc]
            np.testing.assert_allclose(own.contributions(row[None])[0, :3], expected, atol=1e-6)


def value_of(tree: dict[str, list[float]], row: Floats, held: frozenset[int], node: int = 0) -> float:
    """What a tree says of a row when only these features are known: the mean over the training rows otherwise."""
    left, right = int(tree["left_children"][node]), int(tree["right_children"][node])
    if left < 0:
        return float(np.float32(tree["split_conditions"][node]))
    if (feature := int(tree["split_indices"][node])) not in held:
        weights = tree[COVER_KEY][left], tree[COVER_KEY][right]
        return sum(
            weight / tree[COVER_KEY][node] * value_of(tree, row, held, child)
            for child, weight in zip((left, right), weights, strict=True)
        )
    return value_of(tree, row, held, left if goes_left(tree, node, row[feature]) else right)


def goes_left(tree: dict[str, list[float]], node: int, value: float) -> bool:
    if np.isnan(value):
        return bool(tree["default_left"][node])
    if not tree["split_type"][node]:
        return bool(value < np.float32(tree["split_conditions"][node]))
    at = tree["categories_nodes"].index(node)
    start, size = int(tree["categories_segments"][at]), int(tree["categories_sizes"][at])
    return int(value) not in tree["categories"][start : start + size]


class TestBatches:
    def test_every_size_gives_each_row_its_own_bits(self, mixed: Sample) -> None:
        own = Forest.read(mixed.saved)
        alone = np.concatenate([own.contributions(row[None]) for row in mixed.rows[:70]])
        for size in (0, 1, 2, 3, 15, 16, 17, 33, 70):
            assert own.contributions(mixed.rows[:size]).tobytes() == alone[:size].tobytes(), size

    def test_four_threads_at_once(self, mixed: Sample) -> None:
        own = Forest.read(mixed.saved)
        expected = own.contributions(mixed.rows).tobytes()
        with ThreadPoolExecutor(4) as pool:
            assert {found.tobytes() for found in pool.map(own.contributions, [mixed.rows] * 8)} == {expected}

    @pytest.mark.parametrize("matrix", [np.zeros((3, 4), "f4"), np.zeros((3, 5)), np.zeros(5, "f4")])
    def test_other_matrices_are_refused(self, mixed: Sample, matrix: Floats) -> None:
        with pytest.raises(ValueError, match="float32 matrix of 5 columns"):
            Forest.read(mixed.saved).contributions(matrix)

    @pytest.mark.parametrize("out", [np.zeros((3, 6), "f4"), np.zeros((3, 5)), np.zeros((2, 6)), np.zeros(18)])
    def test_another_place_for_the_result_is_refused(self, mixed: Sample, out: NDArray[np.float64]) -> None:
        with pytest.raises(ValueError, match="float32 matrix of 5 columns"):
            compiled.Trees(*lay_out(mixed.saved)).explain(mixed.rows[:3], out)


class TestCovers:
    @pytest.mark.parametrize("cover", [0.0, -1.0, 1e-60, 1e300])
    def test_that_cannot_be_divided_by_leave_the_reasons_to_the_library(self, mixed: Sample, cover: float) -> None:
        document = orjson.loads(mixed.saved)
        document["learner"]["gradient_booster"]["model"]["trees"][3][COVER_KEY][2] = cover
        saved = orjson.dumps(document)
        reference = Reference(mixed.rows[:9], mixed.booster.inplace_predict(mixed.rows[:9]))
        runtime = quickest_runtime(saved, reference, lambda: LibraryModel.read(mixed.saved))
        assert isinstance(runtime, ExplainedByLibrary)
        assert runtime.probabilities(reference.matrix).tobytes() == reference.scores.tobytes()
        np.testing.assert_allclose(
            runtime.contributions(mixed.rows[:9]), librarys(mixed, mixed.rows[:9]), atol=AGREEMENT
        )

    def test_that_are_absent_leave_a_forest_that_only_scores(self, mixed: Sample) -> None:
        document = orjson.loads(mixed.saved)
        del document["learner"]["gradient_booster"]["model"]["trees"][3][COVER_KEY]
        own = Forest.read(orjson.dumps(document))
        assert not own.explains
        with pytest.raises(ValueError, match="without covers"):
            own.contributions(mixed.rows)

    @pytest.mark.parametrize("cover", [0.0, -1.0, np.inf, np.nan])
    def test_are_checked_again_by_the_extension(self, mixed: Sample, cover: float) -> None:
        parts = lay_out(mixed.saved)
        covers = np.frombuffer(parts.covers, np.float32).copy()
        covers[4] = cover
        with pytest.raises(ValueError, match="do not fit"):
            compiled.Trees(*parts._replace(covers=covers.tobytes()))
