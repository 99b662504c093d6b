"""fraud models: what the registry holds, and which of it leads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from fraud_detection_api.cli.arguments import (
    USE_CASE,
    Models,
    Name,
    Track,
    UseCases,
    Version,
    known_use_cases,
    registry_of,
    tracker_of,
    use_case_of,
)
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.errors import ForceNeedsReason
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.use_cases.known import named

app = typer.Typer(no_args_is_help=True, help="List, show, promote, roll back and import models.")


@app.command("list")
def list_models(
    use_case: Annotated[str | None, typer.Argument(help="Only this use case")] = None,
    models: Models = None,
    use_cases: UseCases = None,
) -> None:
    """List every version, oldest first."""
    from fraud_detection_api.cli import model_tables
    from fraud_detection_api.cli.console import console

    known, registry = known_use_cases(use_cases), registry_of(models)
    names = [named(use_case, known).name] if use_case else list(known)
    tables = [model_tables.versions(registry, name) for name in names if registry.versions(name)]
    if not tables:
        typer.echo(f"No models in {registry.root} yet: see `fraud train --help`.")
    console().print(*tables)


@app.command("show")
def show(use_case: Name, version: Version = "champion", models: Models = None, use_cases: UseCases = None) -> None:
    """Show one version: data, measures, features, the gate's verdict."""
    from fraud_detection_api.cli import model_tables

    registry, name = registry_of(models), use_case_of(use_case, use_cases).name
    bundle = registry.bundle(name, version)
    model_tables.show(name, bundle, registry.aliases(name))


@app.command("promote")
def promote(
    use_case: Name,
    version: Version,
    force: Annotated[str | None, typer.Option(metavar="REASON", help="Why, if its gate failed")] = None,
    models: Models = None,
    use_cases: UseCases = None,
    track: Track = None,
) -> None:
    """Make a version the champion; if its gate failed, give a reason, which a new version of it records."""
    with without_data_frames():
        from fraud_detection_api.training.bundling.publishing import promoted

    registry = registry_of(models)
    found = promoted(registry, use_case_of(use_case, use_cases), version, force)
    typer.echo(f"{use_case} {found} is champion now")
    tracker_of(track, registry, use_case).promoted(found)


@app.command("rollback")
def rollback(use_case: Name, models: Models = None, use_cases: UseCases = None, track: Track = None) -> None:
    """Make the previous champion champion again."""
    registry = registry_of(models)
    found = registry.rollback(use_case_of(use_case, use_cases).name)
    typer.echo(f"{use_case} {found} is champion again")
    tracker_of(track, registry, use_case).promoted(found)


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """Which file becomes a version, from which probability it flags, and whether it leads."""

    file: Annotated[Path, typer.Argument(help="A native XGBoost file, JSON or UBJ, with the use case's features")]
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Probability from which a record is flagged")] = 0.5
    promote: Annotated[
        str | None,
        typer.Option("--promote", metavar="REASON", help="Make it champion; it was not validated on data, so say why"),
    ] = None
    models: Models = None
    use_cases: UseCases = None
    track: Track = None


def _import(name: str, options: ImportOptions) -> None:
    """Make a bundle of a model that was trained elsewhere; it becomes champion if there is none, or with --promote."""
    with without_data_frames():
        from fraud_detection_api.training.bundling.importing import import_model

    if options.promote is not None and not options.promote.strip():
        raise ForceNeedsReason
    registry, use_case = registry_of(options.models), use_case_of(name, options.use_cases)
    imported = import_model(registry, use_case, options.file, options.threshold, options.promote)
    for remark in imported.remarks:
        typer.echo(remark, err=True)
    outcome = "champion now" if imported.is_champion else "published; to make it champion: fraud models promote --force"
    typer.echo(f"{name} {imported.version} is {outcome}")
    tracker_of(options.track, registry, name).published(imported.version, is_champion=imported.is_champion)


app.command("import")(command_with_options(_import, USE_CASE))
