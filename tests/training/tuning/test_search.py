"""The search: it starts where the options say, sees no row that judges, and goes on where it was stopped."""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import TrialState

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.tuning.space import Space
from fraud_detection_api.training.tuning.studies import STUDIES, StudyKey, enqueue_start, next_trial, opened
from fraud_detection_api.training.tuning.tuning import Tuning, tune
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.learning import with_learning
from tests.running_service import HEARS_SIGINT, service_environment
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import accounts_file, table_file
from tests.training.tuning.small_tunings import (
    NAME,
    SMALL,
    Diary,
    SearchListener,
    later_rows_shuffled,
    study_in,
    trials_in,
    tuned,
)

FEW = replace(SMALL, trials=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return accounts_file(tmp_path_factory.mktemp("data"), rows=3000)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with a study that nothing interrupted."""
    models = tmp_path_factory.mktemp("whole")
    tuned(data, models)
    return models


@dataclass(frozen=True)
class Stopped:
    """What a tuning of a few trials left behind."""

    models: Path
    tuning: Tuning
    told: list[tuple[str, int, Parameters, dict[str, float]]]

    def copy(self, folder: Path) -> Path:
        """The same in a folder of its own, to go on with."""
        return shutil.copytree(self.models, folder / "models")


@pytest.fixture(scope="module")
def few(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    models, diary = tmp_path_factory.mktemp("few"), Diary()
    tuning = tune(CREDIT_ACCOUNTS, replace(FEW, data=str(data), models=models), SearchListener(), diary)
    return Stopped(models, tuning, diary.told)


def test_the_first_trial_is_the_start_so_that_tuned_is_never_worse_on_the_folds(few: Stopped) -> None:
    tuning, trials = few.tuning, trials_in(few.models)
    assert trials[0].params == Space.of(CREDIT_ACCOUNTS, FEW.boosting).start_point
    assert trials[0].value == tuning.tuned.default_on_folds
    assert tuning.tuned.value_on_folds >= tuning.tuned.default_on_folds
    assert tuning.tuned.value_on_folds == max(trial.value or 0 for trial in trials)


def test_a_start_outside_the_usual_bounds_is_tried_all_the_same(data: Path, tmp_path: Path) -> None:
    options = replace(FEW, depth=14, learning_rate=0.9, trials=1)
    tuning, _ = tuned(data, tmp_path, options)
    assert tuning.tuned.boosting["depth"] == 14
    assert trials_in(tmp_path)[0].params["learning_rate"] == 0.9


def test_what_the_last_period_holds_changes_no_trial(whole: Path, tmp_path: Path) -> None:
    columns = dict(SAMPLES[NAME](3000, 1).columns)
    other = table_file(tmp_path, later_rows_shuffled(columns, 3000, 590))
    tuned(other, tmp_path / "models")
    assert trials_in(tmp_path / "models") == trials_in(whole)


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(data: Path, whole: Path, tmp_path: Path) -> None:
    tuned(data, tmp_path / "again")
    assert trials_in(tmp_path / "again") == trials_in(whole)
    tuned(data, tmp_path / "other", replace(FEW, seed=4, trials=2))
    assert trials_in(tmp_path / "other")[1].params != trials_in(whole)[1].params


def test_a_stopped_study_goes_on_to_the_trials_it_would_have_had(
    data: Path, whole: Path, few: Stopped, tmp_path: Path
) -> None:
    models = few.copy(tmp_path)
    tuning, listener = tuned(data, models)
    assert any("goes on: 3 of 6 trials are done" in said for said in listener.said)
    assert len(listener.trials) == 3
    assert tuning.tuned.trials == 6
    assert trials_in(models) == trials_in(whole)


TUNES = """
import sys
from pathlib import Path
from tests.training.tuning.small_tunings import tuned
tuned(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_study_goes_on_to_the_trials_it_would_have_had(
    kill: signal.Signals, data: Path, whole: Path, tmp_path: Path
) -> None:
    command = [*HEARS_SIGINT, sys.executable, "-c", TUNES, str(data), str(tmp_path)]
    with subprocess.Popen(command, env=service_environment({}), stderr=subprocess.DEVNULL) as tuner:
        while tuner.poll() is None and number_of_trials(tmp_path) < 1:
            time.sleep(0.01)  # the first is seen late on a busy machine
        assert tuner.poll() is None, "it ended before it could be killed"
        tuner.send_signal(kill)
        assert tuner.wait() != 0
    assert 1 <= number_of_trials(tmp_path) < 6
    tuning, _ = tuned(data, tmp_path)
    assert tuning.tuned.trials == 6
    assert trials_in(tmp_path) == trials_in(whole)


def number_of_trials(models: Path) -> int:
    """How many trials have ended, as far as can be seen from outside."""
    try:
        return len(trials_in(models))
    except Exception:  # noqa: BLE001 - there is no study yet, or its tables are being made
        return 0


def test_other_data_begin_a_study_of_their_own_and_it_says_so(few: Stopped, tmp_path: Path) -> None:
    models, first = few.copy(tmp_path), few.tuning
    second, listener = tuned(accounts_file(tmp_path, rows=2500), models, FEW)
    assert first.tuned.study != second.tuned.study
    assert any(f"is new: data or options differ from those of {first.tuned.study}" in said for said in listener.said)
    assert len(trials_in(models, first.tuned.study)) == len(trials_in(models, second.tuned.study)) == 3


def test_another_entity_or_other_members_begin_a_study_of_their_own(tmp_path: Path) -> None:
    options, known = replace(FEW, trials=1, rounds=5), replace(CLAIMS, entity="customer")
    table, random = claims_table(2500), np.random.default_rng(6)
    numbers = random.integers(0, 400, 2500)
    one, other = (
        table_file(tmp_path, table | {"customer": members, "agent": numbers % 30})
        for members in (numbers, random.permutation(numbers))
    )
    tunings = [
        tuned(data, tmp_path / "models", options, use_case)[0]
        for data, use_case in ((one, CLAIMS), (one, known), (one, replace(CLAIMS, entity="agent")), (other, known))
    ]
    assert len({each.tuned.fingerprint for each in tunings}) == 1
    assert len({each.tuned.study for each in tunings}) == 4


@dataclass
class Stopping(SearchListener):
    """A follower that stops the tuning when its study is there and has no trial yet."""

    def step(self, what: str) -> None:
        """Stop at the step that tells of the study."""
        super().step(what)
        if what.startswith("Study "):
            raise KeyboardInterrupt


@pytest.mark.parametrize("was_asked", [False, True], ids=["waiting", "running"])
def test_a_study_that_was_killed_around_its_first_trial_goes_on(
    was_asked: bool, data: Path, whole: Path, tmp_path: Path
) -> None:
    space, states = Space.of(CREDIT_ACCOUNTS, SMALL.boosting), [TrialState.WAITING, TrialState.RUNNING]
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            tune(CREDIT_ACCOUNTS, replace(SMALL, data=str(data), models=tmp_path), Stopping(), Diary())
        with study_in(tmp_path) as study:
            enqueue_start(study, space.start_point)
            if was_asked:
                next_trial(study, SMALL.seed, space.distributions)
            assert study.get_trials()[-1].state is states[was_asked]
    tuning, _ = tuned(data, tmp_path)
    with study_in(tmp_path) as study:
        assert len(study.get_trials()) == 6 + 2 * was_asked
    assert tuning.tuned.trials == 6
    assert trials_in(tmp_path) == trials_in(whole)


@pytest.mark.parametrize("aim", ["cost", "average_precision"])
def test_where_flagging_nothing_is_cheapest_the_tuning_still_ends(aim: str, tmp_path: Path) -> None:
    hopeless = with_learning(CLAIMS, costs=Costs(missed_fraud=1, false_alarm=1, caught_fraud=1))
    data = table_file(tmp_path, claims_table(2500))
    tuning, _ = tuned(data, tmp_path / "models", replace(FEW, aim=aim), hopeless)
    assert tuning.tuned.trials == 3
    assert tuning.outcome.default.measure("cost").value > 0


def test_when_the_minutes_are_over_the_first_trial_still_ends(data: Path, tmp_path: Path) -> None:
    tuning, listener = tuned(data, tmp_path, replace(SMALL, minutes=0))
    assert len(listener.trials) == tuning.tuned.trials == 1
    assert tuning.outcome.gain("average_precision").value == 0


def test_a_trial_that_lags_is_given_up(data: Path, tmp_path: Path) -> None:
    tuned(data, tmp_path, replace(SMALL, trials=8))
    trials = trials_in(tmp_path)
    given_up = [trial for trial in trials if trial.was_given_up]
    full = max(max(trial.looks) for trial in trials)
    assert given_up
    assert any(max(trial.looks) < full for trial in given_up)
    assert not any(trial.was_given_up for trial in trials[:5])


def test_a_measure_that_is_better_when_lower_is_brought_down(data: Path, tmp_path: Path) -> None:
    tuning, listener = tuned(data, tmp_path, replace(FEW, aim="brier"))
    values = [trial.value for trial in trials_in(tmp_path) if not trial.was_given_up]
    assert tuning.tuned.value_on_folds == min(value for value in values if value is not None)
    assert "best brier 0." in listener.trials[-1]


@pytest.mark.parametrize(("aim", "refusal"), [("beauty", "no measure 'beauty'"), ("cost", "needs a use case with")])
def test_an_aim_that_cannot_be_taken_is_refused_before_anything_is_read(aim: str, refusal: str, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=refusal):
        tuned(Path("nowhere.csv"), tmp_path, replace(SMALL, aim=aim))


def test_every_ended_trial_is_told_to_the_tracker(few: Stopped) -> None:
    assert [number for _, number, _, _ in few.told] == [0, 1, 2]
    study, _, parameters, measures = few.told[0]
    assert study == few.tuning.tuned.study
    assert parameters["max_depth"] == FEW.boosting.depth
    assert measures == {"average_precision": few.tuning.tuned.default_on_folds}


@pytest.mark.parametrize("use_case", [CLAIMS, TIMELESS_CLAIMS], ids=lambda use_case: str(use_case.name))
def test_texts_missing_values_and_a_table_without_time_are_tuned_alike(use_case: object, tmp_path: Path) -> None:
    chosen = CLAIMS if use_case is CLAIMS else TIMELESS_CLAIMS
    tuning, listener = tuned(table_file(tmp_path, claims_table(2500)), tmp_path / "models", FEW, chosen)
    order = "in time order" if chosen.time_column else "at random"
    assert any(f"2 folds {order}" in said for said in listener.said)
    assert tuning.tuned.default_on_folds > 0.2


def test_two_tunings_of_one_use_case_do_not_meet(data: Path, tmp_path: Path) -> None:
    with opened(tmp_path / NAME, StudyKey("roc_auc", True, 2, 0, {})), pytest.raises(DataRefused, match="is running"):
        tuned(data, tmp_path, FEW)
    assert (tmp_path / NAME / STUDIES).is_file()
