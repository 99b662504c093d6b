"""A forest is written for serving only if it answers as the one that was fitted."""

import numpy as np
import orjson
import pytest

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.model.forest import MOST_FEATURES
from fraud_detection_api.model.isolation_forest import IsolationForest
from fraud_detection_api.training.isolating.forest_file import forest_file
from tests.model.isolation_forests import grow


def test_the_file_is_plain_json_with_siblings_side_by_side() -> None:
    sample = grow(1, ["usual", "usual", "constant"], n_estimators=7, max_features=0.7)
    forest = orjson.loads(sample.saved)["isolation_forest"]
    assert forest["features"] == 3
    assert len(forest["trees"]) == 7
    for tree in forest["trees"]:
        pairs = zip(tree["left_children"], tree["right_children"], strict=True)
        assert all(right == left + 1 or (left, right) == (-1, -1) for left, right in pairs)


def test_the_same_forest_gives_the_same_file() -> None:
    assert grow(4, ["usual"] * 3).saved == grow(4, ["usual"] * 3).saved


def test_other_scores_are_refused_with_the_largest_difference() -> None:
    sample = grow(1, ["usual", "usual"])
    sample.fitted.max_samples_ = 255
    with pytest.raises(ExportRefused, match=r"differ from scikit-learn's by up to 0\.000\d+") as refused:
        forest_file(sample.fitted, sample.rows)
    assert (refused.value.status, refused.value.code) == (500, "export_refused")


def test_another_decision_is_refused_however_small_the_difference() -> None:
    sample = grow(1, ["usual", "usual"], 101, contamination=0.01)  # the offset is then the second lowest score itself
    assert (sample.fitted.score_samples(sample.rows) == sample.fitted.offset_).any()
    assert forest_file(sample.fitted, sample.rows)
    sample.fitted.max_samples_ *= 1 + 1e-9
    with pytest.raises(ExportRefused, match="1 rows would be judged otherwise"):
        forest_file(sample.fitted, sample.rows)


def test_a_score_that_is_the_offset_itself_is_judged_as_scikit_learn_does() -> None:
    sample = grow(1, ["few values"], 400, contamination=0.25)
    scores = IsolationForest.read(sample.saved).anomaly_scores(sample.rows)
    assert (scores == sample.fitted.offset_).any()
    assert ((scores < sample.fitted.offset_) == (sample.fitted.predict(sample.rows) == -1)).all()


@pytest.mark.parametrize("unbounded", [[np.inf], [-np.inf], [np.inf, -np.inf]])
def test_a_forest_that_saw_infinite_values_keeps_its_scores(unbounded: list[float]) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    rows[::3, 0] = np.resize(unbounded, 100)
    fitted = grow(1, ["usual"]).fitted.fit(rows)
    scores = IsolationForest.read(forest_file(fitted, rows)).anomaly_scores(rows)
    assert scores.tobytes() == fitted.score_samples(rows).tobytes()


def test_a_forest_too_wide_to_serve_is_refused() -> None:
    rows = np.random.default_rng(0).normal(size=(4, MOST_FEATURES + 1)).astype(np.float32)
    fitted = grow(1, ["usual"], n_estimators=2).fitted.fit(rows)
    with pytest.raises(ExportRefused, match="too many features"):
        forest_file(fitted, rows)
