"""fraud evaluate: windows in time order, judged by rows that decide nothing, and told as a table and as JSON."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.times import day_of
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.evaluating.prequential import Prequential, evaluated
from fraud_detection_api.training.fit_options import EvaluateOptions
from fraud_detection_api.training.proof.measures import ALL_MEASURES
from fraud_detection_api.training.tuning.tuned_file import Tuned, keep, settings_of, tuned_path
from tests.training.cards import CARDS, FIRST_DAY, card_payments
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS
from tests.training.fitting import REPOSITORY, Listener, table_file

QUICK = EvaluateOptions(rounds=30, depth=3, threads=1, review_budget="5/day", folds=2)
DAY = np.timedelta64(1, "D")


@pytest.fixture(scope="module")
def payments() -> dict[str, RawColumn]:
    return card_payments(900, 36, seed=3)


@pytest.fixture(scope="module")
def data(payments: dict[str, RawColumn], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table_file(tmp_path_factory.mktemp("data"), payments)


def found_in(data: Path, options: EvaluateOptions = QUICK) -> Prequential:
    """The evaluation of a file."""
    return evaluated(CARDS, replace(options, data=str(data)), Listener())


def tuned_as(boosting: Boosting, untouched_from: date | None = None) -> Tuned:
    """What a tuning would leave behind."""
    return Tuned(
        use_case=CARDS.name,
        boosting=settings_of(boosting),
        study="cards-1",
        fingerprint="",
        aim="average_precision",
        value_on_folds=0.3,
        default_on_folds=0.2,
        gain_on_last_period=Measure(value=0.1),
        trials=3,
        folds=3,
        seed=0,
        untouched_from=untouched_from,
        created_at=datetime(2025, 5, 1, tzinfo=UTC),
    )


def run_evaluate(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own."""
    command = [sys.executable, "-m", "fraud_detection_api.cli.main", "evaluate", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    own = {"PYTHONPATH": str(REPOSITORY), "FRAUD_USE_CASES": "tests.training.cards:CARDS"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment | own, check=False)


def test_the_command_prints_every_fold_and_writes_every_digit(data: Path, tmp_path: Path) -> None:
    flags = "--folds 2 --train-days 7 --delay-days 7 --test-days 7 --leave-known-out --review-budget 5/day --rounds 30"
    done = run_evaluate("cards", "--data", str(data), *flags.split(), "--json", "found.json", folder=tmp_path)
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (0, ["found.json"])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["plan"] == {"folds": 2, "train_days": 7, "delay_days": 7, "test_days": 7}
    assert [(fold["trained_from"], fold["tested_until"]) for fold in found["folds"]] == [
        ("2025-03-09", "2025-03-29"),
        ("2025-03-16", "2025-04-05"),
    ]
    assert set(found["summary"]) == set(ALL_MEASURES)
    printed = dict(re.findall(r"^ *(\S+(?: \S+)*) {2,}(.*?) *$", done.stdout, re.MULTILINE))
    for name, summary in found["summary"].items():
        values = [fold["measures"][name] for fold in found["folds"]]
        assert (summary["mean"], summary["spread"]) == pytest.approx((mean(values), stdev(values)))
        spelled = "{:,.2f}" if "cost" in name else "{:.4f}"
        expected = [spelled.format(value) for value in (summary["mean"], summary["spread"], *values)]
        assert printed[name.replace("_", " ")].split() == expected


def test_test_rows_decide_neither_rounds_nor_threshold_nor_what_is_learned(
    payments: dict[str, RawColumn], data: Path, tmp_path: Path
) -> None:
    tested = payments["paid_on"] >= FIRST_DAY + 29 * DAY
    flags = np.where(tested, np.random.default_rng(0).permutation(payments["is_fraud"]), payments["is_fraud"])
    shuffled = found_in(table_file(tmp_path, payments | {"is_fraud": flags}), replace(QUICK, folds=1))
    honest = found_in(data, replace(QUICK, folds=1))
    one, other = honest.folds[0], shuffled.folds[0]
    assert (one.rounds, one.threshold) == (other.rounds, other.threshold)
    assert one.figures["roc_auc"] > 0.8
    assert other.figures["roc_auc"] < 0.65


def test_rounds_are_chosen_inside_the_window_unless_patience_is_nought(data: Path) -> None:
    stopped = found_in(data, replace(QUICK, rounds=400, learning_rate=0.5, patience=3))
    assert all(fold.rounds is not None and fold.rounds < 100 for fold in stopped.folds)
    assert [fold.rounds for fold in found_in(data, replace(QUICK, rounds=9, patience=0)).folds] == [9, 9]


def test_leaving_known_cards_out_leaves_rows_out_and_says_how_many(data: Path) -> None:
    options = replace(QUICK, delay_days=2)
    everybody, unknown = found_in(data, options), found_in(data, replace(options, leave_known_out=True))
    for all_rows, fewer in zip(everybody.folds, unknown.folds, strict=True):
        assert fewer.left_out > 0
        assert (all_rows.left_out, all_rows.rows) == (0, fewer.rows + fewer.left_out)
        assert fewer.frauds < all_rows.frauds
        assert (fewer.rounds, fewer.threshold) == (all_rows.rounds, all_rows.threshold)


def test_the_dates_choose_the_period(data: Path) -> None:
    cut = replace(QUICK, folds=1, end_date=datetime(2025, 3, 31))  # noqa: DTZ001 - as Typer hands it over
    (fold,) = found_in(data, cut).folds
    assert [str(day_of(day)) for day in (*fold.window.trained, *fold.window.tested)] == [
        "2025-03-11",
        "2025-03-17",
        "2025-03-25",
        "2025-03-31",
    ]


def test_a_fold_without_frauds_is_told_and_does_not_enter_the_mean(
    payments: dict[str, RawColumn], tmp_path: Path
) -> None:
    last_week = payments["paid_on"] >= FIRST_DAY + 29 * DAY
    data = table_file(tmp_path, payments | {"is_fraud": np.where(last_week, False, payments["is_fraud"])})
    found = found_in(data)
    assert [bool(fold.figures) for fold in found.folds] == [True, False]
    assert found.folds[1].remark == "the days that test do not hold both frauds and others"
    assert found.summaries()["roc_auc"].mean == found.folds[0].figures["roc_auc"]
    assert found.summaries()["roc_auc"].spread is None
    done = run_evaluate("cards", "--data", str(data), "--folds", "2", "--rounds", "9", folder=tmp_path)
    assert done.returncode == 0
    assert "fold 2 has no measures: the days that test do not hold both frauds and others" in done.stdout


def test_a_window_that_cannot_train_is_told(payments: dict[str, RawColumn], tmp_path: Path) -> None:
    trained = (payments["paid_on"] >= FIRST_DAY + 8 * DAY) & (payments["paid_on"] < FIRST_DAY + 15 * DAY)
    found = found_in(table_file(tmp_path, payments | {"is_fraud": np.where(trained, False, payments["is_fraud"])}))
    assert found.folds[0].remark.startswith("the days that train cannot be divided")
    assert found.folds[1].figures


def test_what_cannot_be_asked_is_refused_before_anything_is_read() -> None:
    nowhere = replace(QUICK, data="is-never-read.csv")
    with pytest.raises(DataRefused, match=r"timeless_claims has no time column.*name a time_column"):
        evaluated(TIMELESS_CLAIMS, nowhere, Listener())
    with pytest.raises(DataRefused, match=r"claims does not say whom records share.*name an entity"):
        evaluated(CLAIMS, replace(nowhere, leave_known_out=True), Listener())
    with pytest.raises(DataRefused, match="A review budget is"):
        evaluated(CLAIMS, replace(nowhere, review_budget="some"), Listener())
    with pytest.raises(DataRefused, match="there is no folder nowhere"):
        evaluated(CLAIMS, replace(nowhere, json=Path("nowhere/found.json")), Listener())


def thresholds(data: Path, rule: str | None) -> list[float]:
    """The threshold of each fold."""
    return [fold.threshold or 0 for fold in found_in(data, replace(QUICK, threshold=rule)).folds]


def test_the_threshold_is_chosen_inside_the_window_by_the_costs_or_as_asked(data: Path) -> None:
    assert thresholds(data, None) == thresholds(data, "cost:amount,5,1")  # as the use case declares
    assert sum(thresholds(data, "cost:1000000,0.01")) < sum(thresholds(data, "f1"))
    assert thresholds(data, "at:0.25") == [0.25, 0.25]


def test_a_tuned_boosting_is_evaluated_as_it_was_found(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="--tuned already says how to boost: leave out --rounds, --depth"):
        found_in(data, replace(QUICK, tuned=True))
    unboosted = replace(QUICK, rounds=None, depth=None, models=tmp_path)
    with pytest.raises(DataRefused, match="run `fraud tune cards` first"):
        found_in(data, replace(unboosted, tuned=True))
    found = Boosting(rounds=7, depth=2, learning_rate=0.3, patience=0)
    keep(tuned_as(found), tuned_path(Registry(tmp_path), CARDS))
    evaluation = found_in(data, replace(unboosted, tuned=True, seed=5))
    assert evaluation.boosting == replace(found, seed=5)
    assert [fold.rounds for fold in evaluation.folds] == [7, 7]


@pytest.mark.parametrize(("untouched_from", "is_told"), [("2025-03-23", False), ("2025-03-24", True)])
def test_test_days_that_the_tuning_may_have_seen_are_told_below_the_table(
    untouched_from: str, is_told: bool, data: Path, tmp_path: Path
) -> None:
    found = Boosting(rounds=7, depth=2)
    keep(tuned_as(found, date.fromisoformat(untouched_from)), tuned_path(Registry(tmp_path / "models"), CARDS))
    flags = "--folds 2 --tuned --review-budget 5/day --json found.json"
    done = run_evaluate("cards", "--data", str(data), *flags.split(), folder=tmp_path)
    told = (
        "Rows that judge may have taken part in the tuning, so that the figures may flatter: they begin on 2025-03-23"
    )
    assert done.returncode == 0, done.stderr
    assert (told in done.stdout.splitlines()[-1]) == is_told
    assert json.loads((tmp_path / "found.json").read_text())["remark"].startswith(told) == is_told


def test_the_command_refuses_in_one_line(data: Path, tmp_path: Path) -> None:
    done = run_evaluate("cards", "--data", str(data), "--review-budget", "plenty", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "such as 100/day, 5% or 0.05, not 'plenty'" in done.stderr
