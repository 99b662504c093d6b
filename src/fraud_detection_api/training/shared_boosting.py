"""Boosting in several processes at once: each has a share of the rows, and together they make one model.

They exchange sums of histograms, no rows. If one of them dies, the others fail soon, and all begin again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray
from xgboost import collective
from xgboost.tracker import RabitTracker

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.xgboost_trainer import Bins, Watched, best_rounds, boosted, feature_types

SECONDS_TO_MEET = 120
Place = Mapping[str, str | int]  # where processes find each other


class ProcessLost(Exception):
    """One of the processes has gone, and the model with it."""


@dataclass(frozen=True)
class Share:
    """Rows of one process: as the model sees them, with labels, and how many rows each stands for."""

    matrix: Matrix
    labels: NDArray[np.bool_]
    weights: NDArray[np.float32]

    def bins(self, use_case: UseCase, like: Bins | None = None) -> Bins:
        """As histograms, with edges that all processes have agreed on."""
        return Bins(
            self.matrix,
            label=self.labels.astype(np.float32),
            weight=self.weights,
            feature_names=list(use_case.feature_names),
            feature_types=feature_types(use_case),
            enable_categorical=True,
            nthread=1,
            ref=like,
        )


@contextmanager
def meeting(host: str, processes: int) -> Iterator[Place]:
    """A place on this machine where so many processes meet."""
    tracker = RabitTracker(host_ip=host, n_workers=processes, timeout=SECONDS_TO_MEET)
    tracker.start()
    try:
        yield dict(tracker.worker_args())
    finally:
        with suppress(xgboost.core.XGBoostError):  # it waits for processes that are no more
            tracker.free()


def boosted_together(
    use_case: UseCase, place: Place, how: tuple[Parameters, int, int], training: Share, stopping: Share
) -> bytes:
    """The model, the same in each process; how: the parameters, the rounds, and the patience."""
    parameters, rounds, patience = how
    try:
        with collective.CommunicatorContext(**place):
            bins = training.bins(use_case)
            watched = Watched(stopping.bins(use_case, bins), patience) if patience else None
            booster = boosted(parameters | {"nthread": 1}, bins, rounds, watched, lambda _, __, ___: None)
            kept = booster[: best_rounds(booster, watched)] if watched else booster
            return bytes(kept.save_raw("json"))
    except xgboost.core.XGBoostError as error:
        raise ProcessLost from error
