"""A pipeline that is killed: its folder, its processes, and every way to kill one of them."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from benchmarks.servers import free_port

FRAUD = (sys.executable, "-m", "fraud_detection_api.cli.main", "pipeline")
DASK = (sys.executable, "-m", "dask")
LONGEST_RUN, POLL_SECONDS = 1_800.0, 0.05
ENDED = ("finished", "failed", "cancelled")
Parts = dict[Path, int]  # finished ones, and their inodes: one that is made again is another file


@dataclass
class Place:
    """A folder with a pipeline of its own, and the processes that were started for it."""

    root: Path
    steps: str
    dask: str
    seconds: str
    port: int = field(default_factory=free_port)
    dask_port: int = field(default_factory=free_port)
    service: subprocess.Popen[bytes] | None = None
    cluster: list[subprocess.Popen[bytes]] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))  # a new one for each look is work

    def environment(self) -> dict[str, str]:
        """Of every process of it."""
        dask = f"tcp://127.0.0.1:{self.dask_port}" if self.dask == "scheduler" else self.dask
        own = {
            "FRAUD_PIPELINE": str(self.root / "pipeline"),
            "FRAUD_MODELS": str(self.root / "models"),
            "FRAUD_PIPELINE_STEPS": self.steps,
            "FRAUD_DASK": dask,
            "FRAUD_HISTORIES_PREFIX": f"kills-{self.port}",
            "FRAUD_HISTORIES_SECRET": str(self.root.parent / "histories.secret"),  # another makes other keys
            "SMALL_STEPS_SECONDS": self.seconds,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH")))),
        }
        return {**os.environ, **own}

    def start_cluster(self) -> None:
        """A scheduler and two workers, where they are wanted."""
        if self.dask != "scheduler":
            return
        at, quiet = f"tcp://127.0.0.1:{self.dask_port}", "--no-dashboard"
        self.cluster = [self.begun([*DASK, "scheduler", "--host", "127.0.0.1", "--port", str(self.dask_port), quiet])]
        self.cluster += [self.begun([*DASK, "worker", at, "--nthreads", "1", quiet]) for _ in range(2)]

    def start_service(self) -> None:
        """The pipeline service, up."""
        self.service = self.begun([*FRAUD, "serve", "--port", str(self.port)])
        wait(lambda: self.get("/ping") is not None, LONGEST_RUN)

    def begun(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """A process whose words go to a file."""
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.root, env=self.environment(), stdout=log, stderr=log)

    def get(self, path: str) -> dict[str, object] | None:
        """What the service answers; None where it does not."""
        try:
            found: dict[str, object] = self.client.get(f"http://127.0.0.1:{self.port}{path}").json()
        except httpx.TransportError:
            return None
        return found

    def run(self, name: str) -> tuple[str, list[dict[str, object]]]:
        """The state of a run, and its steps."""
        found = self.get(f"/pipeline/runs/{name}")
        if found is None:
            return "unknown", []
        run, steps = found["run"], found["steps"]
        assert isinstance(run, dict)
        assert isinstance(steps, list)
        return str(run["state"]), steps

    def error(self, name: str) -> str:
        """What ended a run."""
        found = self.get(f"/pipeline/runs/{name}")
        run = found["run"] if found else {}
        return str(run.get("error") or "") if isinstance(run, dict) else ""

    def finished_parts(self) -> Parts:
        """The parts that are whole."""
        found: Parts = {}
        for record in self.root.glob("pipeline/outputs/*/_parts/*.json"):
            part = record.parent.parent / record.name.removesuffix(".json")
            with suppress(FileNotFoundError):
                found[part] = part.stat().st_ino
        return found

    def end(self) -> None:
        """End all of it."""
        for process in [*filter(None, [self.service]), *self.cluster]:
            process.kill()
            process.wait()
        wait(lambda: not self.run_processes(), LONGEST_RUN)

    def is_at_work(self, run: str) -> bool:
        """Whether the run has ended, or a process of this very service does it: of the last one it may be said, too."""
        assert self.service is not None
        own = children(psutil.Process(self.service.pid))
        state = self.run(run)[0]
        return state in ENDED or (state == "running" and any(is_run(each, str(self.root / "pipeline")) for each in own))

    def run_processes(self) -> list[psutil.Process]:
        """Those that do runs in the data folder, whoever has begun them."""
        wanted = str(self.root / "pipeline")
        return [each for each in psutil.process_iter() if is_run(each, wanted)]


def is_run(process: psutil.Process, folder: str) -> bool:
    """Whether it does a run in this folder."""
    words = words_of(process)
    return "resume" in words and folder in words


def words_of(process: psutil.Process) -> list[str]:
    """What it was started with; nothing where it is no more."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait(holds: Callable[[], bool], longest: float) -> float:
    """Wait until it holds; how long that took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > longest:
            raise SystemExit("stuck: it never came to be")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def kill_service(place: Place) -> bool:
    """The service, whose run ends with it."""
    assert place.service is not None
    place.service.kill()
    place.service.wait()
    return True


def kill_run(place: Place) -> bool:
    """The process of the run; whether there was one."""
    return sum(killed(process) for process in place.run_processes()) > 0


def kill_worker(place: Place) -> bool:
    """A worker, of this machine's cluster or of the scheduler's; whether there was one."""
    owners = [psutil.Process(each.pid) for each in place.cluster[1:]] or place.run_processes()
    workers = [each for owner in owners for each in children(owner) if "spawn_main" in " ".join(words_of(each))]
    return bool(workers) and killed(random.choice(workers))


def killed(process: psutil.Process) -> bool:
    """Whether it was there to be killed."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def children(process: psutil.Process) -> list[psutil.Process]:
    """Those that still are."""
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def kill_scheduler(place: Place) -> bool:
    """The scheduler with its workers, started again as a container would be."""
    for process in place.cluster:
        process.kill()
        process.wait()
    place.start_cluster()
    return True


KILLS: dict[str, tuple[Callable[[Place], bool], ...]] = {
    "none": (kill_service, kill_run),
    "local": (kill_service, kill_run, kill_worker),
    "scheduler": (kill_service, kill_run, kill_worker, kill_scheduler),
}
