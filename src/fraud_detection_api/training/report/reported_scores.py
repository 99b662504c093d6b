"""How reports and the terminal speak of each kind of score: the one table of what differs between the two."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fraud_detection_api.model.manifest import DataSummary, Manifest
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.report.contents import Figures, Importance, KindInWords, Report
from fraud_detection_api.training.report.limits import anomaly_limits, fraud_limits
from fraud_detection_api.training.report.markup import Markup
from fraud_detection_api.training.report.sections.anomalies import (
    anomalies_moved,
    anomaly_cards,
    anomaly_flags,
    anomaly_rows,
    anomaly_sentence,
)
from fraud_detection_api.training.report.sections.data import labelled_rows
from fraud_detection_api.training.report.sections.decisions import decisions
from fraud_detection_api.training.report.sections.influence import Moved, scores_moved
from fraud_detection_api.training.report.sections.summary import fraud_cards, fraud_sentence


@dataclass(frozen=True)
class ReportedScore:
    """The parts of a report that a kind of score has of its own."""

    cards: Callable[[Report], Iterable[Markup]]
    sentence: Callable[[Report], str]  # what the threshold means
    threshold: Callable[[Report], Markup]
    moved: Callable[[Importance | None, KindInWords], Moved]
    rows: Callable[[Report, DataSummary], list[tuple[str, str]]]
    limits: Callable[[UseCase, Manifest, Figures | None, Importance | None], tuple[str, ...]]


REPORTED: Mapping[ScoreKind, ReportedScore] = {
    FRAUD: ReportedScore(
        cards=fraud_cards,
        sentence=fraud_sentence,
        threshold=decisions,
        moved=scores_moved,
        rows=labelled_rows,
        limits=fraud_limits,
    ),
    ANOMALY: ReportedScore(
        cards=anomaly_cards,
        sentence=anomaly_sentence,
        threshold=anomaly_flags,
        moved=anomalies_moved,
        rows=anomaly_rows,
        limits=anomaly_limits,
    ),
}
