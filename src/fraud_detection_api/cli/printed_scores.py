"""How the terminal speaks of each kind of score: the measures, the threshold, the figures in a list of versions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.table import Table

from fraud_detection_api.model.manifest import Manifest, Measure
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind
from fraud_detection_api.training.proof.measures import MONEY
from fraud_detection_api.training.report.anomalies import anomalies
from fraud_detection_api.training.report.wording import anomaly_score, calibration_words, threshold_rule
from fraud_detection_api.training.tables.split import rows_that_judge

MEASURED = {"AP": "average_precision", "AUC": "roc_auc"}
OF_LABELS = ("frauds", "validation_rows", "validation_frauds", "split", "first_day", "last_day")

Facts = dict[str, object]


@dataclass(frozen=True)
class PrintedScore:
    """What the terminal says of a model with such scores."""

    measures: Callable[[Manifest], tuple[Table, ...]]
    flagged: Callable[[Manifest], str]  # from where on records are flagged
    listed: Callable[[Manifest], dict[str, str]]
    facts: Callable[[Manifest], Facts]


def _measures(manifest: Manifest) -> tuple[Table]:
    """The measures with their 95 % intervals."""
    judged = f"on {rows_that_judge(manifest.data.split)} rows" if manifest.data and manifest.metrics else "no measures"
    table = Table(judged, "value", "95 % interval")
    for name, measure in manifest.metrics.items():
        digits = 2 if name in MONEY else 4
        table.add_row(name.replace("_", " "), f"{measure.value:,.{digits}f}", _interval(measure, digits))
    table.add_row("threshold", f"{manifest.threshold:.4f}", "")
    return (table,)


def _interval(measure: Measure, digits: int) -> str:
    """The interval, where there is one."""
    if measure.low is None or measure.high is None:
        return ""
    return f"{measure.low:,.{digits}f} to {measure.high:,.{digits}f}"


def _flagged_from(manifest: Manifest) -> str:
    return f"flagged from {manifest.threshold:.4f} on"


def _flagged_below(manifest: Manifest) -> str:
    found = anomalies(manifest)
    return f"flagged below {anomaly_score(manifest.threshold)}, {found.flagged:,} of {found.rows:,} training rows"


def _measured(manifest: Manifest) -> dict[str, str]:
    measures = {heading: manifest.metrics.get(name) for heading, name in MEASURED.items()}
    return {heading: f"{measure.value:.4f}" if measure else "" for heading, measure in measures.items()}


def _counted(manifest: Manifest) -> dict[str, str]:
    found = anomalies(manifest)
    return {"flagged": f"{found.flagged:,} of {found.rows:,}", "below": anomaly_score(manifest.threshold)}


def _fraud_facts(manifest: Manifest) -> Facts:
    return {"threshold": threshold_rule(manifest), "calibration": calibration_words(manifest)} | _data(manifest)


def _anomaly_facts(manifest: Manifest) -> Facts:
    data = {name: value for name, value in _data(manifest).items() if name not in OF_LABELS}
    return {"threshold": f"{_flagged_below(manifest)} ({threshold_rule(manifest)})"} | data


def _data(manifest: Manifest) -> Facts:
    return manifest.data.model_dump() if manifest.data else {}


PRINTED: Mapping[ScoreKind, PrintedScore] = {
    FRAUD: PrintedScore(_measures, _flagged_from, _measured, _fraud_facts),
    ANOMALY: PrintedScore(lambda _: (), _flagged_below, _counted, _anomaly_facts),
}
