"""The search: trial after trial on the same folds, each given up early where it lags, until trials or time run out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tracking.tracker import Tracker
from fraud_detection_api.training.tuning.fold_fits import LOOKS, FoldFits, FoldScores
from fraud_detection_api.training.tuning.scoring import Aim
from fraud_detection_api.training.tuning.space import Space
from fraud_detection_api.training.tuning.studies import ended, enqueue_start, next_trial
from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer

LEAST_COMPARED = 5  # finished trials, before any other is given up


@dataclass(frozen=True)
class Limits:
    """How many trials a study shall have, and until when this run may add to them."""

    trials: int
    minutes: float
    started: float = field(default_factory=time.monotonic)

    @property
    def out_of_time(self) -> bool:
        """Whether the minutes have passed."""
        return time.monotonic() - self.started > self.minutes * 60


class OutOfTime(Exception):
    """The minutes have passed in the middle of a trial, which then counts for nothing."""


@dataclass(frozen=True)
class Search:
    """Everything that the trials of a study share."""

    study: optuna.Study
    dataset: Dataset
    folds: Sequence[FoldFits]
    aim: Aim
    start: XGBoostTrainer  # boosts as the options say: the first trial, which every other is compared with

    @property
    def space(self) -> Space:
        """Where it looks."""
        return Space.of(self.aim.use_case, self.start.boosting)

    def run(self, limits: Limits, follower: Follower, tracker: Tracker) -> None:
        """Add trials; the first one always ends, however long it takes."""
        while len(ended(self.study)) < limits.trials:
            is_first = not ended(self.study)
            if limits.out_of_time and not is_first:
                return
            enqueue_start(self.study, self.space.start_point)
            trial = next_trial(self.study, self.start.boosting.seed, self.space.distributions)
            if not self._ended(trial, None if is_first else limits):
                return
            self._tell(trial.number, limits, follower, tracker)

    def boosting_of(self, trial: FrozenTrial | optuna.Trial) -> Boosting:
        """How a trial boosts."""
        return self.space.boosting_at(trial.params)

    def _ended(self, trial: optuna.Trial, limits: Limits | None) -> bool:
        """Whether the trial came to an end, good or early; what stops it half-way leaves it out of the study."""
        try:
            value = self._value(trial, limits)
        except optuna.TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        except OutOfTime:
            self.study.tell(trial, state=TrialState.FAIL)
            return False
        except BaseException:
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            self.study.tell(trial, value)
        return True

    def _value(self, trial: optuna.Trial, limits: Limits | None) -> float:
        """The mean of the aim over the folds."""
        boosting = self.boosting_of(trial)
        trainer = XGBoostTrainer(boosting, self.start.threads, self.start.device)
        values: list[float] = []

        def on_round() -> None:
            if limits and limits.out_of_time:
                raise OutOfTime

        def on_look(look: int, scores: FoldScores) -> None:
            value = self._aim(fold, scores)
            self._look(trial, len(values) * LOOKS + look, float(np.mean([*values, value])))

        for fold in self.folds:
            values.append(self._aim(fold, fold.boosted(trainer, on_round, on_look)))
            self._look(trial, len(values) * LOOKS, float(np.mean(values)))
        return float(np.mean(values))

    def _aim(self, fits: FoldFits, scores: FoldScores) -> float:
        fold = fits.fold
        return self.aim.value(
            self.dataset, (fold.threshold_rows, scores.threshold_rows), (fold.validation_rows, scores.validation_rows)
        )

    def _look(self, trial: optuna.Trial, step: int, value: float) -> None:
        """Give a trial up that is behind the median of the finished ones at the same step.

        Optuna's own median rule compares the best step of a trial so far, which an easy first fold makes blind.
        """
        trial.report(value, step)
        finished = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        there = [each.intermediate_values[step] for each in finished if step in each.intermediate_values]
        if len(there) >= LEAST_COMPARED and self.aim.is_worse(value, than=float(np.median(there))):
            raise optuna.TrialPruned

    def _tell(self, number: int, limits: Limits, follower: Follower, tracker: Tracker) -> None:
        trials, best = ended(self.study), self.study.best_trial
        found = f"best {self.aim.words} {best.value or 0:.4f} (trial {best.number})"
        follower.searched("Trial", len(trials), limits.trials, found)
        trial = next(each for each in trials if each.number == number)
        boosting = self.boosting_of(trial)
        paces = {"rounds": boosting.rounds, "patience": boosting.patience}
        tracker.tried(self.study.study_name, number, boosting.parameters | paces, self._measures(trial))

    def _measures(self, trial: FrozenTrial) -> dict[str, float]:
        if trial.state is TrialState.PRUNED:
            return {f"{self.aim.name}_when_given_up": trial.intermediate_values[max(trial.intermediate_values)]}
        return {self.aim.name: trial.value or 0.0}
