"""fraud pipeline histories, fraud orders parity: online histories restored, and compared with files and answer log."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraud_detection_api.cli.arguments import UseCases, use_case_of
from fraud_detection_api.cli.console import console
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.settings import Settings

if TYPE_CHECKING:
    from fraud_detection_api.features.columns import Columns
    from fraud_detection_api.features.remembering import Remembering
    from fraud_detection_api.pipeline.loaded import LoadedHistories
    from fraud_detection_api.services.parity import Parity
    from fraud_detection_api.storage.answer_log.reading import AnswerReader

DIFFERENT = 3
SPOOL_SECONDS, POLL_SECONDS = 10.0, 0.1
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Answers from then on, UTC")
]
Name = Annotated[str, typer.Option("--use-case", help="Whose histories")]

orders = typer.Typer(no_args_is_help=True, help="Look after the histories of live orders.")


def restore(since: Since = None, name: Name = "orders", use_cases: UseCases = None) -> None:
    """Restore the online histories from the files of the last run and the answer log; safe to repeat."""
    from fraud_detection_api.app import history_options
    from fraud_detection_api.services.logged_histories import logged_records
    from fraud_detection_api.storage.histories.options import MEMORY

    settings, use_case = Settings(), use_case_of(name, use_cases)
    if history_options(settings).url == MEMORY:
        raise DataRefused("Histories live in the service's own memory: it restores them itself, at its start.")
    left = _wait_for_spool(settings.spool)
    with _log(settings) as reader:
        pages = logged_records(reader, use_case, _utc(since))
        keys, records = asyncio.run(_restore(settings, use_case, pages))
    shown = ", ".join(f"{count:,} keys of {history}" for history, count in keys.items()) or "no keys"
    typer.echo(f"Restored {shown} from files, and {records:,} records from the answer log")
    if left:
        typer.echo(
            f"{left:,} files of answers still wait in {settings.spool}: restore again once they are in the log",
            err=True,
        )


@orders.command("parity")
def parity(since: Since = None, name: Name = "orders", use_cases: UseCases = None) -> None:
    """Compute again, from files and answer log, what the live service used of histories, and print what differs.

    Without --since, from the moment on when a run has loaded the histories. Exit codes: 0 all is the same, 3 it is not.
    """
    from fraud_detection_api.features.columns import joined
    from fraud_detection_api.pipeline.loaded import loaded_histories
    from fraud_detection_api.pipeline.restoring import records_of
    from fraud_detection_api.services.logged_histories import logged_records
    from fraud_detection_api.services.parity import Known
    from fraud_detection_api.services.parity import parity as compared

    settings, use_case = Settings(), use_case_of(name, use_cases)
    remembering, loaded = _remembering(settings, use_case), loaded_histories(settings.pipeline, use_case)
    begin = _utc(since) or (loaded.moment if loaded else None)
    with _log(settings) as reader:
        found = list(logged_records(reader, use_case, begin))
        if not found:
            raise DataRefused(
                f"The answer log has no {use_case.name} with histories: serve with FRAUD_KEEP={name}=full."
            )
        before = logged_records(reader, use_case, until=begin) if begin else ()
        files = records_of(remembering, loaded) if loaded else ()
        loaded_at = round(loaded.loaded_at * 1000) if loaded else 0
        result = compared(remembering, Known(files, loaded_at, before), joined(found))
    _print(result)
    if result.differences:
        raise typer.Exit(DIFFERENT)


async def _restore(settings: Settings, use_case: UseCase, pages: "Iterator[Columns]") -> tuple[dict[str, int], int]:
    from fraud_detection_api.app import history_options
    from fraud_detection_api.pipeline.filling import fill_from_log
    from fraud_detection_api.pipeline.loaded import loaded_histories
    from fraud_detection_api.pipeline.restoring import fill_from_files
    from fraud_detection_api.storage.histories.known import store_of

    store, remembering = store_of(history_options(settings)), _remembering(settings, use_case)
    loaded: LoadedHistories | None = loaded_histories(settings.pipeline, use_case)
    await store.start()
    try:
        is_listed = use_case.name in settings.find
        keys = await fill_from_files(store, remembering, loaded, is_listed=is_listed) if loaded else {}
        return keys, await fill_from_log(store, remembering, pages, is_listed=is_listed)
    finally:
        await store.stop()


def _wait_for_spool(folder: Path) -> int:
    """Wait until what was answered before now is in the log; how many files of it are not, after a while."""
    from fraud_detection_api.storage.answer_log.segments import with_entries

    left, until = with_entries(folder), time.monotonic() + SPOOL_SECONDS
    while left and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        left = [path for path in left if path.exists()]
    return len(left)


@contextmanager
def _log(settings: Settings) -> "Iterator[AnswerReader]":
    from fraud_detection_api.app import opened_store

    store = opened_store(settings)
    try:
        yield store.answers
    finally:
        store.close()


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)


def _remembering(settings: Settings, use_case: UseCase) -> "Remembering":
    from fraud_detection_api.features.remembering import Remembering
    from fraud_detection_api.storage.secret_file import secret_in

    if use_case.histories is None:
        raise DataRefused(f"{use_case.name} has no histories.")
    return Remembering(use_case, secret_in(settings.histories_secret))


def _print(found: "Parity") -> None:
    from rich.table import Table

    table = Table("feature", "mismatch", "missing", "extra")
    for name, each in found.features.items():
        if each.total:
            table.add_row(name, *(f"{count:,}" for count in (each.mismatch, each.missing, each.extra)))
    for name, count in found.flags.items():
        if count:
            table.add_row(f"what was not known of {name}", f"{count:,}", "", "")
    if table.row_count:
        console().print(table)
    beside = f", {found.beside_degraded:,} beside a degraded record" if found.beside_degraded else ""
    forgotten = f"; {found.forgotten:,} that came again were partly forgotten" if found.forgotten else ""
    typer.echo(
        f"{found.compared:,} records compared, {found.differences:,} differences; "
        f"{found.degraded:,} degraded{beside}{forgotten} not compared"
    )
