"""How far a command is: a bar on a terminal, log lines or nothing anywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fraud_detection_api.training.progress import Follower, LogFollower, loss_words

if TYPE_CHECKING:
    from rich.progress import Progress


class TerminalFollower:
    """Draws a bar that moves with every round."""

    def __init__(self, bar: "Progress") -> None:
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
        self._bar.update(self._task, description="Boosting", completed=done, total=of, loss=loss_words(loss))

    def searched(self, what: str, done: int, of: int, found: str) -> None:
        """Move the bar by a fit."""
        self._bar.update(self._task, description=what, completed=done, total=of, loss=f"{found and ', '}{found}")


@contextmanager
def following() -> Iterator[Follower]:
    """Of a training: a bar where somebody looks, log lines where nobody does."""
    if not sys.stderr.isatty():
        yield LogFollower()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), refresh_per_second=4) as bar:
        yield TerminalFollower(bar)


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Of a file: how much of it is done, and nothing where no terminal shows it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(name)
        yield lambda done, size: bar.update(task, completed=done, total=size)
