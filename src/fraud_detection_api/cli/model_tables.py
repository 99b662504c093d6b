"""Tables of models on the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.table import Column, Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.cli.fit_summary import flagged_words, measures_table
from fraud_detection_api.errors import BundleRefused, UnknownVersion
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.manifest import Feature, Manifest
from fraud_detection_api.model.registry import Aliases, Registry
from fraud_detection_api.training.report.kinds import kind_words
from fraud_detection_api.training.report.strangeness import strangeness
from fraud_detection_api.training.report.wording import anomaly_score, calibration_words, threshold_rule

LISTED = {"version": 10, "alias": 8, "origin": 7, "model": 10, "made": 10}  # with their least widths
LABELLED = ("AP", "AUC")
OF_LABELS = ("frauds", "validation_rows", "validation_frauds", "split", "first_day", "last_day")


def show(name: str, bundle: Bundle, aliases: Aliases) -> None:
    """Print what is known of one version."""
    manifest, out = bundle.manifest, console()
    out.print(f"{name} {bundle.version} {_alias(bundle.version, aliases)}".rstrip())
    measured = [measures_table(manifest)] if manifest.ranks is None else []
    out.print(_facts(manifest), *measured, _features(manifest.features))
    for check in manifest.gate.checks:
        out.print(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.detail}")


def _alias(version: str, aliases: Aliases) -> str:
    return {aliases.champion: "champion", aliases.challenger: "challenger"}.get(version, "")


def versions(registry: Registry, name: str) -> Table:
    """Every version of a use case, oldest first; what judges a model with labels has no column where there are none."""
    found = [_Listed.of(registry, name, version) for version in registry.versions(name)]
    figures = tuple(dict.fromkeys(heading for each in found for heading in each.figures)) or LABELLED
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
        return cls(version, known, _figures(manifest), _gate(manifest).partition(":")[0])


def _figures(manifest: Manifest) -> dict[str, str]:
    found = strangeness(manifest)
    if found is not None:
        return {"flagged": f"{found.flagged:,} of {found.rows:,}", "below": anomaly_score(manifest.threshold)}
    measures = (manifest.metrics.get(each) for each in ("average_precision", "roc_auc"))
    return dict(zip(LABELLED, (f"{measure.value:.4f}" if measure else "" for measure in measures), strict=True))


def _gate(manifest: Manifest) -> str:
    if manifest.gate.forced_because:
        return f"forced: {manifest.gate.forced_because}"
    if manifest.origin == "imported":
        return "not judged"
    return "passed" if manifest.gate.passed else "failed"


def _facts(manifest: Manifest) -> Table:
    table = Table("fact", Column("value", overflow="fold"))
    data = manifest.data.model_dump() if manifest.data else {}
    made = f"{manifest.created_at:%Y-%m-%d %H:%M:%S %Z}"
    facts = {"made": made, "origin": manifest.origin, "kind of model": kind_words(manifest), "gate": _gate(manifest)}
    if manifest.ranks is None:
        facts |= {"threshold": threshold_rule(manifest), "calibration": calibration_words(manifest)}
    else:
        facts |= {"threshold": f"{flagged_words(manifest)} ({threshold_rule(manifest)})"}
        data = {name: value for name, value in data.items() if name not in OF_LABELS}
    for name, value in {**facts, **data, **manifest.parameters, **manifest.libraries}.items():
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
