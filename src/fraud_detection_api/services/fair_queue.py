"""A fair queue: long work gives way to the short requests beside it, and is abandoned where nobody waits for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from threading import Condition, Event

REST = 3.0  # times as long as the work: a fourth of a processor while others come, the whole of it otherwise
LONGEST_REST = 0.1
# A waiting thread asks for the interpreter after 5 ms. Work that gives it up for an instant more often than that, as
# numpy does, takes it back before the other is awake, which then waits again, as long as the work takes.
YIELD, YIELDS_EVERY = 0.0001, 0.002

_ABANDONED: ContextVar[Event | None] = ContextVar("abandoned", default=None)


class Abandoned(Exception):
    """Nobody waits for this work any more; raised in its own thread alone."""


@contextmanager
def awaited() -> Iterator[Context]:
    """A context to run work in, in any thread: its next slot raises Abandoned once this block has been left."""
    abandoned, context = Event(), copy_context()
    context.run(_ABANDONED.set, abandoned)
    try:
        yield context
    finally:
        abandoned.set()


class FairQueue:
    """Hears of other requests, and keeps pieces of work apart while there are any."""

    def __init__(self) -> None:
        self._plain_requests = 0
        self._seen = 0
        self._free_at = 0.0
        self._yielded_at = 0.0
        self._queue = Condition()
        self._next_ticket = 0
        self._served = 0

    def note_plain_request(self) -> None:
        """Another request has come, and it takes no slot."""
        self._plain_requests += 1

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One piece of work at a time, first come first served, rested from the last piece if others came since."""
        with self._alone():
            began = time.perf_counter()
            if self._plain_requests != self._seen and self._free_at > began:
                time.sleep(self._free_at - began)
            self._seen = self._plain_requests
            abandoned = _ABANDONED.get()
            if abandoned and abandoned.is_set():
                raise Abandoned
            began = time.perf_counter()
            yield
            ended = time.perf_counter()
            self._free_at = ended + min(REST * (ended - began), LONGEST_REST)
            if ended - self._yielded_at > YIELDS_EVERY:
                time.sleep(YIELD)
                self._yielded_at = time.perf_counter()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # a lock is taken again by whoever has just released it; numbers are fair
        with self._queue:
            number, self._next_ticket = self._next_ticket, self._next_ticket + 1
            self._queue.wait_for(lambda: number == self._served)
        try:
            yield
        finally:
            with self._queue:
                self._served += 1
                self._queue.notify_all()
