"""The end of a run in words: what the model is worth, and what became of it."""

from typing import TYPE_CHECKING

from rich.table import Table

from fraud_detection_api.cli.console import console
from fraud_detection_api.model.manifest import Manifest, Measure
from fraud_detection_api.training.proof.measures import MONEY
from fraud_detection_api.training.report.kinds import kind_words
from fraud_detection_api.training.report.strangeness import strangeness
from fraud_detection_api.training.report.wording import anomaly_score, cost_warning, threshold_rule
from fraud_detection_api.training.tables.split import rows_that_judge

if TYPE_CHECKING:
    from fraud_detection_api.training.fitting import Fitted


def summary(fitted: "Fitted") -> None:
    """Print the measures, the gate's checks, the outcome, and whether no model at all would cost less."""
    out, manifest = console(), fitted.manifest
    if manifest.ranks is None:
        out.print(measures_table(manifest))
    out.print(f"{kind_words(manifest)}: {flagged_words(manifest)} ({threshold_rule(manifest)})")
    for check in manifest.gate.checks:
        out.print(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.detail}")
    out.print(f"{manifest.use_case} {fitted.version} {outcome(manifest, is_champion=fitted.is_champion)}")
    if warning := cost_warning(fitted.meaning):
        out.print(warning)


def flagged_words(manifest: Manifest) -> str:
    """From where on records are flagged; without labels, how many of the training rows that are."""
    found = strangeness(manifest)
    if found is None:
        return f"flagged from {manifest.threshold:.4f} on"
    return f"flagged below {anomaly_score(manifest.threshold)}, {found.flagged:,} of {found.rows:,} training rows"


def outcome(manifest: Manifest, *, is_champion: bool) -> str:
    """What became of a version."""
    if not is_champion:
        return "is published, but the gate failed: it does not lead (to promote it all the same: --force 'why')"
    if manifest.gate.forced_because:
        return f"is champion past a failed gate, because: {manifest.gate.forced_because}"
    return "is champion now"


def measures_table(manifest: Manifest) -> Table:
    """The measures with their 95 % intervals."""
    judged = f"on {rows_that_judge(manifest.data.split)} rows" if manifest.data and manifest.metrics else "no measures"
    table = Table(judged, "value", "95 % interval")
    for name, measure in manifest.metrics.items():
        digits = 2 if name in MONEY else 4
        table.add_row(name.replace("_", " "), f"{measure.value:,.{digits}f}", interval(measure, digits))
    table.add_row("threshold", f"{manifest.threshold:.4f}", "")
    return table


def interval(measure: Measure, digits: int) -> str:
    """The interval, where there is one."""
    if measure.low is None or measure.high is None:
        return ""
    return f"{measure.low:,.{digits}f} to {measure.high:,.{digits}f}"
