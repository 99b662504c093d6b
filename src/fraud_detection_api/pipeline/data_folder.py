"""The data folder: outputs, the journal where it has no server, and the lock that lets one run at a time work in it.

The kernel frees the lock of the folder when its holder dies, and a database server that of the journal: so a folder
that several machines share needs a journal on a server.
"""

import fcntl
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fraud_detection_api.atomic import make_once, remove_partials
from fraud_detection_api.pipeline.outputs import FINISHED, OUTPUTS
from fraud_detection_api.run_errors import PipelineBusy
from fraud_detection_api.storage.journal.journal_database import JournalDatabase, JournalOptions
from fraud_detection_api.storage.journal.run_journal import RunJournal
from fraud_detection_api.storage.journal.server_lock import ServerLock

IDENTITY, LOCK = "folder-id", ".lock"
PATIENCE_SECONDS, POLL_SECONDS = 2.0, 0.05  # others look at a lock for an instant


@dataclass(frozen=True)
class FolderOptions:
    """Where the data folder is, and its journal."""

    folder: Path
    journal: str = ""  # a URL; without one, a SQLite file in the folder
    journal_project: str = "fraud_pipeline"
    timeout_seconds: float = 10


class DataFolder:
    """A folder of outputs with its journal."""

    def __init__(self, options: FolderOptions) -> None:
        self.path = options.folder.absolute()
        self.outputs = self.path / OUTPUTS
        self.outputs.mkdir(parents=True, exist_ok=True)
        self.id = _identity(self.path / IDENTITY)
        url = options.journal or f"sqlite:///{self.path}"
        self._database = JournalDatabase(JournalOptions(url, options.journal_project, options.timeout_seconds))
        self.journal = RunJournal(self._database, self.id)

    def close(self) -> None:
        """Close the journal."""
        self._database.close()

    @contextmanager
    def alone(self) -> Iterator[ServerLock]:
        """Nobody else works in the folder meanwhile; raises PipelineBusy where somebody does."""
        server = ServerLock(self._database, f"fraud-pipeline-{self.id}")
        with _flock(self.path / LOCK, fcntl.LOCK_EX, PATIENCE_SECONDS) as is_ours:
            if not (is_ours and server.take()):
                raise PipelineBusy(self.path)
            try:
                remove_partials(self.outputs)
                yield server
            finally:
                server.release()

    def is_free(self) -> bool:
        """Whether nobody works in the folder at this moment."""
        server = ServerLock(self._database, f"fraud-pipeline-{self.id}")
        try:
            with _flock(self.path / LOCK, fcntl.LOCK_SH, 0) as is_free:
                return is_free and server.is_free()
        finally:
            server.release()

    def settle(self) -> None:
        """Queue runs again that are said to be running by processes that are no more."""
        at_work = self.journal.at_work()  # read first: who writes it here has the lock, for as long as it lives
        if at_work and self.is_free():
            for run, holder in at_work:
                self.journal.leave(run, holder)

    def remove(self, output: str) -> None:
        """Remove an output; one that is half removed is not finished."""
        (self.outputs / output / FINISHED).unlink(missing_ok=True)
        shutil.rmtree(self.outputs / output, ignore_errors=True)


def _identity(file: Path) -> str:
    """The same for everybody who sees the folder, whatever its path there."""
    if not file.exists():
        make_once(file, secrets.token_hex(8).encode())
    return file.read_text().strip()


@contextmanager
def _flock(file: Path, how: int, patience: float) -> Iterator[bool]:
    """A lock of the kernel's; whether it was to be had."""
    until = time.monotonic() + patience
    with file.open("a") as opened:
        while True:
            try:
                fcntl.flock(opened, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(POLL_SECONDS)
                    continue
                yield False
            else:
                yield True
            return
