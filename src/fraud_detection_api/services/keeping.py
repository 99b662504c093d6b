"""Keeping what was answered: on the disk before the answer goes out, in the database a moment later.

The answers of a worker go to a spool, one write each. A process of its own, one for all workers of the folder, brings
them from there to the database: a thread of the worker would take the interpreter lock from requests, for milliseconds.
"""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from loguru import logger

from fraud_detection_api.errors import AnswersCannotBeKept, UseCaseInvalid
from fraud_detection_api.schemas.keeping import KeepMode
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import Scored
from fraud_detection_api.services.drainer import Drainer, DrainOptions
from fraud_detection_api.storage.kept_entry import KeptAnswer, packed, packed_forms
from fraud_detection_api.storage.spool import Spool

LOOK_SECONDS, TELL_SECONDS = 0.25, 10.0
LAST_SECONDS = 8.0  # at the end of a worker, for what is still in the spool

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")

Keep = Callable[[Scored], None]


@dataclass
class KeepingCounts:
    """What became of the answers that one worker was to keep, and what it knows of the folder that all share."""

    kept: int = 0  # answers in the spool before they were given
    lost: int = 0  # answers that were given although they could not be kept: on `scores` alone
    refused: int = 0  # answers that were not given because they could not be kept: on `full` alone
    written: int = 0  # rows in the database, by the draining processes that this worker has started
    torn: int = 0  # entries that a killed process had not written to their end, and so never answered
    set_aside: int = 0  # entries that the disk has damaged or that the database will never take
    waiting_bytes: int = 0  # in the folder


@dataclass(frozen=True)
class KeepingOptions:
    """What is kept, and where it goes."""

    modes: Mapping[str, KeepMode]
    spool: Path
    most_bytes: int
    drain: DrainOptions


class Keeper:
    """Keeps the answers of one worker, from its start to its end."""

    def __init__(self, options: KeepingOptions, use_cases: Mapping[str, UseCase]) -> None:
        refuse_unknown(options.modes, use_cases)
        options.drain.database()
        self.counts = KeepingCounts()
        self._options = options
        self._modes = {name: mode for name, mode in options.modes.items() if mode is not KeepMode.OFF}
        self._opening = packed_forms({name: use_cases[name] for name in self._modes})
        self._spool: Spool | None = None
        self._drainer = Drainer(options.spool, options.drain)
        self._ending = Event()
        self._watcher = Thread(target=self._watch, name="keeping", daemon=True)
        self._counting = Lock()
        self._told = KeepingCounts()

    def keep(self, use_case: str, address: str) -> Keep | None:
        """What an address hands its answers to, if they are to be kept."""
        mode = self._modes.get(use_case)
        return partial(self._keep, address, mode is KeepMode.FULL) if mode else None

    def start(self) -> None:
        """Open the spool; does nothing where nothing is to be kept."""
        if self._modes:
            self._spool = Spool(self._options.spool, self._options.most_bytes, self._opening)
            self._watcher.start()

    def stop(self) -> None:
        """Close the spool and give what is in it a last chance, bounded in time."""
        spool = self._spool
        if spool is None:
            return
        self._ending.set()
        spool.has_much.set()  # wakes the watcher
        self._watcher.join()
        spool.close()
        self._drainer.finish(LAST_SECONDS, lambda: spool.waits)
        self._look(spool)
        self._tell()
        counts = {each.name: getattr(self.counts, each.name) for each in fields(KeepingCounts)}
        logger.bind(**counts).log("WARNING" if spool.waits else "INFO", "Answers are kept no longer")

    def _keep(self, address: str, with_records: bool, scored: Scored) -> None:
        if not len(scored):
            return
        try:
            self._append(packed(_kept(address, with_records, scored)))
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

    def _watch(self) -> None:
        spool, tell_at = self._spool, 0.0
        while spool and not self._ending.is_set():
            spool.has_much.wait(LOOK_SECONDS)
            try:
                spool.roll()
                self._drainer.tend()
                self._look(spool)
            except OSError as error:  # a full disk, for instance: the open segment goes on, and so do we
                spool.has_much.clear()
                logger.error("The spool cannot be tended: {}", error.strerror)
                self._ending.wait(LOOK_SECONDS)
            if time.monotonic() >= tell_at and self._tell():
                tell_at = time.monotonic() + TELL_SECONDS

    def _look(self, spool: Spool) -> None:
        reported = self._drainer.reported()
        self.counts.waiting_bytes = spool.look()
        self.counts.written, self.counts.torn, self.counts.set_aside = reported

    def _tell(self) -> bool:
        """Log what was lost since the last time; whether there was anything."""
        counts, told = self.counts, self._told
        lost, refused = counts.lost - told.lost, counts.refused - told.refused
        if not lost and not refused:
            return False
        log = logger.bind(lost=lost, refused=refused, lost_so_far=counts.lost, refused_so_far=counts.refused)
        log.bind(waiting_bytes=counts.waiting_bytes).error("Answers could not be kept")
        told.lost, told.refused = counts.lost, counts.refused
        return True


def refuse_unknown(modes: Mapping[str, KeepMode], use_cases: Mapping[str, UseCase]) -> None:
    """What is kept has to be known before the service starts."""
    for name in modes:
        if name not in use_cases:
            raise UseCaseInvalid(f"FRAUD_KEEP names {name!r}, which is no use case; there are: {', '.join(use_cases)}.")


def _kept(address: str, with_records: bool, scored: Scored) -> KeptAnswer:
    columns = scored.columns
    return KeptAnswer(
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
    )
