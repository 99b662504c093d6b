"""The writer process, as a worker sees it: started where there is none, ended with the worker."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
from loguru import logger

from fraud_detection_api.errors import StoreUnusable
from fraud_detection_api.storage.store_options import StoreOptions

MODULE = "fraud_detection_api.services.answer_log.writer_process"
AGAIN_SECONDS = 2.0  # between two starts, should it end by itself
POLL_SECONDS = 0.02
CHECK, REFUSED = "check", 2  # an argument of the process, and its exit code


@dataclass(frozen=True)
class WriterOptions:
    """Where answers go; the URL may hold a password, so it goes to the process through a pipe."""

    url: str = field(repr=False)
    project: str
    timeout_seconds: float
    log_level: str
    log_json: bool
    models: str = ""  # the registry, for reasons
    use_cases: tuple[str, ...] = ()  # of the user's own, as the settings name them
    reasons: tuple[str, ...] = ()  # use cases whose reasons are kept

    def __post_init__(self) -> None:
        _ = self.store  # what it could never hold is refused here

    @property
    def store(self) -> StoreOptions:
        """The store that they go to."""
        return StoreOptions(self.url, (self.project,), 1, self.timeout_seconds)

    def check_in_a_process(self) -> None:
        """Raise StoreUnusable where no database could ever be reached; found elsewhere, since that loads SQL."""
        command = [sys.executable, "-m", MODULE, CHECK]
        found = subprocess.run(  # noqa: S603  # our own interpreter and module
            command, input=orjson.dumps(asdict(self)), stdout=subprocess.PIPE, check=False
        )
        if found.returncode == REFUSED:
            raise StoreUnusable(found.stdout.decode().strip())


class WriterProcess:
    """At most one process for a folder, whichever worker has started it: the lock of the folder is its ticket."""

    def __init__(self, folder: Path, options: WriterOptions) -> None:
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._next_start = 0.0

    def tend(self) -> None:
        """Start the process unless there is one, here or in another worker."""
        if self._process is not None and self._process.poll() is not None:
            self._ended(self._process)
        if self._process is None and time.monotonic() >= self._next_start:
            self._start()

    def finish(self, seconds: float, waits: Callable[[], bool]) -> None:
        """Let a process write what waits and end; a process that takes too long is killed, which loses nothing."""
        end = time.monotonic() + seconds
        self._next_start = 0.0
        while not self._runs and waits() and time.monotonic() < end:  # another worker's may just be ending
            self.tend()
            time.sleep(POLL_SECONDS)
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
        self._ended(process)

    @property
    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        self._next_start = time.monotonic() + AGAIN_SECONDS
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._next_start = 0.0  # another worker has it
                return
            # the process inherits the lock, and holds it as long as it lives, whatever becomes of this one
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [sys.executable, "-m", MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[folder],
                start_new_session=True,
            )
        finally:
            os.close(folder)
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.write(orjson.dumps([str(self._folder), asdict(self._options)]) + b"\n")
                self._process.stdin.flush()

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        self._process = None
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.close()
        if code:
            logger.bind(exit_code=code).error("The writer process has ended")
