"""Pace: long work gives way to the short requests beside it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

REST = 3.0  # times as long as the work: a fourth of a processor while others come, the whole of it otherwise
LONGEST_REST = 0.1


class Pace:
    """Hears of other requests, and keeps pieces of work apart while there are any."""

    def __init__(self) -> None:
        self._others = 0
        self._heard = 0
        self._free_at = 0.0

    def another(self) -> None:
        """Another request has come."""
        self._others += 1

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One piece of work, in its turn: the first begins at once, and none waits after the last."""
        began = time.perf_counter()
        if self._others != self._heard and self._free_at > began:
            time.sleep(self._free_at - began)
            began = time.perf_counter()
        self._heard = self._others
        yield
        ended = time.perf_counter()
        self._free_at = ended + min(REST * (ended - began), LONGEST_REST)
