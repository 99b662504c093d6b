"""fraud models: what the registry holds, and which of it leads."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table

from fraud_detection_api.errors import BundleRefused, ForceNeedsReason, UnknownVersion
from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.manifest import Feature, Manifest
from fraud_detection_api.model.registry import Aliases, Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.settings import Settings
from fraud_detection_api.training.fit_options import import_strings
from fraud_detection_api.training.summary import measures_table
from fraud_detection_api.use_cases import all_use_cases, named

app = typer.Typer(no_args_is_help=True, help="List, show, promote, roll back and import models.")

Name = Annotated[str, typer.Argument(help="The use case, such as credit_accounts")]
Version = Annotated[str, typer.Argument(help="A version, its number, or champion or challenger")]
Models = Annotated[Path | None, typer.Option("--models", envvar="FRAUD_MODELS", help="Folder of the registry [models]")]
UseCases = Annotated[
    str | None, typer.Option("--use-cases", envvar="FRAUD_USE_CASES", help="Use cases of your own: package.module:NAME")
]


@app.command("list")
def list_models(
    use_case: Annotated[str | None, typer.Argument(help="Only this use case")] = None,
    models: Models = None,
    use_cases: UseCases = None,
) -> None:
    """List every version, oldest first."""
    known, registry = _known(use_cases), _registry(models)
    names = [named(use_case, known).name] if use_case else list(known)
    tables = [_versions(registry, name) for name in names if registry.versions(name)]
    if not tables:
        typer.echo(f"No models in {registry.root} yet: see `fraud train --help`.")
    _console().print(*tables)


@app.command("show")
def show(use_case: Name, version: Version = "champion", models: Models = None, use_cases: UseCases = None) -> None:
    """Show what is known of one version."""
    registry, name = _registry(models), named(use_case, _known(use_cases)).name
    bundle = registry.bundle(name, version)
    manifest, console = bundle.manifest, _console()
    console.print(f"{name} {bundle.version} {_alias(bundle.version, registry.aliases(name))}".rstrip())
    console.print(_facts(manifest), measures_table(manifest), _features(manifest.features))
    for check in manifest.gate.checks:
        console.print(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.detail}")


@app.command("promote")
def promote(
    use_case: Name,
    version: Version,
    force: Annotated[str | None, typer.Option(metavar="REASON", help="Why, if its gate failed")] = None,
    models: Models = None,
    use_cases: UseCases = None,
) -> None:
    """Make a version the champion; one whose gate failed needs a reason, which a new version of it keeps."""
    with without_data_frames():
        from fraud_detection_api.training.publishing import promoted

    found = promoted(_registry(models), named(use_case, _known(use_cases)), version, force)
    typer.echo(f"{use_case} {found} is champion now")


@app.command("rollback")
def rollback(use_case: Name, models: Models = None, use_cases: UseCases = None) -> None:
    """Make the champion before this one champion again."""
    found = _registry(models).rollback(named(use_case, _known(use_cases)).name)
    typer.echo(f"{use_case} {found} is champion again")


@app.command("import")
def import_file(
    use_case: Name,
    file: Annotated[Path, typer.Argument(help="A native XGBoost file, JSON or UBJ, with the use case's features")],
    threshold: Annotated[float, typer.Option(min=0, max=1, help="From which probability on it is a fraud")] = 0.5,
    promote: Annotated[
        str | None,
        typer.Option("--promote", metavar="REASON", help="Make it champion; no data has judged it, so say why"),
    ] = None,
    models: Models = None,
    use_cases: UseCases = None,
) -> None:
    """Make a bundle of a model that was boosted elsewhere; it becomes champion if there is none, or with --promote."""
    with without_data_frames():
        from fraud_detection_api.training.importing import import_model

    if promote is not None and not promote.strip():
        raise ForceNeedsReason
    imported = import_model(_registry(models), named(use_case, _known(use_cases)), file, threshold, promote)
    for remark in imported.remarks:
        typer.echo(remark, err=True)
    outcome = "champion now" if imported.is_champion else "published; to make it champion: fraud models promote --force"
    typer.echo(f"{use_case} {imported.version} is {outcome}")


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False)


def _registry(given: Path | None) -> Registry:
    return Registry(given or Settings().models)


def _known(given: str | None) -> dict[str, UseCase]:
    return all_use_cases(import_strings(given) if given else Settings().use_cases)


def _alias(version: str, aliases: Aliases) -> str:
    return {aliases.champion: "champion", aliases.challenger: "challenger"}.get(version, "")


def _versions(registry: Registry, name: str) -> Table:
    headings = ("version", "alias", "origin", "made", "AP", "AUC", "gate")
    table = Table(*headings, title=name, title_justify="left", box=box.SIMPLE)
    aliases = registry.aliases(name)
    for version in registry.versions(name):
        table.add_row(version, _alias(version, aliases), *_cells(registry, name, version))
    return table


def _cells(registry: Registry, name: str, version: str) -> tuple[str, ...]:
    try:
        manifest = registry.bundle(name, version).manifest
    except (BundleRefused, UnknownVersion) as error:
        return ("refused", error.message, "", "", "")
    measures = (manifest.metrics.get(each) for each in ("average_precision", "roc_auc"))
    shown = (f"{measure.value:.4f}" if measure else "" for measure in measures)
    return (manifest.origin, f"{manifest.created_at:%Y-%m-%d}", *shown, _gate(manifest).partition(":")[0])


def _gate(manifest: Manifest) -> str:
    if manifest.gate.forced_because:
        return f"forced: {manifest.gate.forced_because}"
    if manifest.origin == "imported":
        return "not judged"
    return "passed" if manifest.gate.passed else "failed"


def _facts(manifest: Manifest) -> Table:
    table = Table("fact", Column("value", overflow="fold"))
    data = manifest.data.model_dump() if manifest.data else {}
    facts = {"made": f"{manifest.created_at:%Y-%m-%d %H:%M:%S %Z}", "origin": manifest.origin, "gate": _gate(manifest)}
    for name, value in {**facts, **data, **manifest.parameters, **manifest.libraries}.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def _features(features: tuple[Feature, ...]) -> Table:
    table = Table("feature", "kind", "trained on", "missing")
    for feature in features:
        seen = f"{feature.low:.10g} to {feature.high:.10g}" if feature.low is not None else ""
        trained = ", ".join(feature.categories) if feature.categories is not None else seen
        missing = "" if feature.missing_share is None else f"{feature.missing_share:.1%}"
        table.add_row(feature.name, feature.kind, trained, missing)
    return table
