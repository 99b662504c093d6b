"""How far a run is: a bar for each step on a terminal, a log line for each step that ends anywhere else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loguru import logger

from fraud_detection_api.schemas.runs import StepState

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from fraud_detection_api.pipeline.running import OnProgress, Progress


@contextmanager
def following_run() -> Iterator["OnProgress"]:
    """Of a run: bars where somebody looks, log lines where nobody does."""
    if not sys.stderr.isatty():
        yield _logged
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), refresh_per_second=4) as bars:
        yield StepBars(bars).follow


class StepBars:
    """A bar for each step: parts, rows a second, time left."""

    def __init__(self, bars: "Bars") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}

    def follow(self, progress: "Progress") -> None:
        """Move the bar of a step."""
        step = progress.step
        if step.name not in self._tasks:
            name = f"{progress.position + 1}/{progress.steps} {step.name}"
            self._tasks[step.name] = self._bars.add_task(name, total=None, rate="")
            self._began[step.name] = time.monotonic()
        seconds = max(time.monotonic() - self._began[step.name], 0.001)
        is_rated = step.done > step.found
        rate = f"{step.rows:,} rows" + (f", {step.rows / seconds:,.0f}/s" if is_rated else "")
        self._bars.update(self._tasks[step.name], total=step.of, completed=step.done, rate=rate)


def _logged(progress: "Progress") -> None:
    step = progress.step
    if step.state is StepState.FINISHED:
        beside = logger.bind(run=progress.run, parts=step.of, found=step.found, rows=step.rows, seconds=step.seconds)
        beside.info("Step {} of {} is finished: {}", progress.position + 1, progress.steps, step.name)
