"""A shop as it runs in production: pipeline commands, API processes, Redis, and the log of what was answered."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import orjson

from fraud_detection_api.features.columns import Remembered
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.pipeline.remembered_rows import remembered_rows
from fraud_detection_api.pipeline.scattered import Scatter, batches_of, scattered_files
from fraud_detection_api.schemas.histories import Histories
from fraud_detection_api.storage.blocks import blocks_in
from fraud_detection_api.use_cases.orders import ORDERS
from tests.orders.live import KNOWN_HERE
from tests.running_service import RunningService, eventually, running_service, service_environment

FRAUD = (sys.executable, "-m", "fraud_detection_api.cli.main")


@dataclass
class OrderShop:
    """A folder with the models, histories and answers of a shop, and what is done there."""

    folder: Path
    histories: str
    partitions: int = 4
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, object]:
        """What every process is told."""
        places = {name: self.folder / name for name in ("models", "pipeline", "spool")}
        own = {"histories": self.histories, "histories_secret": self.folder / "secret", "keep": "orders=full"}
        return KNOWN_HERE | places | own | {"store": f"sqlite:///{self.folder}/store"} | dict(self.more)

    def fraud(self, *words: str | Path, code: int = 0) -> str:
        """What a command says; it has to end with this code."""
        command = [*FRAUD, *map(str, words)]
        environment = service_environment(self.settings)
        found = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert found.returncode == code, found.stdout[-2_000:] + found.stderr[-4_000:]
        return found.stdout

    def pipeline(self, raw: Path, *words: str) -> str:
        """Make a champion from raw orders and load the histories."""
        return self.fraud("pipeline", "run", "--raw", raw, "--partitions", str(self.partitions), *words)

    def features(self, raw: Path) -> Remembered:
        """What the pipeline's steps say of each raw order, in the order of files and rows."""
        partitioned, made = (
            Path(self.fraud("pipeline", "step", name, "--raw", raw, "--partitions", str(self.partitions)).split()[-1])
            for name in ("partition", "features")
        )
        return features_of(partitioned, made, self.partitions)

    @contextmanager
    def services(self, count: int = 1) -> Iterator[list[RunningService]]:
        """API processes, each with a port of its own."""
        with ExitStack() as stack:
            yield [stack.enter_context(running_service(self.folder, self.settings)) for _ in range(count)]

    def answered(self) -> int:
        """How many answers are in the log."""
        if not (self.folder / "store" / "fraud_answers.sqlite").exists():
            return 0
        with closing(self._log()) as log:
            is_there = log.execute("SELECT count(*) FROM sqlite_master WHERE name = 'orders'").fetchone()[0]
            return int(log.execute("SELECT count(*) FROM orders").fetchone()[0]) if is_there else 0

    def wait_for_answers(self, count: int) -> None:
        """Wait until so many are in the log; as long as more come, there is no hurry."""
        before = -1
        while (found := self.answered()) != count:
            assert found > before, f"{found:,} of {count:,} answers came to the log"
            before = found
            with suppress(AssertionError):
                eventually(partial(self._has_more_than, found))

    def _has_more_than(self, count: int) -> bool:
        return self.answered() != count

    def logged(self, rows_of: Mapping[str, Whole], size: int) -> Remembered:
        """What the log says of histories, put at the rows that each request asked about."""
        features, names = ([each.name for each in every] for every in (_histories().features, _histories().of))
        values = np.full((len(features), size), np.nan)
        flags, received = np.zeros((len(names), size), np.uint8), np.zeros((len(names), size), np.int64)
        with closing(self._log()) as log:
            for request, position, text in log.execute("SELECT request_id, position, histories FROM orders"):
                if request not in rows_of:
                    continue
                row, said = int(rows_of[request][position]), orjson.loads(text)
                assert list(said["features"]) == features
                values[:, row] = [np.nan if each is None else each for each in said["features"].values()]
                flags[:, row] = [each["flags"] for each in said["keys"].values()]
                received[:, row] = [each["received"] for each in said["keys"].values()]
        return Remembered(values, flags, received)

    def _log(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.folder}/store/fraud_answers.sqlite?mode=ro", uri=True)


def features_of(partitioned: Path, made: Path, partitions: int) -> Remembered:
    """What two finished steps say of each raw order."""
    histories, found, batch = _histories(), list[Remembered](), 0
    scatter = Scatter(len(histories.of), partitions)
    with remembered_rows(made, histories, scatter) as rows:
        for path in scattered_files(partitioned):
            first = 0
            with blocks_in(path) as blocks:
                for own in range(batches_of(blocks)):
                    places = [scatter.block(own, 0, partition) for partition in range(partitions)]
                    size = sum(len(blocks.read(place)["row"]) for place in places)
                    found.append(rows.of_batch(batch, first + np.arange(size)))
                    batch, first = batch + 1, first + size
    return joined(found)


def joined(parts: Sequence[Remembered]) -> Remembered:
    """What is said of some records and then of others."""
    every = [(each.values, each.flags, each.received) for each in parts]
    values, flags, received = (np.concatenate(each, axis=1) for each in zip(*every, strict=True))
    return Remembered(values, flags, received)


def differing(one: Remembered, other: Remembered) -> dict[str, int]:
    """How many records differ in each feature, by its bytes, and in the flags of each history."""
    bits = [np.where(np.isnan(each.values), np.nan, each.values).view(np.int64) for each in (one, other)]
    names = [*(each.name for each in _histories().features), *(each.name for each in _histories().of)]
    counts = np.concatenate([(bits[0] != bits[1]).sum(axis=1), (one.flags != other.flags).sum(axis=1)])
    return {name: count for name, count in zip(names, counts.tolist(), strict=True) if count}


def _histories() -> Histories:
    assert ORDERS.histories is not None
    return ORDERS.histories
