"""The outcome: the same judging as a fit's, and one sentence that claims no more than the interval allows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fraud_detection_api.cli.tuning_tables import tuning_in_words
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Evaluation, Operation, evaluate
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.tuning.outcome import Outcome, verdict
from fraud_detection_api.training.tuning.scoring import Aim
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.training.fitting import accounts_file, fitted
from tests.training.tuning.small_tunings import SMALL, tuned

FIT = FitOptions(rounds=30, patience=5, threads=1)
PRECISION = Aim("average_precision", CREDIT_ACCOUNTS, Budget(share=0.05))
BRIER = Aim("brier", CREDIT_ACCOUNTS, Budget(share=0.05))


def evaluated(noise: float, seed: int = 1) -> Evaluation:
    """What a model is worth that knows the truth but for this much noise."""
    labels = np.random.default_rng(0).random(2000) < 0.2
    margins = 3 * labels - 2 + noise * np.random.default_rng(seed).standard_normal(2000)
    rows = HoldoutRows((1 / (1 + np.exp(-margins))).astype(np.float32), labels)
    return evaluate(rows, Operation(Budget(share=0.05), 0.5), seed=0)


@pytest.mark.parametrize("aim", [PRECISION, BRIER], ids=["higher", "lower"])
def test_a_clear_gain_a_clear_loss_and_no_gain_are_called_so(aim: Aim) -> None:
    good, bad, as_good = evaluated(1), evaluated(3), evaluated(1, seed=2)
    assert verdict(Outcome(bad, good, 2000), aim).startswith("The tuned model is better on the 2,000 rows")
    assert verdict(Outcome(good, bad, 2000), aim).startswith("The tuned model is WORSE on the 2,000 rows")
    assert verdict(Outcome(good, as_good, 2000), aim).startswith("No gain can be shown: on the 2,000 rows")


def test_a_model_beside_itself_is_no_gain() -> None:
    same = evaluated(1)
    assert "differs by +0.0000 [+0.0000, +0.0000], and that interval includes 0" in verdict(
        Outcome(same, same, 2000), PRECISION
    )


def test_the_default_is_judged_as_a_fit_on_the_same_data_is_judged(tmp_path: Path) -> None:
    data = accounts_file(tmp_path, rows=3000)
    tuning, _ = tuned(data, tmp_path / "tuned", replace(SMALL, trials=1))
    manifest = fitted(data, tmp_path / "fitted", FIT).manifest
    assert tuning.outcome.default.measures() == manifest.metrics


def test_the_end_shows_every_measure_of_both_and_how_to_fit_with_it(tmp_path: Path) -> None:
    tuning, _ = tuned(accounts_file(tmp_path, rows=3000), tmp_path / "models", replace(SMALL, trials=3))
    console = Console(width=120, record=True, file=(tmp_path / "shown").open("w"))
    for part in tuning_in_words(tuning, SMALL.boosting):
        console.print(part)
    shown = console.export_text()
    console.file.close()
    for name in tuning.outcome.tuned.names:
        assert name.replace("_", " ") in shown
    assert f"{tuning.outcome.default.measure('roc_auc').value:.4f}" in shown
    assert "default against tuned on the untouched last period" in shown
    assert "fraud train credit_accounts --tuned" in shown


def test_where_no_trial_is_better_the_defaults_are_called_the_best(tmp_path: Path) -> None:
    tuning, _ = tuned(accounts_file(tmp_path, rows=3000), tmp_path / "models", replace(SMALL, trials=1))
    assert "Tuned: the defaults; no trial was better on the folds." in tuning_in_words(tuning, SMALL.boosting)
