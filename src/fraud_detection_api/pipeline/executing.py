"""Doing the parts of a step: in threads of this process, or on Dask, which is imported only there."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fraud_detection_api.pipeline.outputs import DonePart
from fraud_detection_api.pipeline.part_work import PartWork, as_text, do_part, result_of
from fraud_detection_api.run_errors import DaskUnavailable, PartFailed

TICK_SECONDS = 0.2  # between two moments at which whoever waits for parts may look at something else
IN_PROCESS, LOCAL = "none", "local"


@dataclass(frozen=True)
class ExecutingOptions:
    """Where parts are done; the key of a certificate is a file that only its owner may read."""

    dask: str = IN_PROCESS  # or `local`, or the address of a scheduler
    at_once: int = 2  # parts, in threads here or in processes of a local cluster
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.dask not in (IN_PROCESS, LOCAL) and not self.dask.startswith(("tcp://", "tls://")):
            raise DaskUnavailable("FRAUD_DASK has to be none, local, or a scheduler's address: tcp://host:port.")
        if self.dask.startswith("tls://") and not (self.tls_ca and self.tls_cert and self.tls_key):
            raise DaskUnavailable("A scheduler at tls:// needs FRAUD_DASK_TLS_CA, FRAUD_DASK_TLS_CERT and _KEY.")


class Executor(Protocol):
    """Whatever does parts."""

    dashboard: str | None

    def run(self, works: Sequence[PartWork]) -> Iterator[DonePart | None]:
        """Each part once it is done, in any order, and None now and then; raises PartFailed at the first error."""

    def close(self) -> None:
        """Do no more; what is being done is given up."""


def executor_of(options: ExecutingOptions) -> Executor:
    """The executor that the settings name."""
    if options.dask == IN_PROCESS:
        return ThreadExecutor(options.at_once)
    from fraud_detection_api.pipeline.dask_executor import DaskExecutor

    return DaskExecutor(options)


class ThreadExecutor:
    """Threads of this process, which end with it; compiled code lets the interpreter go, so that two are worth it."""

    dashboard: str | None = None

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._is_closed = threading.Event()

    def run(self, works: Sequence[PartWork]) -> Iterator[DonePart | None]:
        """Each part once it is done."""
        waiting: queue.SimpleQueue[PartWork] = queue.SimpleQueue()
        results: queue.SimpleQueue[tuple[PartWork, str]] = queue.SimpleQueue()
        enough = threading.Event()
        for work in works:
            waiting.put(work)
        for number in range(min(self._at_once, len(works))):
            arguments = (waiting, results, enough)
            threading.Thread(target=self._work, args=arguments, name=f"part-{number}", daemon=True).start()
        try:
            yield from gathered(results, len(works))
        finally:
            enough.set()

    def close(self) -> None:
        """No further part is begun."""
        self._is_closed.set()

    def _work(
        self,
        waiting: "queue.SimpleQueue[PartWork]",
        results: "queue.SimpleQueue[tuple[PartWork, str]]",
        enough: threading.Event,
    ) -> None:
        while not (enough.is_set() or self._is_closed.is_set()):
            try:
                work = waiting.get_nowait()
            except queue.Empty:
                return
            results.put((work, do_part(as_text(work))))


def gathered(results: "queue.SimpleQueue[tuple[PartWork, str]]", count: int) -> Iterator[DonePart | None]:
    """So many results as they come, and None while none does."""
    left = count
    while left:
        try:
            work, text = results.get(timeout=TICK_SECONDS)
        except queue.Empty:
            yield None
            continue
        left -= 1
        yield done_or_raise(work, text)


def done_or_raise(work: PartWork, text: str) -> DonePart:
    """What was done; raises PartFailed where it was not."""
    result = result_of(text)
    if result.done is None:
        raise PartFailed(work.step, work.file, result.error)
    return result.done
