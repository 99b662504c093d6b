"""The small pipeline as it runs in production: a command in a process of its own, which tests may kill."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from fraud_detection_api.pipeline.data_folder import DataFolder, FolderOptions
from fraud_detection_api.schemas.runs import RunWithSteps
from tests.pipeline.small_steps import HOLD, LEDGER, STEPS_HERE
from tests.running_service import (
    LONGEST_WAIT,
    RunningService,
    eventually,
    free_port,
    running_process,
    service_environment,
)

FRAUD = (sys.executable, "-m", "fraud_detection_api.cli.main", "pipeline")
SMALL = ("--files", "6", "--orders-per-file", "400", "--customers", "50", "--partitions", "4")
PARTS = 6 + 4 + 4 + 1


@dataclass
class Pipeline:
    """A data folder, and commands that work in it."""

    root: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def hold(self) -> Path:
        """As long as this file is there, no part ends."""
        return self.root / "hold"

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.root / "pipeline"

    def variables(self) -> dict[str, str]:
        """The environment of every process of it."""
        settings = {"pipeline": self.folder, "pipeline_steps": STEPS_HERE, "models": self.root / "models"}
        own = {LEDGER: str(self.root / "ledger"), HOLD: str(self.hold)}
        return service_environment({**settings, **self.settings}) | own | dict(self.environment)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command, begun."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*FRAUD, *arguments], cwd=self.root, env=self.variables(), stdout=pipe, stderr=pipe, text=True
        )

    def held(self, *arguments: str) -> subprocess.Popen[str]:
        """A run, begun: two of its parts are being made, and neither ends before the hold is gone."""
        self.hold.touch()
        process = self.start("run", *arguments)
        self.at_work(2)
        return process

    def do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command, ended."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=2 * LONGEST_WAIT)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def opened(self) -> DataFolder:
        """The data folder as the product opens it."""
        return DataFolder(FolderOptions(self.folder, str(self.settings.get("journal", "")), self.project))

    @property
    def project(self) -> str:
        """Where the journal is on a server."""
        return str(self.settings.get("journal_project", "fraud_pipeline"))

    def run(self, name: str = "") -> RunWithSteps:
        """A run, or the latest, as the journal has it without anybody's putting it right."""
        folder = self.opened()
        try:
            return folder.journal.run(name or folder.journal.runs(limit=1)[0].id)
        finally:
            folder.close()

    def states(self) -> list[str]:
        """Of all runs, the newest first."""
        folder = self.opened()
        try:
            return [run.state.value for run in folder.journal.runs()]
        finally:
            folder.close()

    def done(self) -> Counter[str]:
        """How often each part was done."""
        ledger = self.root / "ledger"
        return Counter(ledger.read_text().split()) if ledger.exists() else Counter()

    def at_work(self, parts: int) -> None:
        """Wait until so many parts are being made."""
        eventually(lambda: len(self.partials()) == parts)

    def partials(self) -> list[Path]:
        """What is half made."""
        return [*self.folder.rglob(".*.part")]

    def digests(self) -> dict[str, str]:
        """Of each step's output in the latest run."""
        return {step.name: step.digest for step in self.run().steps}


@contextmanager
def pipeline_service(pipeline: Pipeline) -> Iterator[RunningService]:
    """The service of a data folder, started as it is in production; ended if it has not been killed."""
    port = free_port()
    command = (*FRAUD, "serve", "--port", str(port))
    with running_process(command, port, pipeline.root, pipeline.variables()) as service:
        yield service


def run_process(service: RunningService) -> psutil.Process:
    """The process of the run that the service has begun."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = psutil.Process(service.process.pid).children()
        return bool(found)

    eventually(is_there)
    return found[0]


def killed(process: subprocess.Popen[str]) -> None:
    """End it as the kernel does when memory runs out."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
