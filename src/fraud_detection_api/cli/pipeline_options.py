"""What the commands of the pipeline are told: the settings as plain records, and one option for each parameter."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_type_hints

import typer

from fraud_detection_api.pipeline.executor import ExecutingOptions
from fraud_detection_api.pipeline.parameters import NAMES, described, parameters_of
from fraud_detection_api.pipeline.step import Scalar
from fraud_detection_api.settings import Settings

if TYPE_CHECKING:
    from fraud_detection_api.pipeline.data_folder import DataFolder
    from fraud_detection_api.pipeline.running import RunningOptions
    from fraud_detection_api.pipeline.step import Scalar

Folder = Annotated[
    Path | None, typer.Option("--folder", envvar="FRAUD_PIPELINE", help="The pipeline's data folder [pipeline]")
]
Raw = Annotated[Path | None, typer.Option("--raw", help="A folder of raw orders to start from, instead of a sample")]
RunName = Annotated[str, typer.Argument(help="The run, as `fraud pipeline list` names it, or last")]
LAST = "last"


def data_folder(given: Path | None) -> "DataFolder":
    """The data folder that was named, or that of the settings, with its journal."""
    from fraud_detection_api.pipeline.data_folder import DataFolder, FolderOptions

    settings = Settings()
    folder = given or settings.pipeline
    options = FolderOptions(folder, settings.journal, settings.journal_project, settings.store_timeout_seconds)
    return DataFolder(options)


def running_options() -> "RunningOptions":
    """Steps, executor and what central steps reach, as the settings have them."""
    from fraud_detection_api.pipeline.given import shared_by_all
    from fraud_detection_api.pipeline.running import RunningOptions

    settings = Settings()
    executing = ExecutingOptions(
        settings.dask, settings.pipeline_parts, settings.dask_tls_ca, settings.dask_tls_cert, settings.dask_tls_key
    )
    places: dict[str, Scalar] = {
        "models": str(settings.models.absolute()),
        "dask": settings.dask,
        "dask_tls_ca": settings.dask_tls_ca,
        "dask_tls_cert": settings.dask_tls_cert,
        "dask_tls_key": settings.dask_tls_key,
        "at_once": settings.pipeline_parts,
        "histories": settings.histories,
        "histories_prefix": settings.histories_prefix,
        "histories_ttl_days": settings.histories_ttl_days,
        "histories_timeout_seconds": settings.histories_timeout_seconds,
        "find": ",".join(settings.find),
    }
    shared = shared_by_all(settings.use_cases, settings.histories_secret)
    return RunningOptions(settings.pipeline_steps, executing, places, shared)


def named_run(folder: "DataFolder", name: str) -> str:
    """The id of a run that may be named `last`."""
    from fraud_detection_api.run_errors import UnknownRun

    if name != LAST:
        return name
    for run in folder.journal.runs(limit=1):
        return run.id
    raise UnknownRun(name)


def with_parameters(command: Callable[..., None]) -> Callable[..., None]:
    """A Typer command with one option for each parameter of a run, which the function gets as one record."""
    hints = get_type_hints(command, include_extras=True)
    own = [
        each.replace(annotation=hints[each.name])
        for each in inspect.signature(command).parameters.values()
        if each.name != "parameters"
    ]

    def run(**given: object) -> None:
        values = {name: cast("Scalar", given.pop(name)) for name in NAMES}
        command(parameters=parameters_of(values), **given)

    options = [_option(name) for name in NAMES]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]  # Typer reads it
    return run


def _option(name: str) -> inspect.Parameter:
    known = described(name)
    option = typer.Option(f"--{name.replace('_', '-')}", help=known.words, min=known.least, max=known.most)
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=known.default, annotation=Annotated[known.kind, option])
