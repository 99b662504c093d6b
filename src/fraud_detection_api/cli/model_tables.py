"""Tables of models on the terminal; apart from the commands, because a serving process should not hold them."""

from rich import box
from rich.console import Console
from rich.table import Column, Table

from fraud_detection_api.errors import BundleRefused, UnknownVersion
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.manifest import Feature, Manifest
from fraud_detection_api.model.registry import Aliases, Registry
from fraud_detection_api.training.report.wording import calibration_words, threshold_rule
from fraud_detection_api.training.summary import measures_table


def console() -> Console:
    """Where tables go: as wide as they need to be when nobody looks."""
    return Console(soft_wrap=True, highlight=False, markup=False)


def show(name: str, bundle: Bundle, aliases: Aliases) -> None:
    """Print what is known of one version."""
    manifest, out = bundle.manifest, console()
    out.print(f"{name} {bundle.version} {_alias(bundle.version, aliases)}".rstrip())
    out.print(_facts(manifest), measures_table(manifest), _features(manifest.features))
    for check in manifest.gate.checks:
        out.print(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.detail}")


def _alias(version: str, aliases: Aliases) -> str:
    return {aliases.champion: "champion", aliases.challenger: "challenger"}.get(version, "")


def versions(registry: Registry, name: str) -> Table:
    """Every version of a use case, oldest first."""
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
    facts |= {"threshold": threshold_rule(manifest), "calibration": calibration_words(manifest)}
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
