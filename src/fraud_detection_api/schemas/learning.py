"""What models of a use case learn: what sets labelled frauds apart or, without labels, what is usual."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.record import Feature, Kind, RecordField
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind

MOST_CATEGORIES = 65_000


@dataclass(frozen=True)
class Supervised:
    """Learns from a label: a column of the training table that is 1 for a fraud and 0 otherwise."""

    label: str
    time_column: str | None = None
    order_column: str | None = None  # a number that says which row came first, where the table has no dates
    costs: Costs | None = None
    gate: Gate = field(default_factory=Gate)
    models: tuple[str, ...] = ("xgboost",)  # the kinds that `fraud train` compares; a single one is just trained
    most_categories: int = 1_000  # of a text field: the commonest are learned each, all others as one

    score: ClassVar[ScoreKind] = FRAUD

    @property
    def columns(self) -> dict[str, Kind]:
        """The columns of the training table that it is learned by; the order may be that of a field."""
        named = ((self.time_column, Kind.DATE), (self.order_column, Kind.NUMBER), (self.label, Kind.BOOLEAN))
        return {name: kind for name, kind in named if name is not None}

    def problems(
        self, _features: Sequence[Feature], fields: Sequence[RecordField], entity: str | None
    ) -> Iterator[str]:
        """Why it cannot be learned from records with these fields beside the identifier."""
        kinds = {each.name: each.kind for each in fields}
        if not 1 <= self.most_categories <= MOST_CATEGORIES:
            yield f"of a text field, 1 to {MOST_CATEGORIES:,} categories are learned, not {self.most_categories:,}."
        if not self.models:
            yield "name at least one kind of model."
        if self.order_column and self.time_column:
            yield "its rows are in the order of days or of a number, not of both."
        if kinds.get(self.time_column or "", Kind.DATE) not in (Kind.DATE, Kind.TIME):
            yield f"its time column {self.time_column!r} is no date and no time."
        missed = self.costs.missed_fraud if self.costs else 0
        if isinstance(missed, str) and kinds.get(missed) not in (Kind.INTEGER, Kind.NUMBER):
            yield f"a missed fraud cannot cost {missed!r}, which is no number."
        if self.label in (entity, self.gate.group):
            yield "the label can be neither its entity nor its group."


@dataclass(frozen=True)
class Unsupervised:
    """Learns without a label, by an isolation forest; the words are scikit-learn's own.

    `contamination` is the share of the training records to flag; None leaves the offset at -0.5, scikit-learn's "auto".
    """

    n_estimators: int = 100
    contamination: float | None = None
    random_state: int = 0

    score: ClassVar[ScoreKind] = ANOMALY
    label: ClassVar[str | None] = None  # and so nothing that would judge a model
    time_column: ClassVar[str | None] = None
    order_column: ClassVar[str | None] = None
    costs: ClassVar[Costs | None] = None
    gate: ClassVar[Gate] = Gate()
    models: ClassVar[tuple[str, ...]] = ()
    most_categories: ClassVar[int] = 0
    columns: ClassVar[dict[str, Kind]] = {}

    def __post_init__(self) -> None:
        if not 1 <= self.n_estimators <= 10_000:
            raise UseCaseInvalid(f"An isolation forest has 1 to 10,000 trees, not {self.n_estimators}.")
        if self.contamination is not None and not 0 < self.contamination <= 0.5:
            raise UseCaseInvalid(f"Contamination is a share above 0 and up to 0.5, not {self.contamination:g}.")

    def problems(
        self, features: Sequence[Feature], _fields: Sequence[RecordField], _entity: str | None
    ) -> Iterator[str]:
        """Why it cannot be learned from records with these features."""
        if any(each.optional or each.kind in (Kind.CATEGORY, Kind.DATE) for each in features):
            yield "without a label, every feature is a required number."
