"""Tables of models on the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.table import Column, Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.cli.printed_scores import MEASURED, PRINTED
from fraud_detection_api.errors import BundleRefused, UnknownVersion
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.manifest import Feature, Manifest
from fraud_detection_api.model.registry import Aliases, Registry
from fraud_detection_api.training.report.kinds import kind_words

LISTED = {"version": 10, "alias": 8, "origin": 7, "model": 10, "made": 10}  # with their least widths


def show(name: str, bundle: Bundle, aliases: Aliases) -> None:
    """Print what is known of one version."""
    manifest, out = bundle.manifest, console()
    out.print(f"{name} {bundle.version} {_alias(bundle.version, aliases)}".rstrip())
    out.print(_facts(manifest), *PRINTED[manifest.score].measures(manifest), _features(manifest.features))
    for check in manifest.gate.checks:
        out.print(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.detail}")


def _alias(version: str, aliases: Aliases) -> str:
    return {aliases.champion: "champion", aliases.challenger: "challenger"}.get(version, "")


def versions(registry: Registry, name: str) -> Table:
    """Every version of a use case, oldest first; what judges a model with labels has no column where there are none."""
    found = [_Listed.of(registry, name, version) for version in registry.versions(name)]
    figures = tuple(dict.fromkeys(heading for each in found for heading in each.figures)) or tuple(MEASURED)
    columns = [Column(each, min_width=width) for each, width in LISTED.items()]
    table = Table(*columns, *figures, "gate", title=name, title_justify="left", box=box.SIMPLE)
    aliases = registry.aliases(name)
    for each in found:
        shown = (each.figures.get(heading, "") for heading in figures)
        table.add_row(each.version, _alias(each.version, aliases), *each.known, *shown, each.gate)
    return table


@dataclass(frozen=True)
class _Listed:
    """A version in the list."""

    version: str
    known: tuple[str, str, str]
    figures: Mapping[str, str]
    gate: str

    @classmethod
    def of(cls, registry: Registry, name: str, version: str) -> "_Listed":
        try:
            manifest = registry.bundle(name, version).manifest
        except (BundleRefused, UnknownVersion) as error:
            return cls(version, ("refused", error.message, ""), {}, "")
        known = (manifest.origin, kind_words(manifest), f"{manifest.created_at:%Y-%m-%d}")
        return cls(version, known, PRINTED[manifest.score].listed(manifest), _gate(manifest).partition(":")[0])


def _gate(manifest: Manifest) -> str:
    if manifest.gate.forced_because:
        return f"forced: {manifest.gate.forced_because}"
    if manifest.origin == "imported":
        return "not judged"
    return "passed" if manifest.gate.passed else "failed"


def _facts(manifest: Manifest) -> Table:
    table = Table("fact", Column("value", overflow="fold"))
    made = f"{manifest.created_at:%Y-%m-%d %H:%M:%S %Z}"
    facts = {"made": made, "origin": manifest.origin, "kind of model": kind_words(manifest), "gate": _gate(manifest)}
    learned = PRINTED[manifest.score].facts(manifest)
    for name, value in {**facts, **learned, **manifest.parameters, **manifest.libraries}.items():
        if value is not None:
            table.add_row(name.replace("_", " "), str(value))
    return table


def _texts(feature: Feature) -> str:
    named = feature.categories or ()
    more = (feature.category_count or 0) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def _features(features: tuple[Feature, ...]) -> Table:
    table = Table("feature", "kind", "trained on", "missing")
    for feature in features:
        seen = f"{feature.low:.10g} to {feature.high:.10g}" if feature.low is not None else ""
        trained = _texts(feature.abridged()) if feature.categories is not None else seen
        missing = "" if feature.missing_share is None else f"{feature.missing_share:.1%}"
        table.add_row(feature.name, feature.kind, trained, missing)
    return table
