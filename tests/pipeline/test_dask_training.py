"""Training in several processes: the same champion's way, on rows that no process holds all of."""

import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.pipeline.dask_training import DaskTrainer
from fraud_detection_api.pipeline.executor import LOCAL, ExecutingOptions
from fraud_detection_api.pipeline.training_rows import Wanted, loaded_rows, training_files, training_rows
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.tables.periods import STOPPING, TRAIN, VALIDATION
from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer
from tests.pipeline.stepping import OWN, RIDES, do, raw_folder, rides
from tests.pipeline.test_train_step import verdict_of

STEPS = ("partition", "features", "training_data")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return do(raw_folder(tmp_path_factory.mktemp("rides"), rides(6000, seed=6)), STEPS, OWN)


def test_more_rows_than_one_process_takes_are_trained_by_several(finished: Path) -> None:
    models = {"models": str(finished / "models")}
    do(finished, ["train"], OWN | models | {"most_rows_alone": 2000})
    together = Registry(finished / "models").bundle(RIDES.name, str(verdict_of(finished)["version"])).manifest
    assert together.data is not None
    assert "trained by several processes, one in 2 of the training rows described" in together.data.source
    (finished / "train").rename(finished / "train-together")
    do(finished, ["train"], OWN | models)
    alone = Registry(finished / "models").bundle(RIDES.name, str(verdict_of(finished)["version"])).manifest
    precisions = [each.metrics["average_precision"].value for each in (together, alone)]
    assert precisions[0] == pytest.approx(precisions[1], abs=0.05)
    assert alone.data is not None
    assert alone.data.validation_rows == together.data.validation_rows


def test_rows_of_one_part_are_read_alone_and_those_that_learn_one_in_so_many(finished: Path) -> None:
    folder = finished / "training_data"
    every, some = (loaded_rows(folder, RIDES, 0, Wanted(one_in=each)) for each in (1, 3))
    assert np.count_nonzero(some.parts == TRAIN) == -(-training_rows(folder) // 3)
    assert np.count_nonzero(some.parts != TRAIN) == np.count_nonzero(every.parts != TRAIN)
    assert set(loaded_rows(folder, RIDES, 0, Wanted(VALIDATION)).parts.tolist()) == {VALIDATION}


def test_a_worker_that_is_killed_ends_the_attempt_and_another_one_is_made(finished: Path, tmp_path: Path) -> None:
    loaded = loaded_rows(finished / "training_data", RIDES, 0)
    training, stopping = (np.flatnonzero(loaded.parts == part) for part in (TRAIN, STOPPING))
    told = {name: OWN[name] for name in ("use_case", "use_cases")}
    trainer = DaskTrainer(
        training_files(finished / "training_data"),
        told,
        ExecutingOptions(LOCAL),
        tmp_path / "model.json",
        XGBoostTrainer(Boosting(rounds=600, patience=0), threads=1),
    )
    killer = threading.Thread(target=kill_one_that_trains)
    killer.start()
    model = trainer.train(RIDES, loaded.dataset, training, stopping, lambda _done, _loss: None)
    killer.join(60)
    assert KILLED
    assert model.rounds == 600


KILLED: list[int] = []


def kill_one_that_trains() -> None:
    """Kill a worker that has been at work for a while."""
    until = time.monotonic() + 120
    while time.monotonic() < until and not KILLED:
        for each in psutil.Process().children(recursive=True):
            try:
                if "spawn_main" in " ".join(each.cmdline()) and any("libxgboost" in m.path for m in each.memory_maps()):
                    time.sleep(0.3)
                    each.kill()
                    KILLED.append(each.pid)
                    return
            except psutil.Error:
                continue
        time.sleep(0.05)
