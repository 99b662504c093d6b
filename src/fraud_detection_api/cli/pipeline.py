"""fraud pipeline: from raw orders to a model and its histories, in steps that survive whatever ends them."""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from fraud_detection_api.atomic import sigterm_as_exit
from fraud_detection_api.cli.histories import restore
from fraud_detection_api.cli.pipeline_options import (
    LAST,
    Folder,
    Raw,
    RunName,
    data_folder,
    named_run,
    running_options,
    with_parameters,
)
from fraud_detection_api.cli.run_progress import following_run
from fraud_detection_api.errors import FraudError
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.pipeline.parameters import RunParameters
from fraud_detection_api.schemas.runs import RunState
from fraud_detection_api.settings import Settings

if TYPE_CHECKING:
    from fraud_detection_api.pipeline.data_folder import DataFolder

app = typer.Typer(no_args_is_help=True, help="Run, watch, resume and cancel the orders' pipeline.")
CANCEL_SECONDS = 60.0


@app.command("run")
@with_parameters
def run(parameters: RunParameters, raw: Raw = None, folder: Folder = None) -> None:
    """Do all steps here; a run of the same parameters that was interrupted goes on."""
    from fraud_detection_api.pipeline.running import queued

    with closing(data_folder(folder)) as place:
        _do(place, queued(place, parameters, raw))


@app.command("submit")
@with_parameters
def submit(parameters: RunParameters, raw: Raw = None, folder: Folder = None) -> None:
    """Queue a run for the pipeline service of this data folder, or for `fraud pipeline resume`."""
    from fraud_detection_api.pipeline.running import queued

    with closing(data_folder(folder)) as place:
        typer.echo(queued(place, parameters, raw))


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most")] = 20, folder: Folder = None
) -> None:
    """List the latest runs, the newest first."""
    from fraud_detection_api.cli import run_tables
    from fraud_detection_api.cli.console import console

    with closing(data_folder(folder)) as place:
        place.settle()
        found = place.journal.runs(limit)
        if not found:
            typer.echo(f"No runs in {place.path} yet: see `fraud pipeline run --help`.")
            return
        console().print(run_tables.runs(found))


@app.command("show")
def show(run: RunName = LAST, folder: Folder = None) -> None:
    """Show a run: parameters, steps, times, rows, outputs, the gate's verdict, the error and its step."""
    from fraud_detection_api.cli import run_tables

    with closing(data_folder(folder)) as place:
        place.settle()
        run_tables.show(place.journal.run(named_run(place, run)))


@app.command("resume")
def resume(
    run: Annotated[str | None, typer.Argument(help="Only this run, also if it failed or was cancelled")] = None,
    folder: Folder = None,
    until_closed: Annotated[bool, typer.Option("--until-closed", hidden=True)] = False,
) -> None:
    """Go on with a run where it stood, or with all that are queued."""
    if until_closed:
        settings = Settings()
        configure_logs(settings.log_level, settings.log_json)
        threading.Thread(target=_end_with_the_service, daemon=True).start()
    with closing(data_folder(folder)) as place:
        place.settle()
        if run is not None:
            name = named_run(place, run)
            if not until_closed:  # what the service took from the queue may have been cancelled meanwhile
                place.journal.queue_again(name)
            _do(place, name)
            return
        while (waiting := place.journal.next_queued()) is not None:
            _do(place, waiting)


@app.command("cancel")
def cancel(run: RunName = LAST, folder: Folder = None) -> None:
    """Cancel a run, whichever process does it; what is finished of it stays, for the next run to find."""
    with closing(data_folder(folder)) as place:
        place.settle()
        name = named_run(place, run)
        state, until = place.journal.cancel(name), time.monotonic() + CANCEL_SECONDS
        while state is RunState.RUNNING and time.monotonic() < until:
            time.sleep(0.1)
            place.settle()
            state = place.journal.run(name).run.state
        typer.echo(f"{name} is {state}" if state is not RunState.RUNNING else f"{name} is being cancelled")


@app.command("clean")
def clean(
    keep: Annotated[int, typer.Option(min=0, help="Finished runs whose outputs stay, the latest ones")] = 1,
    days: Annotated[float, typer.Option(min=0, help="Only outputs that have not changed for so many days")] = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them, instead of saying what would be deleted")] = False,
    folder: Folder = None,
) -> None:
    """Say which old outputs no run needs any more; delete them with --yes."""
    from fraud_detection_api.pipeline.cleaning import old_outputs, remove_old_outputs

    with closing(data_folder(folder)) as place:
        place.settle()
        found = (remove_old_outputs if yes else old_outputs)(place, keep, days)
    for output in found:
        typer.echo(f"{output.name}  {output.bytes / 1e6:,.1f} MB")
    outcome = "deleted" if yes else "would be deleted with --yes"
    typer.echo(f"{len(found):,} outputs, {sum(each.bytes for each in found) / 1e6:,.1f} MB {outcome}")


@app.command("step")
@with_parameters
def step(
    parameters: RunParameters,
    name: Annotated[str, typer.Argument(help="The step, such as features")],
    again: Annotated[bool, typer.Option("--again", help="Do it although its output is there")] = False,
    raw: Raw = None,
    folder: Folder = None,
) -> None:
    """Do one step, from the outputs of those before it with the same parameters; print the folder of its output."""
    from fraud_detection_api.pipeline.running import Progress
    from fraud_detection_api.pipeline.single_step import chain_of, do_step, ready_work

    options = running_options()
    with closing(data_folder(folder)) as place:
        if again:
            with place.alone():
                place.remove(ready_work(name, chain_of(place, options, parameters, raw)).folder.name)
        chain = chain_of(place, options, parameters, raw)
        with _ending_at_once(), following_run() as follow:
            made = do_step(name, place, options, chain, lambda record: follow(Progress("", 0, 1, record)))
    typer.echo(str(made))


app.command("histories")(restore)


@app.command("serve")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [FRAUD_HOST, else 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port [FRAUD_PIPELINE_PORT, else 8020]", min=0, max=65535)] = None,
) -> None:
    """Serve runs over HTTP: queue them, do them one at a time, watch them."""
    from fraud_detection_api.cli.serve_pipeline import serve_pipeline

    serve_pipeline(host, port)


def _do(folder: "DataFolder", name: str) -> None:
    """Do a run, and say what came of it."""
    from fraud_detection_api.cli import run_tables
    from fraud_detection_api.cli.console import console
    from fraud_detection_api.pipeline.running import Runner

    with _ending_at_once(), following_run() as follow:
        Runner(folder, running_options(), follow).run(name)
    found = folder.journal.run(name)
    console().print(run_tables.steps(found.steps))
    for line in run_tables.outcome(found.run):
        typer.echo(line)


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """What ends a run ends the process, without waiting for threads that are still at a part which nobody wants."""
    try:
        with sigterm_as_exit():
            yield
    except FraudError as error:
        print(f"fraud: {error.message}", file=sys.stderr)
        code = error.exit_code
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - a fault of ours, which keeps its traceback
        traceback.print_exc()
        code = 1
    else:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_with_the_service() -> None:
    """The service that has started this process holds the other end of its standard input, as long as it lives."""
    os.read(sys.stdin.fileno(), 1)  # not by way of the file object, whose lock the end of this process would want
    os.kill(os.getpid(), signal.SIGTERM)
