"""The comparison: same rows for all, everything fitted inside the folds, figures that others confirm."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sklearn.metrics import (  # type: ignore[import-untyped]  # it ships no types
    average_precision_score,
    brier_score_loss,
    roc_auc_score,
)

from fraud_detection_api.cli.comparison_tables import as_json, plot, table
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting, FitSettings
from fraud_detection_api.training.compared import COSTS, MEASURED, Comparison
from fraud_detection_api.training.comparing import candidates
from fraud_detection_api.training.comparing.candidates import candidate
from fraud_detection_api.training.comparing.comparison import compare
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.fit_options import CompareOptions
from fraud_detection_api.training.tables.dataset import Period, dataset_of
from fraud_detection_api.training.tables.folds import folds_before_validation
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.training.trainers import TRAINABLE
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import table_file
from tests.training.tuning.small_tunings import SearchListener

SMALL = CompareOptions(folds=2, threads=1, rounds=40)
SETTINGS = FitSettings(Boosting(rounds=40), threads=1)


def compared(folder: Path, options: CompareOptions = SMALL, use_case: UseCase = CLAIMS) -> Comparison:
    """Compare on claims in a file."""
    data = table_file(folder, claims_table(2500))
    return compare(use_case, replace(options, data=str(data)), SearchListener())


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compared(tmp_path_factory.mktemp("claims"))


@pytest.fixture(scope="module")
def fold() -> FoldTable:
    return last_fold(2500)


def last_fold(rows: int) -> FoldTable:
    """The last fold of some claims."""
    dataset = dataset_of(claims_table(rows), [], CLAIMS, Period(), skip_bad_rows=False)
    return FoldTable.of(CLAIMS, dataset, folds_before_validation(dataset, split(dataset, None, 0), 2, None, 0)[-1])


def test_every_kind_has_figures_for_every_fold_best_average_precision_first(comparison: Comparison) -> None:
    assert {model.kind for model in comparison.models} == set(TRAINABLE)
    means = [model.mean("average_precision") or 0 for model in comparison.models]
    assert means == sorted(means, reverse=True)
    for model in comparison.models:
        assert len(model.folds) == 2
        for figures in model.folds:
            assert set(figures) == {*MEASURED, *COSTS}
            assert all(value is not None and value > 0 for value in figures.values())


def test_every_kind_learns_what_the_claims_hold(comparison: Comparison) -> None:
    assert all((model.mean("roc_auc") or 0) > 0.65 for model in comparison.models)


@pytest.mark.parametrize("kind", TRAINABLE)
def test_figures_are_those_of_an_independent_implementation(kind: str, fold: FoldTable) -> None:
    rows = fold.fold.validation_rows
    scores, labels = candidate(kind, fold, SETTINGS).scores(fold.validation_rows), fold.labels(rows)
    found = fold.figures(rows, scores)
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, scores))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, scores))


@pytest.mark.parametrize("kind", TRAINABLE)
def test_what_judges_a_fold_changes_nothing_that_is_fitted(kind: str, fold: FoldTable) -> None:
    others = fold.dataset.labels.copy()
    others[fold.fold.validation_rows] = ~others[fold.fold.validation_rows]
    numbers = fold.dataset.columns.numbers.copy()
    numbers[:, fold.fold.validation_rows] = 1e6
    columns = replace(fold.dataset.columns, numbers=numbers)
    other = FoldTable.of(CLAIMS, replace(fold.dataset, labels=others, columns=columns), fold.fold)
    one, two = (candidate(kind, each, SETTINGS).scores(fold.threshold_rows) for each in (fold, other))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("kind", TRAINABLE)
def test_the_same_seed_gives_the_same_scores(kind: str, fold: FoldTable) -> None:
    one, two = (candidate(kind, fold, SETTINGS).scores(fold.validation_rows) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_the_grid_is_searched_on_the_choosing_rows_and_its_winner_is_named(fold: FoldTable) -> None:
    searched = candidate("forest", fold, replace(SETTINGS, searches_grid=True))
    plain = candidate("forest", fold, SETTINGS)
    precisions = [
        fold.figures(fold.fold.threshold_rows, each.scores(fold.threshold_rows))["average_precision"]
        for each in (searched, plain)
    ]
    assert precisions[0] >= precisions[1]
    assert searched.remark.startswith("best of 18: max features ")


def test_the_svm_says_on_how_many_rows_it_was_trained(fold: FoldTable) -> None:
    assert candidates.MOST_SVM_ROWS == 10_000
    rows = candidates.some_of(fold.fold.training, fold.labels(fold.fold.training), 300, 1)
    assert len(rows) == len(np.unique(rows)) == 300
    assert np.isin(rows, fold.fold.training).all()
    assert candidate("svm", fold, SETTINGS).remark == ""


@pytest.mark.parametrize("frauds", [0, 1, 2, 3, 150, 1000, 1997, 1998, 1999, 2000])
def test_a_capped_draw_holds_both_classes_in_proportion(frauds: int) -> None:
    rows, labels = np.arange(5000, 7000), np.random.default_rng(2).permutation(2000) < frauds
    drawn = candidates.some_of(rows, labels, 200, 1)
    found = int(labels[drawn - 5000].sum())
    assert len(np.unique(drawn)) == 200
    assert min(frauds, 2) <= found <= 200 - min(2000 - frauds, 2)
    assert abs(found - frauds / 10) <= 2
    assert drawn.tobytes() == candidates.some_of(rows, labels, 200, 1).tobytes()


def test_the_svm_is_trained_on_the_rarest_frauds() -> None:
    many = last_fold(40_000)
    labels, training = many.dataset.labels.copy(), many.fold.training
    labels[training[np.flatnonzero(labels[training])[2:]]] = False
    rare = FoldTable.of(CLAIMS, replace(many.dataset, labels=labels), many.fold)
    svm = candidate("svm", rare, SETTINGS)
    assert svm.remark == f"trained on 10,000 of {len(training):,} rows"
    assert np.isfinite(svm.scores(rare.validation_rows)).all()


def test_a_category_that_only_judging_rows_hold_is_scored_by_every_kind(fold: FoldTable) -> None:
    columns = fold.dataset.columns
    city = list(columns.texts["city"])
    for row in fold.fold.validation_rows[:50]:
        city[row] = "Salzburg"
    dataset = replace(fold.dataset, columns=replace(columns, texts=columns.texts | {"city": city}))
    other = FoldTable.of(CLAIMS, dataset, fold.fold)
    for kind in TRAINABLE:
        assert np.isfinite(candidate(kind, other, SETTINGS).scores(other.validation_rows)).all()


def test_a_table_without_time_is_compared_on_random_folds(tmp_path: Path) -> None:
    found = compared(tmp_path, replace(SMALL, models="tree,logistic"), TIMELESS_CLAIMS)
    assert found.order == "at random"
    assert {model.kind for model in found.models} == {"tree", "logistic"}


def test_the_table_the_plot_and_the_json_hold_every_kind(comparison: Comparison) -> None:
    assert table(comparison).row_count == len(TRAINABLE)
    drawn = plot(comparison).decode()
    root = ET.fromstring(drawn)  # noqa: S314 - our own plot
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in drawn
    kept = json.loads(as_json(comparison))
    assert [model["kind"] for model in kept["models"]] == [model.kind for model in comparison.models]
    for kind in TRAINABLE:
        assert kind in drawn


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (replace(SMALL, models="xgboost,crystal_ball"), "There is no model crystal_ball; there are: xgboost, "),
        (replace(SMALL, models=" , "), "There is no model named"),
        (replace(SMALL, plot=Path("comparison.png")), r"ends in \.svg"),
        (replace(SMALL, json=Path("no_such_folder/c.json")), "there is no folder no_such_folder"),
    ],
    ids=["unknown", "none", "png", "no folder"],
)
def test_what_would_fail_at_the_end_is_refused_at_the_beginning(options: CompareOptions, refusal: str) -> None:
    with pytest.raises(DataRefused, match=refusal):
        compare(CLAIMS, replace(options, data="nowhere.csv"), SearchListener())
