"""python -m fraud_detection_api.services.draining: brings kept answers from the spool to the database.

Started by a worker, which hands the options in through the standard input. Once that is closed, the worker has ended:
the process writes what is left, as far as a few seconds allow, and ends too.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
from loguru import logger

from fraud_detection_api.errors import StoreUnavailable
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.services.drainer import DrainOptions
from fraud_detection_api.storage.kept_answers import Entry, KeptAnswers
from fraud_detection_api.storage.kept_entry import RecordForm, unpacked, unpacked_forms
from fraud_detection_api.storage.spool import bytes_in
from fraud_detection_api.storage.spool_segments import Segment, finished, remove_left_overs, segments

BATCH_ROWS = 5_000
PAUSE_SECONDS, LONGEST_PAUSE = 0.25, 5.0
LAST_SECONDS = 6.0  # once the worker has ended
NICENESS = 10  # requests come first


@dataclass
class Drained:
    """What was done so far."""

    written: int = 0
    torn: int = 0
    set_aside: int = 0


class Draining:
    """Writes finished segments and removes them, and says once when the database goes away and when it is back."""

    def __init__(self, folder: Path, answers: KeptAnswers) -> None:
        self.done = Drained()
        self._folder = folder
        self._answers = answers
        self._is_away = False
        self._troubled: set[Path] = set()  # segments whose trouble has been told

    def once(self, until: float = float("inf")) -> bool:
        """Write every finished segment; whether nothing has to be tried again."""
        remove_left_overs(self._folder)
        all_well = True
        for path in segments(self._folder):
            if time.monotonic() >= until:
                return False
            with finished(path) as segment:
                if segment is None:
                    continue
                try:
                    self._write(segment)
                except StoreUnavailable:
                    self._away()
                    return False
                except Exception as error:  # noqa: BLE001  # whatever it is, what waits goes on waiting
                    self._trouble(path, error)
                    all_well = False
                else:
                    self._back()
        return all_well

    def _write(self, segment: Segment) -> None:
        refused: list[str] = []
        written = 0
        for batch in _batches(segment):
            refused += self._answers.write(batch)
            written += sum(entry.answer.size for entry in batch)
        self.done.written += written
        self.done.torn += segment.is_torn
        if segment.is_torn:
            logger.warning("Segment {} ends within an entry, for which nobody was answered", segment.path.name)
        if not refused and not segment.damaged:
            segment.remove()
            return
        self.done.set_aside += len(refused) + segment.damaged
        segment.set_aside()
        told = logger.bind(damaged=segment.damaged, refused_by_database=len(refused), first=refused[:3])
        told.error("Segment {} is set aside as .refused: it holds answers that cannot be written", segment.path.name)

    def _away(self) -> None:
        if not self._is_away:
            log = logger.bind(waiting_bytes=bytes_in(self._folder))
            log.warning("The score store is away; answers wait in the spool")
        self._is_away = True

    def _back(self) -> None:
        if self._is_away:
            log = logger.bind(waiting_bytes=bytes_in(self._folder))
            log.info("The score store is back; answers are written again")
        self._is_away = False

    def _trouble(self, path: Path, error: Exception) -> None:
        if path not in self._troubled:  # without the error's words: a driver may quote what it was given
            logger.bind(error=type(error).__name__).error("Segment {} cannot be written yet", path.name)
        self._troubled.add(path)


def _batches(segment: Segment) -> Iterator[list[Entry]]:
    forms: dict[str, RecordForm] | None = None
    batch: list[Entry] = []
    rows = 0
    for entry_id, content in segment.entries():
        if forms is None and segment.damaged:
            return  # without the opening nobody knows the names of the fields
        if forms is None:
            forms = unpacked_forms(content)
            continue
        answer = unpacked(content)
        batch.append(Entry(entry_id, answer, forms[answer.use_case]))
        rows += answer.size
        if rows >= BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def main() -> None:
    """Drain until the worker has ended and the spool is empty."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the end of the worker is the sign to end
    os.nice(NICENESS)
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # and are not interrupted whenever a file is due
    folder, options = orjson.loads(sys.stdin.buffer.readline())
    drain(Path(folder), DrainOptions(**options))


def drain(folder: Path, options: DrainOptions) -> None:
    """Write what is finished, again and again."""
    configure_logs(options.log_level, options.log_json)
    database = options.database()
    draining = Draining(folder, KeptAnswers(database, options.project))
    pause, ended = 0.0, False
    while not ended:
        pause = PAUSE_SECONDS if draining.once() else min(max(2 * pause, PAUSE_SECONDS), LONGEST_PAUSE)
        _report(draining.done)
        ended = _worker_ended(pause)
    draining.once(time.monotonic() + LAST_SECONDS)  # what it finished last
    _report(draining.done)
    database.dispose()


def _worker_ended(seconds: float) -> bool:
    readable, _, _ = select.select([0], [], [], seconds)
    return bool(readable) and not os.read(0, 1)


def _report(done: Drained) -> None:
    with suppress(OSError):  # nobody listens any more
        os.write(1, orjson.dumps([done.written, done.torn, done.set_aside]) + b"\n")


if __name__ == "__main__":
    main()
