"""The answer log of a worker: answers are on the disk before they go out, and in the database a moment later.

The answers of a worker go to a spool, one write each. A process of its own, one for all workers of the folder, brings
them from there to the database: a thread of the worker would take the interpreter lock from requests, for milliseconds.
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from loguru import logger

from fraud_detection_api.errors import AnswersCannotBeKept, UseCaseInvalid
from fraud_detection_api.schemas.answer_log import AnswerLogMode
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions, WriterProcess
from fraud_detection_api.services.answers import Observer, Scored
from fraud_detection_api.storage.answer_log.entry import AnsweredRequest, packed, packed_forms
from fraud_detection_api.storage.answer_log.spool import Spool
from fraud_detection_api.storage.store_options import is_safe_table

LOOK_SECONDS, TELL_SECONDS = 0.25, 10.0
LAST_SECONDS = 8.0  # at the end of a worker, for what is still in the spool

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


@dataclass
class AnswerCounts:
    """What became of the answers of one worker, and what it knows of the folder that all share."""

    kept: int = 0  # answers in the spool before they were given
    lost: int = 0  # answers that were given although they could not be kept: on `scores` alone
    refused: int = 0  # answers that were not given because they could not be kept: on `full` alone
    vanished: int = 0  # answers that were given and kept, until somebody removed the spool under the worker
    waiting_bytes: int = 0  # in the folder


@dataclass(frozen=True)
class AnswerLogOptions:
    """What is kept, and where it goes."""

    modes: Mapping[str, AnswerLogMode]
    spool: Path
    most_bytes: int
    writer: WriterOptions


class AnswerLog:
    """Writes down the answers of one worker, from its start to its end."""

    def __init__(self, options: AnswerLogOptions, use_cases: Mapping[str, UseCase]) -> None:
        refuse_unknown(options.modes, use_cases)
        self.counts = AnswerCounts()
        self._options = options
        self._modes = {name: mode for name, mode in options.modes.items() if mode is not AnswerLogMode.OFF}
        self._opening = packed_forms({name: use_cases[name] for name in self._modes})
        self._spool: Spool | None = None
        self._writer = WriterProcess(options.spool, options.writer)
        self._ending = Event()
        self._watcher: Thread | None = None
        self._counting = Lock()
        self._told = AnswerCounts()
        self._trouble = ""

    def observer(self, use_case: str, address: str) -> Observer | None:
        """What an address hands its answers to, if they are to be kept."""
        mode = self._modes.get(use_case)
        return partial(self._write, address, mode.keeps_records) if mode else None

    def start(self) -> None:
        """Open the spool; does nothing where nothing is to be kept."""
        if self._modes:
            self._spool = Spool(self._options.spool, self._options.most_bytes, self._opening)
            self._watcher = Thread(target=self._watch, args=(self._spool,), name="answer log", daemon=True)
            self._watcher.start()

    @property
    def is_written(self) -> bool:
        """Whether all that this worker found in the folder, and what it kept since, is in the database."""
        return self._spool is None or not self._spool.look()

    def stop(self) -> None:
        """Close the spool and give what is in it a last chance, bounded in time."""
        spool = self._spool
        if spool is None or self._watcher is None:
            return
        self._ending.set()
        spool.has_much.set()  # wakes the watcher
        self._watcher.join()
        try:
            spool.close()
        except OSError as error:
            self._trouble = error.strerror or type(error).__name__
        self._writer.finish(LAST_SECONDS, lambda: spool.waits)
        self._look(spool)
        self._tell()
        counts = {each.name: getattr(self.counts, each.name) for each in fields(AnswerCounts)}
        logger.bind(**counts).log("WARNING" if spool.waits else "INFO", "The answer log is closed")

    def _write(self, address: str, with_records: bool, scored: Scored) -> None:
        if not len(scored):
            return
        try:
            self._append(packed(_answered(address, with_records, scored)))
        except AnswersCannotBeKept:
            with self._counting:
                self.counts.refused += with_records
                self.counts.lost += not with_records
            if with_records:
                raise
        else:
            with self._counting:
                self.counts.kept += 1

    def _append(self, content: bytes) -> None:
        if self._spool is None:
            raise AnswersCannotBeKept("the service has not started")
        self._spool.append(content)

    def _watch(self, spool: Spool) -> None:
        tell_at = 0.0
        while not self._ending.is_set():
            spool.has_much.wait(LOOK_SECONDS)
            self._tend(spool)
            if time.monotonic() >= tell_at and self._tell():
                tell_at = time.monotonic() + TELL_SECONDS

    def _tend(self, spool: Spool) -> None:
        self._trouble = ""
        # each whatever becomes of the others: where the disk is full, only what the first one starts can make room
        for step in (self._writer.tend, partial(self._look, spool), spool.roll):
            try:
                step()
            except OSError as error:
                self._trouble = error.strerror or type(error).__name__
        if self._trouble:
            self._ending.wait(LOOK_SECONDS)  # a long segment that goes on would call at once

    def _look(self, spool: Spool) -> None:
        self.counts.waiting_bytes, self.counts.vanished = spool.look(), spool.vanished

    def _tell(self) -> bool:
        """Log what was lost since the last time, and what troubles the spool; whether there was anything."""
        if self._trouble:
            logger.error("The spool cannot be tended: {}", self._trouble)
        names = ("lost", "refused", "vanished")
        so_far = {name: int(getattr(self.counts, name)) for name in names}
        since = {name: found - int(getattr(self._told, name)) for name, found in so_far.items()}
        if any(since.values()):
            totals = {f"{name}_so_far": found for name, found in so_far.items()}
            log = logger.bind(**since, **totals, waiting_bytes=self.counts.waiting_bytes)
            log.error("Answers could not be kept")
            self._told = AnswerCounts(**so_far)
        return bool(self._trouble) or any(since.values())


def check_answer_log(options: AnswerLogOptions, use_cases: Mapping[str, UseCase]) -> None:
    """What would end every worker, or let answers wait for ever, is refused before there is a worker."""
    refuse_unknown(options.modes, use_cases)
    if any(mode is not AnswerLogMode.OFF for mode in options.modes.values()):
        options.writer.check_in_a_process()
        Spool(options.spool, options.most_bytes, b"").close()


def refuse_unknown(modes: Mapping[str, AnswerLogMode], use_cases: Mapping[str, UseCase]) -> None:
    """What is kept has to be known before the service starts."""
    for name in modes:
        if name not in use_cases:
            raise UseCaseInvalid(f"FRAUD_KEEP names {name!r}, which is no use case; there are: {', '.join(use_cases)}.")
        if not is_safe_table(name):
            raise UseCaseInvalid(f"FRAUD_KEEP names {name!r}, which is no name for a table in every database.")


def _answered(address: str, with_records: bool, scored: Scored) -> AnsweredRequest:
    columns = scored.columns.record
    return AnsweredRequest(
        use_case=scored.use_case.name,
        address=address,
        request_id=REQUEST_ID.get(),
        model_version=scored.scorer.version,
        answered_at=time.time_ns(),
        scores=scored.scores.values,
        flagged=scored.scores.flagged,
        identifiers=columns.identifiers if scored.use_case.identifier and len(columns.identifiers) else None,
        numbers=columns.numbers if with_records else None,
        texts=columns.texts,
        anomaly_scores=scored.scores.anomaly_scores,
        remembered=columns.remembered if with_records else None,
    )
