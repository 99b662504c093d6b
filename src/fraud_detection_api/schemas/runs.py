"""Runs of the pipeline, as the journal has them and as they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Value = str | int | float | bool | None


class RunKind(StrEnum):
    """Where a run begins."""

    MAKE_SAMPLE_DATA = "make_sample_data"
    SUBMIT = "submit"  # from raw orders that are there


class RunState(StrEnum):
    """Where a run stands; one whose process has died is queued again by whoever sees it next."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where a step of a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


ENDED = (RunState.FINISHED, RunState.FAILED, RunState.CANCELLED)
UNFINISHED = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True)
class StepRecord:
    """A step of a run: parts done, those among them that were there already, and what came of it."""

    name: str
    state: StepState = StepState.WAITING
    done: int = 0
    of: int = 0
    found: int = 0
    rows: int = 0
    seconds: float = 0.0  # of work, in all processes
    output: str = ""  # the folder, beside others of the data folder
    digest: str = ""


@dataclass(frozen=True)
class Run:
    """A run without its steps."""

    id: str
    kind: RunKind
    raw: str  # the folder of raw orders; empty where they are made
    parameters: Mapping[str, Value]
    state: RunState
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    error: str | None = None
    error_step: str | None = None
    verdict: Mapping[str, object] | None = None  # of the gate
    is_cancelling: bool = False
    dashboard: str | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether it is at work or going to be."""
        return self.state in UNFINISHED


@dataclass(frozen=True)
class RunWithSteps:
    """A run and its steps, in their order."""

    run: Run
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True)
class QueuedRun:
    """The answer to whoever asked for a run."""

    run: str
    state: RunState
    address: str  # where it is watched


@dataclass(frozen=True)
class RunPage:
    """Runs, the newest first."""

    runs: tuple[Run, ...]
    next: str | None  # for `before`, where there are more
