"""The service's runs: each in a process of its own, one at a time, so that none can take the service along."""

import signal
import subprocess
import sys
import time
from contextlib import suppress

from loguru import logger

from fraud_detection_api.errors import FraudError
from fraud_detection_api.pipeline.data_folder import DataFolder
from fraud_detection_api.run_errors import PipelineBusy
from fraud_detection_api.schemas.runs import RunState

COMMAND = (sys.executable, "-m", "fraud_detection_api.cli.main", "pipeline", "resume")
MOST_DEATHS = 5  # of the process of a run, one after another and without a part that was finished
SHORTEST_PAUSE, LONGEST_PAUSE = 0.3, 5.0


class RunProcesses:
    """Starts the process of the next queued run whenever none is at work in the data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._run = ""
        self._pause, self._next_start = SHORTEST_PAUSE, 0.0
        self._deaths: dict[str, tuple[int, int]] = {}  # how often, and how many parts were done by then

    def tend(self) -> None:
        """Look after the process, and start the next; the journal may be away for a while."""
        try:
            if self._process is not None and self._process.poll() is not None:
                self._ended(self._process)
            if self._process is None and time.monotonic() >= self._next_start:
                self._start_next()
        except FraudError as error:
            self._wait(error.message)

    def stop(self, seconds: float) -> None:
        """Let the process queue its run again and end; one that takes too long is killed, which loses no more."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start_next(self) -> None:
        self._folder.settle()
        run = self._folder.journal.next_queued()
        if run is None or not self._folder.is_free():
            return
        logger.bind(run=run).info("A run begins")
        # it ends once its standard input does: with this process, however that ends
        command = [*COMMAND, run, "--folder", str(self._folder.path), "--until-closed"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        self._run = run

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
        self._process = None
        found = self._folder.journal.run(self._run)  # before what it left is put right
        beside = logger.bind(run=self._run, exit_code=process.returncode)
        beside.log("INFO" if process.returncode == 0 else "WARNING", "The process of a run has ended")
        self._folder.settle()
        if not found.run.is_unfinished:
            self._pause = SHORTEST_PAUSE
            return
        was_at_work = found.run.state is RunState.RUNNING
        if was_at_work or process.returncode not in (PipelineBusy.exit_code, -signal.SIGKILL):
            self._died(sum(step.done for step in found.steps))
        self._wait("")

    def _died(self, done: int) -> None:
        """What ends a process again and again is the run's own doing, and not tried for ever."""
        deaths, before = self._deaths.get(self._run, (0, -1))
        deaths += 1
        if done > before:
            deaths, self._pause = 1, SHORTEST_PAUSE
        self._deaths[self._run] = deaths, done
        if deaths >= MOST_DEATHS:
            del self._deaths[self._run]
            words = f"Its process ended {deaths} times without finishing a part; is there enough memory?"
            self._folder.journal.give_up(self._run, words)

    def _wait(self, why: str) -> None:
        if why:
            logger.warning("Runs wait: {}", why)
        self._next_start = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
