"""What is measured, and what is to be reached: the table of the issue."""

import math
from dataclasses import dataclass

OURS, TUTORIAL, HELLO, LIMIT = "ours", "tutorial design", "hello-world", "in-process limit"


@dataclass(frozen=True)
class Target:
    """A bound on what ours is of another, in requests a second or in the median latency."""

    over: str
    bound: float
    in_latency: bool = False

    def reached(self, ratio: float) -> bool:
        """Whether a measured ratio is good enough."""
        return ratio <= self.bound if self.in_latency else ratio >= self.bound

    def __str__(self) -> str:
        return f"p50 <= {self.bound:g}x" if self.in_latency else f">= {self.bound:g}x"


@dataclass(frozen=True)
class Cell:
    """One load: so many records a request on so many connections."""

    batch: int
    connections: int
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Figures:
    """What one load measured; cpu_ms is the server's processor time for one request, whatever the neighbours do."""

    requests_per_second: float
    cpu_ms: float
    p50_ms: float = math.nan
    p99_ms: float = math.nan


CELLS = (
    Cell(1, 1, (Target(TUTORIAL, 12), Target(HELLO, 1.4, in_latency=True))),
    Cell(1, 64, (Target(TUTORIAL, 16), Target(HELLO, 0.85))),
    Cell(100, 16, (Target(TUTORIAL, 8),)),
    Cell(10_000, 1, (Target(TUTORIAL, 7), Target(LIMIT, 1.5))),
    Cell(10_000, 16, (Target(TUTORIAL, 8),)),
)
