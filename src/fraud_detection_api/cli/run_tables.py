"""Tables of runs on the terminal."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rich import box
from rich.table import Column, Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.cli.verdicts import verdict_lines, verdict_words
from fraud_detection_api.schemas.runs import Run, RunState, RunWithSteps, StepRecord


def show(found: RunWithSteps) -> None:
    """Print all that is known of a run."""
    run, out = found.run, console()
    out.print(f"{run.id} {state_words(run)}")
    out.print(_facts(run), steps(found.steps), _outputs(found.steps))
    for line in outcome(run):
        out.print(line)


def outcome(run: Run) -> Iterator[str]:
    """What came of a run, a line each."""
    took = f" after {taken}" if (taken := _took(run)) else ""
    yield f"Run {run.id} {'is ' if run.is_unfinished else ''}{state_words(run)}{took}."
    if run.error:
        yield f"FAILED  {run.error_step}: {run.error}"
    if run.verdict is not None:
        yield from verdict_lines(run.verdict)


def runs(found: Iterable[Run]) -> Table:
    """Runs, the newest first."""
    names = [Column(name, no_wrap=True) for name in ("run", "state", "asked for", "took")]
    table = Table(*names, "came of it", box=box.SIMPLE)
    for run in found:
        came = run.error or ("" if run.verdict is None else verdict_words(run.verdict))
        table.add_row(run.id, state_words(run), f"{run.created:%d %b %H:%M}", _took(run), came)
    return table


def steps(found: Iterable[StepRecord]) -> Table:
    """The steps of a run, in their order; a part that was there already is found, and not made again."""
    right = [Column(name, justify="right", no_wrap=True) for name in ("parts", "found", "rows", "work")]
    table = Table(Column("step", no_wrap=True), "state", *right, box=box.SIMPLE)
    for step in found:
        figures = (f"{step.done:,} of {step.of:,}", f"{step.found:,}", f"{step.rows:,}", f"{step.seconds:.1f} s")
        table.add_row(step.name, step.state, *figures)
    return table


def _outputs(found: Iterable[StepRecord]) -> Table:
    table = Table("output", box=box.SIMPLE)
    for step in found:
        if step.output:
            table.add_row(step.output)
    return table


def state_words(run: Run) -> str:
    """Where a run stands."""
    return "being cancelled" if run.is_cancelling and run.state is RunState.RUNNING else run.state.value


def _facts(run: Run) -> Table:
    table = Table("fact", Column("value", overflow="fold"))
    known = {
        "kind": run.kind.value,
        "raw orders": run.raw or None,
        "asked for": _moment(run.created),
        "began": run.started and _moment(run.started),
        "ended": run.ended and _moment(run.ended),
        "took": _took(run) or None,
        "dashboard": run.dashboard,
        **run.parameters,
    }
    for name, value in known.items():
        if value is not None:
            table.add_row(name.replace("_", " "), str(value))
    return table


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S %Z}"


def _took(run: Run) -> str:
    if run.started is None or run.state is RunState.QUEUED:
        return ""
    seconds = ((run.ended or datetime.now(UTC)) - run.started).total_seconds()
    return f"{seconds:.0f} s"
