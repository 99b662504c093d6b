"""A run: its steps one after another, each from outputs that are there or that it makes, all of it in the journal."""

import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson

from fraud_detection_api.atomic import remove_partials
from fraud_detection_api.pipeline.code_version import KNOWN_STEPS, steps_of
from fraud_detection_api.pipeline.data_folder import DataFolder
from fraud_detection_api.pipeline.executing import executor_of
from fraud_detection_api.pipeline.executor import ExecutingOptions, Executor
from fraud_detection_api.pipeline.outputs import VERDICT, finished_output
from fraud_detection_api.pipeline.parameters import RunParameters, parameters_of
from fraud_detection_api.pipeline.part_work import words_of
from fraud_detection_api.pipeline.patience import patiently
from fraud_detection_api.pipeline.step import Parameters
from fraud_detection_api.pipeline.stepping import Chain, StepWork, progress_of
from fraud_detection_api.pipeline.thread_executor import ThreadExecutor
from fraud_detection_api.run_errors import JournalUnavailable, LockLost, PartFailed, RunCancelled, RunHasEnded
from fraud_detection_api.schemas.runs import Run, RunKind, RunState, StepRecord
from fraud_detection_api.storage.journal.server_lock import ServerLock

JOURNAL_SECONDS = 0.5  # between two entries on the same step
HASTE_SECONDS = 0.5  # for an executor to end where the run is over: others wait for the folder


@dataclass(frozen=True)
class RunningOptions:
    """Which steps a run has, where their parts are done, and what central steps are told of the world outside."""

    steps: str = KNOWN_STEPS
    executing: ExecutingOptions = field(default_factory=ExecutingOptions)
    places: Parameters = field(default_factory=dict, repr=False)  # may hold a password: journaled and sent nowhere
    shared: Parameters = field(default_factory=dict)  # told to every step beside a run's parameters, and not journaled


@dataclass(frozen=True)
class Progress:
    """Where a run stands: one of its steps, by its place among all of them."""

    run: str
    position: int
    steps: int
    step: StepRecord


OnProgress = Callable[[Progress], None]


def new_run(parameters: RunParameters, raw: Path | None = None) -> Run:
    """A run that nobody has asked for before."""
    now = datetime.now(UTC)
    kind = RunKind.MAKE_SAMPLE_DATA if raw is None else RunKind.SUBMIT
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    place = "" if raw is None else str(raw.absolute())
    return Run(name, kind, place, parameters.plain(), RunState.QUEUED, now)


def queued(folder: DataFolder, parameters: RunParameters, raw: Path | None = None) -> str:
    """The run of these parameters that has not ended, or else a new one."""
    folder.settle()
    run = new_run(parameters, raw)
    same = folder.journal.unfinished(run.kind, run.raw, run.parameters)
    if same is None:
        folder.journal.add(run)
    return same or run.id


class Runner:
    """Does runs of one data folder, one at a time and nobody else's meanwhile."""

    def __init__(self, folder: DataFolder, options: RunningOptions, on_progress: OnProgress = lambda _: None) -> None:
        self._folder, self._journal = folder, folder.journal
        self._options = options
        self._on_progress = on_progress
        self._executor: Executor | None = None
        self._step = ""  # at work

    def run(self, name: str) -> None:
        """Do what is left of a run; raises what ended it, after the journal has it."""
        with self._folder.alone() as lock:
            holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
            for left, dead in self._journal.at_work():  # nobody has the lock but this one
                self._journal.leave(left, dead)
            run = self._begun(name, holder)
            try:
                self._do(run, lock)
            except BaseException as error:
                self._give_up(is_ours=not isinstance(error, LockLost | JournalUnavailable))
                self._journal_end(run, holder, error)
                raise
            self._close_executor()
            patiently(lambda: self._journal.end(run.id, holder, RunState.FINISHED))

    def _begun(self, name: str, holder: str) -> Run:
        run = self._journal.run(name).run
        steps = steps_of(self._options.steps)[1 if run.raw else 0 :]
        if not self._journal.begin(run.id, holder, [step.name for step in steps]):
            raise RunHasEnded(run.id, self._journal.run(name).run.state)
        return run

    def _do(self, run: Run, lock: ServerLock) -> None:
        self._step = steps_of(self._options.steps)[0].name
        options, outputs = self._options, self._folder.outputs
        parameters = {**parameters_of(run.parameters).plain(), **options.shared}
        chain = Chain(options.steps, parameters, outputs, occasion=run.id, places=options.places)
        if run.raw:
            chain.start_from(Path(run.raw))
        steps = chain.left()
        for position, step in enumerate(steps):
            self._step = step.name
            work = chain.work(step)
            record = self._followed(work, lock, Progress(run.id, position, len(steps), StepRecord(step.name)))
            chain.put(work, record.digest)
            if (work.folder / VERDICT).is_file():
                verdict = orjson.loads((work.folder / VERDICT).read_bytes())
                patiently(partial(self._journal.put_verdict, run.id, verdict))

    def _followed(self, work: StepWork, lock: ServerLock, progress: Progress) -> StepRecord:
        """Do a step, and tell of it; what is told often is written now and then."""
        written, next_entry = progress.step, 0.0
        with closing(progress_of(work, self._executor_for(work, progress.run))) as records:
            for record in records:
                patiently(lock.check)
                is_new = record.state is not written.state
                if is_new or time.monotonic() >= next_entry:
                    next_entry, written = time.monotonic() + JOURNAL_SECONDS, record
                    if patiently(partial(self._journal.put_step, progress.run, progress.position, record)):
                        raise RunCancelled(progress.run)
                self._on_progress(replace(progress, step=record))
        return written

    def _executor_for(self, work: StepWork, run: str) -> Executor:
        """Central steps are done here, all others where the settings say; a cluster is started once it is needed."""
        if work.step.is_central or finished_output(work.folder) is not None:
            return ThreadExecutor(1)
        if self._executor is None:
            self._executor = executor_of(self._options.executing)
            patiently(partial(self._journal.put_dashboard, run, self._executor.dashboard))
        return self._executor

    def _give_up(self, *, is_ours: bool) -> None:
        """Leave nothing half made: what is still being written goes nowhere, unless others may have the folder."""
        with suppress(Exception):  # what ended the run matters more
            self._close_executor(HASTE_SECONDS)
        if is_ours:
            remove_partials(self._folder.outputs)

    def _close_executor(self, patience: float = 5.0) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.close(patience)

    def _journal_end(self, run: Run, holder: str, error: BaseException) -> None:
        if isinstance(error, RunCancelled):
            self._journal.end(run.id, holder, RunState.CANCELLED)
        elif isinstance(error, Exception):
            step = error.step if isinstance(error, PartFailed) else self._step
            self._journal.fail_step(run.id, step)
            self._journal.end(run.id, holder, RunState.FAILED, words_of(error), step)
        else:  # whoever ended the process did not mean the run
            self._journal.leave(run.id, holder)
