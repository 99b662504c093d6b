"""Tables of runs on the terminal."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich import box
from rich.table import Column, Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.schemas.runs import Run, RunState, RunWithSteps, StepRecord


def show(found: RunWithSteps) -> None:
    """Print all that is known of a run."""
    run, out = found.run, console()
    out.print(f"{run.id} {state_words(run)}")
    out.print(_facts(run), steps(found.steps))
    if run.error:
        out.print(f"FAILED  {run.error_step}: {run.error}")
    if run.verdict is not None:
        out.print(verdict_words(run.verdict))


def runs(found: Iterable[Run]) -> Table:
    """Runs, the newest first."""
    table = Table("run", "kind", "state", "asked for", "took", "came of it", box=box.SIMPLE)
    for run in found:
        outcome = run.error or ("" if run.verdict is None else verdict_words(run.verdict))
        table.add_row(run.id, run.kind, state_words(run), _moment(run.created), _took(run), outcome)
    return table


def steps(found: Iterable[StepRecord]) -> Table:
    """The steps of a run, in their order."""
    right = [Column(name, justify="right") for name in ("parts", "found", "rows", "seconds")]
    table = Table("step", "state", *right, "output", box=box.SIMPLE)
    for step in found:
        figures = (f"{step.done:,} of {step.of:,}", f"{step.found:,}", f"{step.rows:,}", f"{step.seconds:.1f}")
        table.add_row(step.name, step.state, *figures, step.output)
    return table


def state_words(run: Run) -> str:
    """Where a run stands."""
    return "being cancelled" if run.is_cancelling and run.state is RunState.RUNNING else run.state.value


def verdict_words(verdict: Mapping[str, object]) -> str:
    """What the gate said, in a line."""
    said = ", ".join(f"{name} {value}" for name, value in verdict.items() if name != "passed")
    return f"gate {'passed' if verdict.get('passed') else 'FAILED'}: {said}"


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
