"""The report of a model that learned without labels: what it flags and why, and no word of what nobody knows."""

from itertools import pairwise

import numpy as np
import pytest

from fraud_detection_api.features.matrix import MatrixMaker
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.model.bundle import REPORT
from fraud_detection_api.model.isolation_forest import IsolationForest
from fraud_detection_api.model.manifest import Manifest, Ranks
from fraud_detection_api.samples.platform_activity import platform_activity
from fraud_detection_api.training.report.anomalies import OTHERS, anomalies
from fraud_detection_api.training.report.contents import Anomalies
from fraud_detection_api.training.report.making import report_again
from tests.training.report.conftest import Published, tree


@pytest.fixture
def scores(unlabelled: Published) -> np.ndarray:
    """What the model says of the rows that it learned from."""
    columns, _ = columns_of_table(platform_activity(3000, 1).columns, unlabelled.use_case)
    matrix = MatrixMaker(unlabelled.use_case.feature_names, {}).matrix(columns)
    return IsolationForest.read(unlabelled.bundle.model).anomaly_scores(matrix)


@pytest.fixture
def found(unlabelled: Published) -> Anomalies:
    """The figures of its report."""
    assert unlabelled.report.anomalies is not None
    return unlabelled.report.anomalies


def again(unlabelled: Published, manifest: Manifest) -> str:
    """The page of the same model with another manifest."""
    return report_again(unlabelled.use_case, manifest, unlabelled.bundle)[REPORT].decode()


def test_it_has_the_sections_that_make_sense_without_labels(unlabelled: Published) -> None:
    expected = {"summary", "purpose", "gate", "threshold", "importance", "data", "features", "limits", "versions"}
    assert unlabelled.sections == expected
    assert unlabelled.report.figures is None


def test_it_says_nothing_of_what_only_labels_could_tell(unlabelled: Published) -> None:
    shown = unlabelled.words.lower()
    for wrong in (
        "probabilit",
        "0 frauds",
        "not judged",
        "judged on",
        "precision",
        "recall",
        "false alarm",
        "log-odds",
    ):
        assert wrong not in shown
    assert "nobody knows which of these records are frauds" in shown


def test_the_flagged_rows_are_those_below_the_threshold(
    unlabelled: Published, found: Anomalies, scores: np.ndarray
) -> None:
    below = int(np.count_nonzero(scores < unlabelled.bundle.manifest.threshold))
    assert (found.rows, found.flagged) == (3000, below)
    assert below == 30
    assert "30 of the 3,000 training rows (1 %)" in unlabelled.words
    assert "contamination 0.01" in unlabelled.words


def test_the_histogram_holds_all_rows_about_where_they_are(found: Anomalies, scores: np.ndarray) -> None:
    edges, shares = np.array(found.edges), np.array(found.shares)
    assert edges[0] <= scores.min()
    assert edges[-1] >= scores.max()
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(shares, np.histogram(scores, edges)[0] / len(scores), atol=0.01)


def test_other_thresholds_flag_the_share_that_they_are_named_for(found: Anomalies, scores: np.ndarray) -> None:
    assert [each.share for each in found.others] == [share for share in OTHERS if share * 3000 >= 1]
    for each in found.others:
        assert np.mean(scores < each.threshold) == pytest.approx(each.share, abs=0.001, rel=0.05)
    assert all(one.threshold < more.threshold for one, more in pairwise(found.others))


def test_its_threshold_stands_in_the_plots_and_every_plot_has_words(unlabelled: Published) -> None:
    page = tree(unlabelled.html)
    titles = [plot.findtext("title") for plot in page.iter("svg")]
    assert "Distribution of the anomaly scores of the training rows" in titles
    assert "Training rows that each threshold flags" in titles
    assert "threshold" in [text.text for text in page.iter("text")]


def test_what_moves_it_is_the_anomaly_score(unlabelled: Published) -> None:
    importance = unlabelled.report.importance
    assert importance is not None
    assert set(importance.values) == {"mean", "sd"}
    assert "What moves the anomaly scores" in unlabelled.words
    assert "on average over 1,000 training rows" in unlabelled.words


def test_a_threshold_that_nobody_asked_for_is_named_as_a_limit(unlabelled: Published) -> None:
    manifest = unlabelled.bundle.manifest
    auto = manifest.model_copy(update={"parameters": manifest.parameters | {"contamination": "auto"}})
    page = again(unlabelled, auto)
    assert "Nobody has asked for a share to flag, and the threshold flags 1.0% of the training rows" in page
    assert "Nobody has asked" not in unlabelled.html


def test_rows_that_were_left_out_are_told(unlabelled: Published) -> None:
    manifest = unlabelled.bundle.manifest
    skipped = manifest.model_copy(update={"parameters": manifest.parameters | {"skipped_rows": 7}})
    assert "7 rows broke bounds or rules and were left out" in again(unlabelled, skipped)


def test_a_model_whose_gate_counted_nothing_is_measured_roughly_by_its_ranks(
    unlabelled: Published, found: Anomalies
) -> None:
    manifest = unlabelled.bundle.manifest
    uncounted = manifest.model_copy(update={"gate": manifest.gate.model_copy(update={"checks": ()})})
    strange = anomalies(uncounted)
    assert strange.flagged == pytest.approx(found.flagged, rel=0.1)


def test_rows_that_are_all_alike_have_a_page_too(unlabelled: Published) -> None:
    ranks = Ranks(scores=(-0.5,), shares=(0.0,))
    page = again(unlabelled, unlabelled.bundle.manifest.model_copy(update={"ranks": ranks}))
    assert tree(page).tag == "html"
    strange = anomalies(unlabelled.bundle.manifest.model_copy(update={"ranks": ranks}))
    assert sum(strange.shares) == pytest.approx(1)
