"""The writer process of the answer log: brings answers from the spool to the database.

Started by a worker, which hands the options in through the standard input. Once that is closed, the worker has ended:
the process writes what is left, as far as a few seconds allow, and ends too. With `check` it only looks at the options.
"""

import os
import select
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
from loguru import logger

from fraud_detection_api.errors import FraudError, StoreUnavailable, StoreUnusable
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.services.answer_log.writer_launcher import CHECK, REFUSED, WriterOptions
from fraud_detection_api.storage.answer_log.entry import RecordForm, unpacked, unpacked_forms
from fraud_detection_api.storage.answer_log.segments import Segment, finished, remove_left_overs, segments
from fraud_detection_api.storage.answer_log.spool import bytes_in
from fraud_detection_api.storage.answer_log.writing import AnswerTables, Entry
from fraud_detection_api.storage.store_database import StoreDatabase

BATCH_ROWS = 5_000
PAUSE_SECONDS, LONGEST_PAUSE = 0.25, 5.0
LAST_SECONDS = 6.0  # once the worker has ended
NICENESS = 10  # requests come first


ReasonsOf = Callable[[Entry], Sequence[str | None]]


@dataclass
class Written:
    """What became of answers."""

    written: int = 0  # records in the database
    refused: list[str] = field(default_factory=list)  # ids of entries that it will never take
    torn: int = 0  # segments that end within an entry
    set_aside: int = 0  # entries that the disk has damaged or that the database will never take


class Writer:
    """Writes finished segments and removes them; what cannot be written waits, and keeps nothing else back."""

    def __init__(self, folder: Path, answers: AnswerTables, reasons: ReasonsOf | None = None) -> None:
        self.done = Written()
        self._reasons = reasons
        self._folder = folder
        self._answers = answers
        self._begun: dict[Path, dict[str, Written]] = {}  # use cases that are done, of segments that are not
        self._troubled: set[tuple[Path, str]] = set()  # whose trouble has been told

    def once(self, until: float = float("inf")) -> bool:
        """Write every finished segment; whether nothing has to be tried again."""
        remove_left_overs(self._folder)
        with logger.contextualize(waiting_bytes=bytes_in(self._folder)):
            try:
                written = [
                    time.monotonic() < until and self._write_if_finished(path) for path in segments(self._folder)
                ]
            except StoreUnavailable:
                return False
        return all(written)

    def _write_if_finished(self, path: Path) -> bool:
        with finished(path) as segment:
            try:
                return segment is None or self._write(segment)
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001  # whatever it is, what waits goes on waiting
                self._trouble(path, "", error)
                return False

    def _write(self, segment: Segment) -> bool:
        """Write what was not written before, use case by use case: trouble with one keeps no other out."""
        before = self._begun.get(segment.path, {})
        now: dict[str, Written] = {}
        failed: set[str] = set()
        for batch in _batches(segment):
            use_case = batch[0].answer.use_case
            if use_case in before or use_case in failed:
                continue
            try:
                self._write_batch(batch, now.setdefault(use_case, Written()))
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001  # a table of another shape, for instance
                failed.add(use_case)
                self._trouble(segment.path, use_case, error)
        self._begun[segment.path] = before | {name: each for name, each in now.items() if name not in failed}
        if not failed:
            self._finish(segment, self._begun.pop(segment.path))
        return not failed

    def _write_batch(self, batch: list[Entry], into: Written) -> None:
        if self._reasons is not None:
            batch = [replace(entry, reasons=self._reasons(entry)) for entry in batch]
        refused = self._answers.write(batch)
        into.refused += [entry.id for entry in refused]
        into.written += sum(entry.answer.size for entry in batch) - sum(entry.answer.size for entry in refused)

    def _finish(self, segment: Segment, by_use_case: Mapping[str, Written]) -> None:
        refused = [each for written in by_use_case.values() for each in written.refused]
        self.done.written += sum(written.written for written in by_use_case.values())
        self.done.torn += segment.is_torn
        if segment.is_torn:
            logger.warning(
                "Segment {} ends within an entry; nobody was answered for it, unless the machine has lost power",
                segment.path.name,
            )
        if not refused and not segment.damaged:
            segment.remove()
            return
        self.done.set_aside += len(refused) + segment.damaged
        segment.set_aside()
        told = logger.bind(damaged=segment.damaged, refused_by_database=len(refused), first=refused[:3])
        told.error("Segment {} is set aside as .refused: it holds answers that cannot be written", segment.path.name)

    def _trouble(self, path: Path, use_case: str, error: Exception) -> None:
        if (path, use_case) not in self._troubled:
            # no words but our own: a driver may quote what it was given
            why = error.message if isinstance(error, FraudError) else type(error).__name__
            logger.bind(use_case=use_case, error=why).error("Segment {} cannot be written yet", path.name)
        self._troubled.add((path, use_case))


def _batches(segment: Segment) -> Iterator[list[Entry]]:
    """Entries of one use case each, as many as go into one transaction."""
    forms: dict[str, RecordForm] | None = None
    batches: defaultdict[str, list[Entry]] = defaultdict(list)
    rows: Counter[str] = Counter()
    for entry_id, content in segment.entries():
        if forms is None and segment.damaged:
            return  # without the opening nobody knows the names of the fields
        if forms is None:
            forms = unpacked_forms(content)
            continue
        answer = unpacked(content)
        name = answer.use_case
        batches[name].append(Entry(entry_id, answer, forms[name]))
        rows[name] += answer.size
        if rows[name] >= BATCH_ROWS:
            del rows[name]
            yield batches.pop(name)
    yield from batches.values()


def main() -> None:
    """Write until the worker has ended and the spool is empty."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the end of the worker is the sign to end
    if sys.argv[1:] == [CHECK]:
        check(WriterOptions(**orjson.loads(sys.stdin.buffer.read())))
        return
    os.nice(NICENESS)
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # and are not interrupted whenever a file is due
    folder, options = orjson.loads(sys.stdin.buffer.readline())
    write_until_the_end(Path(folder), WriterOptions(**options))


def write_until_the_end(folder: Path, options: WriterOptions) -> None:
    """Write what is finished, again and again."""
    configure_logs(options.log_level, options.log_json)
    try:
        database = StoreDatabase(options.store)
    except StoreUnusable as error:
        logger.error("{}", error.message)
        raise SystemExit(REFUSED) from None
    writer = Writer(folder, AnswerTables(database, options.project), _reasons(options))
    pause, ended = 0.0, False
    while not ended:
        pause = PAUSE_SECONDS if writer.once() else min(max(2 * pause, PAUSE_SECONDS), LONGEST_PAUSE)
        ended = _worker_ended(pause)
    writer.once(time.monotonic() + LAST_SECONDS)  # what it finished last
    database.dispose()
    done = writer.done
    logger.bind(written=done.written, torn=done.torn, set_aside=done.set_aside).info(
        "Answers were written to the store"
    )


def _reasons(options: WriterOptions) -> ReasonsOf | None:
    if not options.reasons:
        return None
    # models are loaded only where they are needed
    from fraud_detection_api.model.registry import Registry
    from fraud_detection_api.services.answer_log.logged_reasons import LoggedReasons
    from fraud_detection_api.use_cases.known import all_use_cases

    use_cases = all_use_cases(tuple(options.use_cases))
    return LoggedReasons(Registry(Path(options.models)), {name: use_cases[name] for name in options.reasons}).of


def check(options: WriterOptions) -> None:
    """Say why no database could ever be reached, and end with a code of its own."""
    try:
        StoreDatabase(options.store).refuse_unusable()
    except StoreUnusable as error:
        sys.stdout.write(error.message)
        raise SystemExit(REFUSED) from None


def _worker_ended(seconds: float) -> bool:
    readable, _, _ = select.select([0], [], [], seconds)
    return bool(readable) and not os.read(0, 1)


if __name__ == "__main__":
    main()
