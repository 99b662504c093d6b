"""Parts on Dask: a cluster of this machine, or a scheduler at an address. It is sent texts, and answers with texts.

A part whose worker is killed is done again, a few times; a scheduler that goes away is looked for again, for a while.
"""

import importlib.util
import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress

import dask
from distributed import Client, Future, LocalCluster
from distributed.scheduler import KilledWorker
from distributed.security import Security

from fraud_detection_api.pipeline.executor import LOCAL, TICK_SECONDS, ExecutingOptions, done_or_raise
from fraud_detection_api.pipeline.outputs import DonePart
from fraud_detection_api.pipeline.part_work import PartWork, as_text, do_part
from fraud_detection_api.run_errors import DaskUnavailable, PartFailed

MOST_KILLED = 3  # workers that die at the same part, before it is held to be the part's fault
CONNECT_SECONDS, LOOK_SECONDS = 5.0, 5.0
CONFIG = {
    "distributed.scheduler.allowed-failures": MOST_KILLED,
    "distributed.comm.timeouts.connect": CONNECT_SECONDS,
    "distributed.admin.log-format": "%(name)s: %(message)s",
}


class _SchedulerLost(Exception):
    """The scheduler has gone; what it was given may or may not have been done."""


class DaskExecutor:
    """Futures over parts, one for each."""

    def __init__(self, options: ExecutingOptions) -> None:
        self._options = options
        dask.config.set(CONFIG)
        self._cluster = local_cluster(options.at_once) if options.dask == LOCAL else None
        self._client = self._found(time.monotonic() + options.patience_seconds)
        self._last_worker, self._next_look = time.monotonic(), 0.0
        self.dashboard = self._dashboard()

    def run(self, works: Sequence[PartWork]) -> Iterator[DonePart | None]:
        """Each part once it is done; what a lost scheduler was given is given to the next."""
        left = {work.file: work for work in works}
        while left:
            try:
                for done in self._run(list(left.values())):
                    if done is not None:
                        del left[done.file]
                    yield done
            except _SchedulerLost:
                yield from self._find_again()

    def close(self, patience: float = 5.0) -> None:
        """Leave the scheduler, or end the cluster with all of its processes."""
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=patience)
        if self._cluster is not None:
            with suppress(OSError, TimeoutError):  # its processes end with this one at the latest
                self._cluster.close(timeout=patience)

    def _dashboard(self) -> str | None:
        """Where its workers can be watched; a scheduler that has gone again is asked for parts, and then looked for."""
        if self._cluster is None or importlib.util.find_spec("bokeh") is not None:
            with suppress(OSError, TimeoutError):
                return str(self._client.dashboard_link)
        return None

    def _run(self, works: Sequence[PartWork]) -> Iterator[DonePart | None]:
        ended: queue.SimpleQueue[Future[str]] = queue.SimpleQueue()
        futures = {self._submitted(work): work for work in works}
        for future in futures:
            future.add_done_callback(ended.put)
        left = len(futures)
        try:
            while left:
                found = _next(ended)
                left -= found is not None
                self._refuse_without_workers()
                yield None if found is None else _outcome(found, futures[found])
        finally:
            if left:
                with suppress(OSError, TimeoutError, RuntimeError):
                    self._client.cancel(list(futures), force=True)

    def _submitted(self, work: PartWork) -> "Future[str]":
        try:
            return self._client.submit(do_part, as_text(work), pure=False, retries=0)
        except (OSError, RuntimeError, ValueError):  # a client without a scheduler says it in several ways
            raise _SchedulerLost from None

    def _refuse_without_workers(self) -> None:
        """A scheduler takes parts also where nobody will ever do them."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        with suppress(OSError, TimeoutError):  # a lost scheduler shows in the futures
            if self._client.nthreads():
                self._last_worker = now
        if now - self._last_worker > self._options.patience_seconds:
            raise DaskUnavailable(f"The Dask scheduler at {self._options.dask} has had no worker for a while.")

    def _find_again(self) -> Iterator[None]:
        """Connect again, as long as there is hope."""
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=CONNECT_SECONDS)
        until = time.monotonic() + self._options.patience_seconds
        while True:
            yield None
            try:
                self._client = self._connected(until)
            except DaskUnavailable:
                if time.monotonic() > until:
                    raise
            else:
                return

    def _found(self, until: float) -> Client:
        """The scheduler, which may be about to start."""
        while True:
            try:
                return self._connected(until)
            except DaskUnavailable:
                if time.monotonic() > until:
                    raise

    def _connected(self, until: float) -> Client:
        place = self._cluster or self._options.dask
        try:
            return Client(
                place,
                timeout=max(1.0, min(CONNECT_SECONDS, until - time.monotonic())),
                security=security_of(self._options),
                set_as_default=False,
            )
        except (OSError, TimeoutError, ValueError):
            raise DaskUnavailable(f"No Dask scheduler answers at {self._options.dask}.") from None


def _next(ended: "queue.SimpleQueue[Future[str]]") -> "Future[str] | None":
    try:
        return ended.get(timeout=TICK_SECONDS)
    except queue.Empty:
        return None


def _outcome(future: "Future[str]", work: PartWork) -> DonePart:
    if future.status == "error":
        error = future.exception()
        killed = f"{MOST_KILLED} workers that did it were killed; is there enough memory?"
        raise PartFailed(work.step, work.file, killed if isinstance(error, KilledWorker) else type(error).__name__)
    return done_or_raise(work, _answer(future))


def _answer(future: "Future[str]") -> str:
    """What a worker said, which the scheduler has to be asked for; errors of the work are among what it says."""
    try:
        return str(future.result())
    except (OSError, TimeoutError, CancelledError):
        raise _SchedulerLost from None


def local_cluster(processes: int) -> LocalCluster:
    """So many processes of this machine; where one is killed while it starts, all of them are started again."""
    for _ in range(MOST_KILLED):
        with suppress(RuntimeError):
            return _started_cluster(processes)
    raise DaskUnavailable("Processes of the local Dask cluster end while they start; is there enough memory?")


def _started_cluster(processes: int) -> LocalCluster:
    return LocalCluster(
        n_workers=processes,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,  # nothing is kept in a worker that could be spilled
        silence_logs=40,
    )


def security_of(options: ExecutingOptions) -> Security | None:
    """The certificates for a scheduler at tls://."""
    if not options.tls_ca:
        return None
    return Security(
        tls_ca_file=options.tls_ca,
        tls_client_cert=options.tls_cert,
        tls_client_key=options.tls_key,
        require_encryption=True,
    )
