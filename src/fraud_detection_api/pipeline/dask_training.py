"""Training on the workers of Dask: each reads a share of the files, and together they boost one model.

They are sent texts, and the first of them puts the model into a file. A worker that dies ends the attempt within
seconds, and another one is made.
"""

import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import orjson
from distributed import Client, Future

from fraud_detection_api.features.matrix import KnownTexts, MatrixMaker
from fraud_detection_api.pipeline.dask_executor import local_cluster, security_of
from fraud_detection_api.pipeline.executor import IN_PROCESS, LOCAL, ExecutingOptions
from fraud_detection_api.pipeline.given import use_case_of
from fraud_detection_api.pipeline.part_work import words_of
from fraud_detection_api.pipeline.step import Parameters
from fraud_detection_api.pipeline.training_rows import Wanted, rows_in
from fraud_detection_api.run_errors import DaskUnavailable, PartFailed
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Parameters as BoostingParameters
from fraud_detection_api.training.shared_boosting import ProcessLost, Share, boosted_together, meeting
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.tables.periods import STOPPING, TRAIN
from fraud_detection_api.training.trained import RoundDone, TrainedModel, maker_within
from fraud_detection_api.training.xgboost_trainer import PROVEN_ON, XGBoostTrainer

ATTEMPTS, TICK_SECONDS, SECONDS_FOR_WORKERS = 3, 0.2, 60
_LOST, _DONE, _FAILED = "lost", "done", "failed"


@dataclass(frozen=True)
class ShareWork:
    """What one worker is told: which files are its own, how to boost, where to meet, and who it is."""

    parameters: Parameters
    files: Sequence[str]
    categories: Mapping[str, tuple[Sequence[str], bool]]
    place: Mapping[str, str | int]
    boosting: BoostingParameters
    rounds: int
    patience: int
    model: str  # the file that the model goes to; empty in all workers but one


def boost_share(text: str) -> str:
    """In a worker: boost on its share, together with all others; how it ended, in words."""
    work = ShareWork(**orjson.loads(text))
    try:
        use_case = use_case_of(work.parameters)
        training, stopping = (_share(work, use_case, part) for part in (TRAIN, STOPPING))
        how = work.boosting, work.rounds, work.patience
        model = boosted_together(use_case, work.place, how, training, stopping)
        if work.model:
            Path(work.model).write_bytes(model)
    except ProcessLost:
        return orjson.dumps({"ended": _LOST}).decode()
    except Exception as error:  # noqa: BLE001 - told to whoever asked, as of every part
        return orjson.dumps({"ended": _FAILED, "why": words_of(error)}).decode()
    return orjson.dumps({"ended": _DONE}).decode()


def _share(work: ShareWork, use_case: UseCase, part: int) -> Share:
    known = {name: KnownTexts(tuple(texts), has_other) for name, (texts, has_other) in work.categories.items()}
    maker = MatrixMaker(use_case.feature_names, known)
    loaded = rows_in([Path(each) for each in work.files], use_case, Wanted(part))
    weights = loaded.dataset.weights
    ones = np.ones(len(loaded.dataset), np.float32)
    return Share(maker.matrix(loaded.dataset.columns), loaded.dataset.labels, ones if weights is None else weights)


@dataclass(frozen=True)
class DaskTrainer:
    """Trains on files instead of the dataset's own rows, which are some of the same and say what texts there are."""

    files: Sequence[Path]
    parameters_of_run: Parameters
    executing: ExecutingOptions
    model: Path
    trainer: XGBoostTrainer

    @property
    def parameters(self) -> BoostingParameters:
        """What the library is told."""
        return self.trainer.parameters

    @property
    def most_rounds(self) -> int:
        """As many as are asked for."""
        return self.trainer.most_rounds

    def train(self, use_case: UseCase, dataset: Dataset, rows: Rows, _: Rows, on_round: RoundDone) -> TrainedModel:
        """Boost on the training rows of all files until their stopping rows see no more gain."""
        maker = maker_within(use_case, dataset, rows)
        boosting = self.trainer.boosting
        categories = {name: (known.texts, known.has_other) for name, known in maker.categories.items()}
        work = ShareWork(
            self.parameters_of_run, (), categories, {}, boosting.parameters, boosting.rounds, boosting.patience, ""
        )
        self._boost(work)
        found = self.trainer.proven(self.model.read_bytes(), dataset.columns.take(rows[:PROVEN_ON]), maker)
        on_round(found.rounds, None)
        return found

    def _boost(self, work: ShareWork) -> None:
        options = self.executing
        is_local = options.dask in (IN_PROCESS, LOCAL)
        cluster = local_cluster(options.at_once) if is_local else None
        try:
            with closing(
                Client(cluster or options.dask, security=security_of(options), set_as_default=False)
            ) as client:
                for _ in range(ATTEMPTS):
                    if self._attempt(client, work, "127.0.0.1" if is_local else _own_host(options.dask)):
                        return
        except (OSError, TimeoutError):
            raise DaskUnavailable(f"No Dask scheduler answers at {options.dask}.") from None
        finally:
            if cluster is not None:
                cluster.close(timeout=5)
        raise PartFailed("train", self.model.name, f"in {ATTEMPTS} attempts a worker was lost; is there enough memory?")

    def _attempt(self, client: Client, work: ShareWork, host: str) -> bool:
        """Whether a model was made: not where a worker was lost."""
        client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])[: len(self.files)]
        with meeting(host, len(workers)) as place:
            shares = [[str(path) for path in self.files[at :: len(workers)]] for at in range(len(workers))]
            models = [str(self.model), *[""] * (len(workers) - 1)]
            futures = [
                client.submit(
                    boost_share,
                    _text(replace(work, files=files, place=place, model=model)),
                    workers=[worker],
                    allow_other_workers=False,
                    pure=False,
                    retries=0,
                )
                for worker, files, model in zip(workers, shares, models, strict=True)
            ]
            try:
                return _all_done(client, futures, workers)
            finally:
                client.cancel(futures, force=True)


def _all_done(client: Client, futures: "Sequence[Future[str]]", workers: Sequence[str]) -> bool:
    """Wait until all have ended, or one of them will not."""
    while True:
        ended = [future for future in futures if future.done()]
        for future in ended:
            found = orjson.loads(future.result()) if future.status == "finished" else {"ended": _LOST}
            if found["ended"] == _FAILED:
                raise PartFailed("train", "a share of the rows", found["why"])
            if found["ended"] == _LOST:
                return False
        if len(ended) == len(futures):
            return True
        if not set(workers) <= set(client.scheduler_info(n_workers=-1)["workers"]):
            return False
        time.sleep(TICK_SECONDS)


def _text(work: ShareWork) -> str:
    return orjson.dumps(asdict(work)).decode()


def _own_host(scheduler: str) -> str:
    """The address of this machine, as it is seen on the way to the scheduler."""
    parts = urlsplit(scheduler)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect((parts.hostname or "127.0.0.1", parts.port or 8786))
        return str(probe.getsockname()[0])
    return "127.0.0.1"
