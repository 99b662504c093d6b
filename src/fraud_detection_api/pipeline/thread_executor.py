"""Parts in threads of this process."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence

from fraud_detection_api.pipeline.executor import TICK_SECONDS, done_or_raise
from fraud_detection_api.pipeline.outputs import DonePart
from fraud_detection_api.pipeline.part_work import PartWork, as_text, do_part


class ThreadExecutor:
    """Threads of this process, which end with it; compiled code lets the interpreter go, so that two are worth it."""

    dashboard: str | None = None

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._is_closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, works: Sequence[PartWork]) -> Iterator[DonePart | None]:
        """Each part once it is done."""
        waiting: queue.SimpleQueue[PartWork] = queue.SimpleQueue()
        results: queue.SimpleQueue[tuple[PartWork, str]] = queue.SimpleQueue()
        enough = threading.Event()
        for work in works:
            waiting.put(work)
        for number in range(min(self._at_once, len(works))):
            arguments = (waiting, results, enough)
            thread = threading.Thread(target=self._work, args=arguments, name=f"part-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        try:
            yield from _gathered(results, len(works))
        finally:
            enough.set()

    def close(self, patience: float = 5.0) -> None:
        """No further part is begun; those at work may end, as long as patience lasts."""
        self._is_closed.set()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0))

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


def _gathered(results: "queue.SimpleQueue[tuple[PartWork, str]]", count: int) -> Iterator[DonePart | None]:
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
