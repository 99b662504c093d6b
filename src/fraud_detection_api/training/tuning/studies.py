"""Studies: kept in SQLite beside the versions of the use case, so that a tuning that was stopped or killed goes on."""

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState

from fraud_detection_api.errors import DataRefused

STUDIES = "tuning.db"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class StudyKey:
    """What makes the trials of a study comparable: another of these, another study."""

    aim: str
    highest_is_best: bool
    folds: int
    seed: int
    settings: Mapping[str, str | int | float | None]  # the data's fingerprint and whatever else decides a value

    @property
    def name(self) -> str:
        """A name that says the most of it, and ends in a digest of all of it."""
        everything = json.dumps([self.aim, self.folds, self.seed, dict(self.settings)], sort_keys=True)
        return f"{self.aim}-{self.folds}-folds-seed-{self.seed}-{hashlib.sha256(everything.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Opened:
    """A study that is ours alone for a while, and the names of the others in the same file."""

    study: optuna.Study
    others: tuple[str, ...]


@contextmanager
def opened(folder: Path, key: StudyKey) -> Iterator[Opened]:
    """The study of that key; trials that died with an earlier process count for nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with (folder / ".tuning.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataRefused(
                f"Another tuning of {folder.name} is running in this registry: wait until it ends."
            ) from None
        storage = optuna.storages.RDBStorage(f"sqlite:///{(folder / STUDIES).absolute()}")
        try:
            names = optuna.get_all_study_names(storage)
            yield Opened(_study(storage, key), tuple(name for name in names if name != key.name))
        finally:
            storage.remove_session()
            storage.engine.dispose()


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that count, in their order."""
    return study.get_trials(deepcopy=False, states=ENDED)


def enqueue_start(study: optuna.Study, point: Mapping[str, int | float]) -> None:
    """Let the start be what is tried first; a start that waits since an earlier process was killed is not doubled."""
    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING, *ENDED)):
        study.enqueue_trial(dict(point))


def next_trial(
    study: optuna.Study, seed: int, space: Mapping[str, optuna.distributions.BaseDistribution]
) -> optuna.Trial:
    """Where to look next, which depends on the seed and the trials so far alone, not on how often we were stopped."""
    chance = np.random.SeedSequence([seed, len(ended(study))])
    study.sampler = TPESampler(seed=int(chance.generate_state(1)[0]), multivariate=True)
    return study.ask(dict(space))


def _study(storage: optuna.storages.RDBStorage, key: StudyKey) -> optuna.Study:
    study = optuna.create_study(
        storage=storage,
        study_name=key.name,
        direction="maximize" if key.highest_is_best else "minimize",
        load_if_exists=True,
    )
    for name, value in key.settings.items():
        study.set_user_attr(name, value)
    for dead in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(dead.number, state=TrialState.FAIL)
    return study
