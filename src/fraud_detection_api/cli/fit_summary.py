"""The end of a run in words: what the model is worth, and what became of it."""

from typing import TYPE_CHECKING

from fraud_detection_api.cli.console import console
from fraud_detection_api.cli.printed_scores import PRINTED
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.training.report.kinds import kind_words
from fraud_detection_api.training.report.wording import cost_warning, threshold_rule

if TYPE_CHECKING:
    from fraud_detection_api.training.fitting import Fitted


def summary(fitted: "Fitted") -> None:
    """Print the measures, the gate's checks, the outcome, and whether no model at all would cost less."""
    out, manifest = console(), fitted.manifest
    for table in PRINTED[manifest.score].measures(manifest):
        out.print(table)
    out.print(f"{kind_words(manifest)}: {PRINTED[manifest.score].flagged(manifest)} ({threshold_rule(manifest)})")
    for check in manifest.gate.checks:
        out.print(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.detail}")
    out.print(f"{manifest.use_case} {fitted.version} {outcome(manifest, is_champion=fitted.is_champion)}")
    if warning := cost_warning(fitted.meaning):
        out.print(warning)


def outcome(manifest: Manifest, *, is_champion: bool) -> str:
    """What became of a version."""
    if not is_champion:
        return "is published, but the gate failed: it does not lead (to promote it all the same: --force 'why')"
    if manifest.gate.forced_because:
        return f"is champion past a failed gate, because: {manifest.gate.forced_because}"
    return "is champion now"
