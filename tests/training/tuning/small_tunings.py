"""Tunings that take a second or two, on real files, with whoever listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import optuna

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.fit_options import TuneOptions
from fraud_detection_api.training.tracking.tracker import Tracker
from fraud_detection_api.training.tuning.studies import ENDED, STUDIES
from fraud_detection_api.training.tuning.tuning import Tuning, tune
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.training.fitting import Listener

NAME = CREDIT_ACCOUNTS.name
SMALL = TuneOptions(rounds=30, patience=5, threads=1, trials=6, minutes=5, folds=2)


@dataclass
class SearchListener(Listener):
    """A follower that also remembers how the search went."""

    trials: list[str] = field(default_factory=list)

    def searched(self, what: str, done: int, of: int, found: str) -> None:
        """Remember a fit of the search."""
        self.trials.append(f"{what} {done} of {of}: {found}")


class Diary(Tracker):
    """A tracker that remembers the trials it was told of."""

    def __init__(self) -> None:
        super().__init__(None, Registry(Path()), NAME, print)
        self.told: list[tuple[str, int, Parameters, dict[str, float]]] = []

    def tried(self, study: str, number: int, parameters: Parameters, measures: object) -> None:
        """Remember a trial."""
        assert isinstance(measures, dict)
        self.told.append((study, number, parameters, measures))


def tuned(
    data: Path, models: Path, options: TuneOptions = SMALL, use_case: UseCase = CREDIT_ACCOUNTS
) -> tuple[Tuning, SearchListener]:
    """Tune on a file and keep what was found in a folder."""
    listener = SearchListener()
    return tune(use_case, replace(options, data=str(data), models=models), listener, Diary()), listener


@dataclass(frozen=True)
class Tried:
    """A trial as the study has kept it."""

    params: dict[str, float]
    value: float | None
    looks: dict[int, float]
    was_given_up: bool


@contextmanager
def study_in(models: Path, study: str | None = None, name: str = NAME) -> Iterator[optuna.Study]:
    """The one study, or the study of that name, as another process would see it."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{models / name / STUDIES}")
    try:
        yield optuna.load_study(study_name=study, storage=storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def trials_in(models: Path, study: str | None = None, name: str = NAME) -> list[Tried]:
    """The trials that count in the one study, or in the study of that name."""
    with study_in(models, study, name) as held:
        return [
            Tried(trial.params, trial.value, trial.intermediate_values, trial.state is optuna.trial.TrialState.PRUNED)
            for trial in held.get_trials(states=ENDED)
        ]


def later_rows_shuffled(columns: dict[str, RawColumn], rows: int, last: int) -> dict[str, RawColumn]:
    """The same table with the features and labels of its last rows dealt out again."""
    order = np.r_[np.arange(rows - last), rows - last + np.random.default_rng(8).permutation(last)]
    return {name: values if name == "snapshot_date" else values[order] for name, values in columns.items()}
