"""The journal of the runs of one data folder: what was asked for, where it stands, what came of it."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from fraud_detection_api.run_errors import RunHasEnded, TooManyRuns, UnknownRun
from fraud_detection_api.schemas.runs import (
    ENDED,
    UNFINISHED,
    Run,
    RunKind,
    RunState,
    RunWithSteps,
    StepRecord,
    StepState,
)
from fraud_detection_api.storage.journal.journal_database import JournalDatabase
from fraud_detection_api.storage.journal.rows import as_json, now, run_of, run_row, step_of, step_row

MOST_QUEUED = 100


class RunJournal:
    """Reads and writes the runs of a data folder."""

    def __init__(self, database: JournalDatabase, folder: str) -> None:
        self._database = database
        self._runs, self._steps = database.runs, database.steps
        self._folder = folder

    def add(self, run: Run) -> None:
        """Queue a run."""

        def add(connection: sa.Connection) -> None:
            queued = sa.select(sa.func.count()).select_from(self._runs).where(*self._in_states(RunState.QUEUED))
            if connection.execute(queued).scalar_one() >= MOST_QUEUED:
                raise TooManyRuns(MOST_QUEUED)
            connection.execute(self._runs.insert(), run_row(run, self._folder))

        self._database.write(add)

    def runs(self, limit: int = 50, before: str | None = None) -> list[Run]:
        """The latest runs, the newest first; those before one of them, if it is named."""
        found = sa.select(self._runs).where(self._runs.c.folder == self._folder)
        if before is not None:
            than = self.run(before).run
            place = sa.tuple_(self._runs.c.created, self._runs.c.id)
            found = found.where(place < sa.tuple_(sa.literal(than.created, self._runs.c.created.type), than.id))
        found = found.order_by(self._runs.c.created.desc(), self._runs.c.id.desc()).limit(limit)
        return self._database.read(lambda connection: [run_of(row) for row in connection.execute(found).mappings()])

    def run(self, name: str) -> RunWithSteps:
        """One run and its steps; raises UnknownRun."""
        run = sa.select(self._runs).where(self._runs.c.folder == self._folder, self._runs.c.id == name)
        steps = sa.select(self._steps).where(self._steps.c.run == name).order_by(self._steps.c.position)

        def read(connection: sa.Connection) -> tuple[RunWithSteps, ...]:
            row = connection.execute(run).mappings().one_or_none()
            if row is None:
                return ()
            return (RunWithSteps(run_of(row), tuple(step_of(each) for each in connection.execute(steps).mappings())),)

        for found in self._database.read(read):
            return found
        raise UnknownRun(name)

    def unfinished(self, kind: RunKind, raw: str, parameters: Mapping[str, object]) -> str | None:
        """A run that was asked for the same and has not ended."""
        found = sa.select(self._runs.c.id).where(*self._in_states(*UNFINISHED))
        same = [
            self._runs.c.kind == kind.value,
            self._runs.c.raw == raw,
            self._runs.c.parameters == as_json(parameters),
        ]
        return self._first(found.where(*same))

    def next_queued(self) -> str | None:
        """The run that has waited longest."""
        return self._first(sa.select(self._runs.c.id).where(*self._in_states(RunState.QUEUED)))

    def begin(self, run: str, holder: str, steps: Sequence[str]) -> bool:
        """Say that a queued run is at work; False where it is queued no more."""

        def begin(connection: sa.Connection) -> bool:
            values = {
                "state": RunState.RUNNING.value,
                "holder": holder,
                "started": sa.func.coalesce(self._runs.c.started, now()),
                "ended": None,
                "error": None,
                "error_step": None,
                "dashboard": None,
            }
            began = self._update(connection, run, (RunState.QUEUED,), values)
            if began:
                connection.execute(self._steps.delete().where(self._steps.c.run == run))
                rows = [step_row(run, place, StepRecord(name)) for place, name in enumerate(steps)]
                connection.execute(self._steps.insert(), rows)
            return began

        return self._database.write(begin)

    def put_step(self, run: str, position: int, step: StepRecord) -> bool:
        """Write where a step stands; whether somebody wants the run to be cancelled."""
        at = (self._steps.c.run == run, self._steps.c.position == position)
        values = {name: value for name, value in step_row(run, position, step).items() if name != "run"}

        def put(connection: sa.Connection) -> bool:
            connection.execute(self._steps.update().where(*at).values(values))
            return self._is_cancelling(connection, run)

        return self._database.write(put)

    def is_cancelling(self, run: str) -> bool:
        """Whether somebody wants it to be cancelled."""
        return self._database.read(lambda connection: self._is_cancelling(connection, run))

    def end(self, run: str, holder: str, state: RunState, error: str | None = None, step: str | None = None) -> None:
        """Say how a run ended."""
        values: dict[str, object] = {"state": state.value, "ended": now(), "error": error, "error_step": step}
        values |= {"holder": None, "dashboard": None, "is_cancelling": 0}
        self._database.write(
            lambda connection: self._update(connection, run, (RunState.RUNNING,), values, holder=holder)
        )

    def put_verdict(self, run: str, verdict: Mapping[str, object]) -> None:
        """Write what the gate said."""
        values = {"verdict": as_json(verdict)}
        self._database.write(lambda connection: self._update(connection, run, (RunState.RUNNING,), values))

    def put_dashboard(self, run: str, link: str | None) -> None:
        """Write where the workers of a run can be watched."""
        values = {"dashboard": link}
        self._database.write(lambda connection: self._update(connection, run, (RunState.RUNNING,), values))

    def fail_step(self, run: str, name: str) -> None:
        """Say that a step went wrong."""
        step = self._steps.update().where(self._steps.c.run == run, self._steps.c.name == name)
        self._database.write(lambda connection: connection.execute(step.values(state=StepState.FAILED.value)))

    def cancel(self, run: str) -> RunState:
        """Cancel a queued run, or ask the process of a running one to end it; the state after that."""

        def cancel(connection: sa.Connection) -> RunState:
            ended = {"state": RunState.CANCELLED.value, "ended": now()}
            if self._update(connection, run, (RunState.QUEUED,), ended):
                return RunState.CANCELLED
            self._update(connection, run, (RunState.RUNNING,), {"is_cancelling": 1})
            return self._state(connection, run)

        state = self._database.write(cancel)
        if state in ENDED and state is not RunState.CANCELLED:
            raise RunHasEnded(run, state)
        return state

    def queue_again(self, run: str) -> None:
        """Let a run that failed or was cancelled go on; one that has finished stays so."""

        def queue(connection: sa.Connection) -> RunState:
            values = {"state": RunState.QUEUED.value, "is_cancelling": 0, "ended": None, "error": None}
            self._update(connection, run, (RunState.FAILED, RunState.CANCELLED), values | {"error_step": None})
            return self._state(connection, run)

        if self._database.write(queue) is RunState.FINISHED:
            raise RunHasEnded(run, RunState.FINISHED)

    def give_up(self, run: str, error: str) -> None:
        """Say that a queued run failed, although nobody came to say why."""
        values = {"state": RunState.FAILED.value, "ended": now(), "error": error}
        self._database.write(lambda connection: self._update(connection, run, (RunState.QUEUED,), values))

    def at_work(self) -> list[tuple[str, str]]:
        """The runs that somebody said to be running, and who."""
        found = sa.select(self._runs.c.id, self._runs.c.holder).where(*self._in_states(RunState.RUNNING))
        return self._database.read(lambda connection: [(row[0], row[1] or "") for row in connection.execute(found)])

    def leave(self, run: str, holder: str) -> None:
        """A run whose holder is no more is queued again, or cancelled where that was wanted."""

        def leave(connection: sa.Connection) -> None:
            wanted: dict[str, object] = {"holder": None, "dashboard": None}
            if self._is_cancelling(connection, run):
                wanted |= {"state": RunState.CANCELLED.value, "ended": now()}
            else:
                wanted |= {"state": RunState.QUEUED.value}
            self._update(connection, run, (RunState.RUNNING,), wanted, holder=holder)

        self._database.write(leave)

    def outputs_in_use(self, finished_runs: int) -> set[str]:
        """The outputs of runs that have not ended, and of the latest that have finished."""
        newest = self._runs.c.created.desc(), self._runs.c.id.desc()
        finished = sa.select(self._runs.c.id).where(*self._in_states(RunState.FINISHED)).order_by(*newest)
        unfinished = sa.select(self._runs.c.id).where(*self._in_states(*UNFINISHED))

        def read(connection: sa.Connection) -> set[str]:
            kept = connection.execute(finished.limit(finished_runs)).scalars().all()
            of_runs = sa.or_(self._steps.c.run.in_(kept), self._steps.c.run.in_(unfinished))
            return set(connection.execute(sa.select(self._steps.c.output).where(of_runs)).scalars())

        return self._database.read(read)

    def _first(self, found: sa.Select[str]) -> str | None:
        ordered = found.order_by(self._runs.c.created, self._runs.c.id).limit(1)
        rows = self._database.read(lambda connection: list(connection.execute(ordered)))
        return str(rows[0][0]) if rows else None

    def _in_states(self, *states: RunState) -> tuple[sa.ColumnElement[bool], ...]:
        return self._runs.c.folder == self._folder, self._runs.c.state.in_([state.value for state in states])

    def _update(
        self,
        connection: sa.Connection,
        run: str,
        states: tuple[RunState, ...],
        values: Mapping[str, object],
        holder: str | None = None,
    ) -> bool:
        at = [self._runs.c.id == run, *self._in_states(*states)]
        if holder is not None:
            at.append(self._runs.c.holder == holder)
        return connection.execute(self._runs.update().where(*at).values(values)).rowcount > 0

    def _state(self, connection: sa.Connection, run: str) -> RunState:
        found = connection.execute(sa.select(self._runs.c.state).where(self._runs.c.id == run)).scalar_one_or_none()
        if found is None:
            raise UnknownRun(run)
        return RunState(found)

    def _is_cancelling(self, connection: sa.Connection, run: str) -> bool:
        found = sa.select(self._runs.c.is_cancelling).where(self._runs.c.id == run)
        return bool(connection.execute(found).scalar_one_or_none())
