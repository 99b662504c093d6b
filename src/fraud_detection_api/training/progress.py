"""How far training is: a bar on a terminal, log lines anywhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from loguru import logger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Follower(Protocol):
    """Whoever is told how far training is."""

    def step(self, what: str) -> None:
        """A step begins, or there is something to know."""
        ...

    def warn(self, what: str) -> None:
        """Something to know that is easily overlooked."""
        ...

    def round(self, done: int, of: int, loss: float | None) -> None:
        """A boosting round is done; the loss is that on the early-stopping rows, if they are watched."""
        ...


class SearchFollower(Follower, Protocol):
    """Whoever is also told how far a search over many fits is."""

    def moved(self, what: str, done: int, of: int, found: str) -> None:
        """One more fit of the search is done; what was found so far, in a few words."""
        ...


class LogFollower:
    """Writes log lines, one for every tenth of the rounds."""

    def step(self, what: str) -> None:
        """Log a step."""
        logger.info(what)

    def warn(self, what: str) -> None:
        """Log a warning."""
        logger.warning(what)

    def round(self, done: int, of: int, loss: float | None) -> None:
        """Log every tenth of the rounds."""
        if done == of or done % max(of // 10, 1) == 0:
            logger.info(f"Round {done} of {of}{_in_words(loss)}")

    def moved(self, what: str, done: int, of: int, found: str) -> None:
        """Log every fit of a search."""
        logger.info(f"{what} {done} of {of}{found and ', '}{found}")


class TerminalFollower:
    """Draws a bar that moves with every round."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("Reading", total=None, loss="")

    def step(self, what: str) -> None:
        """Print a step above the bar."""
        self._bar.console.print(what, style="dim", highlight=False, markup=False)

    def warn(self, what: str) -> None:
        """Print a warning above the bar."""
        self._bar.console.print(what, style="bold yellow", highlight=False, markup=False)

    def round(self, done: int, of: int, loss: float | None) -> None:
        """Move the bar."""
        self._bar.update(self._task, description="Boosting", completed=done, total=of, loss=_in_words(loss))

    def moved(self, what: str, done: int, of: int, found: str) -> None:
        """Move the bar by a fit."""
        self._bar.update(self._task, description=what, completed=done, total=of, loss=f"{found and ', '}{found}")


def _in_words(loss: float | None) -> str:
    return "" if loss is None else f", log loss {loss:.5f} on the early-stopping rows"


@contextmanager
def following() -> Iterator[SearchFollower]:
    """A bar where somebody looks, log lines where nobody does."""
    if not sys.stderr.isatty():
        yield LogFollower()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), refresh_per_second=4) as bar:
        yield TerminalFollower(bar)
