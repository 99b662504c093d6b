"""Rows of the journal as records, and records as rows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import orjson
import sqlalchemy as sa

from fraud_detection_api.schemas.runs import Run, RunKind, RunState, StepRecord, StepState


def now() -> datetime:
    """The moment that is written."""
    return datetime.now(UTC)


def as_json(content: Mapping[str, object]) -> str:
    """The same content as the same text."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def run_row(run: Run, folder: str) -> dict[str, object]:
    """A run that is queued."""
    return {
        "id": run.id,
        "folder": folder,
        "kind": run.kind.value,
        "raw": run.raw,
        "parameters": as_json(run.parameters),
        "state": run.state.value,
        "created": run.created,
        "is_cancelling": 0,
    }


def run_of(row: sa.RowMapping) -> Run:
    """A run as it is written."""
    return Run(
        id=row["id"],
        kind=RunKind(row["kind"]),
        raw=row["raw"],
        parameters=orjson.loads(row["parameters"]),
        state=RunState(row["state"]),
        created=cast("datetime", _moment(row["created"])),
        started=_moment(row["started"]),
        ended=_moment(row["ended"]),
        error=row["error"],
        error_step=row["error_step"],
        verdict=None if row["verdict"] is None else orjson.loads(row["verdict"]),
        is_cancelling=bool(row["is_cancelling"]),
        dashboard=row["dashboard"],
    )


def step_row(run: str, position: int, step: StepRecord) -> dict[str, object]:
    """A step of a run."""
    return {
        "run": run,
        "position": position,
        "name": step.name,
        "state": step.state.value,
        "done": step.done,
        "of": step.of,
        "found": step.found,
        "rows": step.rows,
        "seconds": step.seconds,
        "output": step.output,
        "digest": step.digest,
    }


def step_of(row: sa.RowMapping) -> StepRecord:
    """A step as it is written."""
    return StepRecord(
        name=row["name"],
        state=StepState(row["state"]),
        done=row["done"],
        of=row["of"],
        found=row["found"],
        rows=row["rows"],
        seconds=row["seconds"],
        output=row["output"],
        digest=row["digest"],
    )


def _moment(value: datetime | None) -> datetime | None:
    """Databases without time zones give naive ones, all of them in UTC."""
    return None if value is None else value.replace(tzinfo=UTC)
