"""The manifest: everything that is known of a trained model, beside the model itself."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fraud_detection_api.features.matrix import KnownTexts
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind

MODEL = "model.json"

FEW = 5  # categories that answers and reports name


class Frozen(BaseModel):
    """A part of the manifest: read, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Feature(Frozen):
    """One feature as the model saw it in training."""

    name: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    missing_share: float | None = None
    categories: tuple[str, ...] | None = None
    other: int | None = None  # how many rows held a text that is none of these; None where each text is one of them
    histogram_edges: tuple[float, ...] = ()
    histogram_counts: tuple[int, ...] = ()
    category_count: int | None = None  # where only the commonest categories are named

    def abridged(self) -> Self:
        """With only the commonest of its categories, and the counts of all of them in that order."""
        if self.categories is None:
            return self
        counts = self.histogram_counts or (0,) * len(self.categories)
        ranked = sorted(zip(counts, self.categories, strict=True), key=lambda each: (-each[0], each[1]))
        named, size = tuple(name for _, name in ranked[:FEW]), len(ranked)
        counted = tuple(count for count, _ in ranked)
        return self.model_copy(update={"categories": named, "histogram_counts": counted, "category_count": size})


class Measure(Frozen):
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float | None = None
    high: float | None = None


class Platt(Frozen):
    """A logistic curve over the log-odds of the model's probability."""

    method: Literal["platt"] = "platt"
    slope: float = Field(gt=0)
    intercept: float


class Isotonic(Frozen):
    """A rising line through points: the model's probability, and how often it was a fraud."""

    method: Literal["isotonic"] = "isotonic"
    given: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(min_length=2)
    true: tuple[Annotated[float, Field(ge=0, le=1)], ...]

    @model_validator(mode="after")
    def rises(self) -> Self:
        """No curve may put two records out of order."""
        if len(self.given) != len(self.true):
            raise ValueError("a calibration curve needs as many true as given probabilities")
        falls = any(low > high for low, high in pairwise(self.true))
        if falls or any(low >= high for low, high in pairwise(self.given)):
            raise ValueError("a calibration curve has to rise")
        return self


class Ranks(Frozen):
    """What share of the training records is less unusual than a score; the rest lies on lines between the points."""

    scores: tuple[float, ...] = Field(min_length=1)
    shares: tuple[Annotated[float, Field(ge=0, le=1)], ...]

    @model_validator(mode="after")
    def falls(self) -> Self:
        """A lower score is more unusual, and so is ranked above more of the others."""
        if len(self.scores) != len(self.shares):
            raise ValueError("ranks need as many shares as scores")
        rises = any(low < high for low, high in pairwise(self.shares))
        if rises or any(low >= high for low, high in pairwise(self.scores)):
            raise ValueError("the shares of ranks have to fall while their scores rise")
        return self


class DataSummary(Frozen):
    """What the model was made from."""

    source: str
    fingerprint: str
    rows: int
    frauds: int = 0  # where nobody knows them, there is no label and no row that judges
    validation_rows: int = 0
    validation_frauds: int = 0
    split: str
    first_day: str | None = None
    last_day: str | None = None
    share_before: float | None = None  # of frauds before validation, where rows stand for others that were left out
    best_average_precision: float | None = None  # that any model could have on the validation rows, of samples


class GateCheck(Frozen):
    """One question the gate asked, with its numbers."""

    name: str
    passed: bool
    detail: str
    numbers: dict[str, float] = {}


class GateVerdict(Frozen):
    """Whether the model may be promoted, and who passed it all the same."""

    passed: bool
    checks: tuple[GateCheck, ...] = ()
    forced_because: str | None = None


def _usual_model_file(said: dict[str, str]) -> str:
    """The name that bundles gave the model's file before their manifests said it."""
    return "model.onnx" if said.get("model_kind") == "onnx" else MODEL


def _time_of_making(said: dict[str, datetime]) -> datetime:
    """When the model was trained, for bundles whose manifests did not say it apart from their own making."""
    return said.get("created_at", datetime.max.replace(tzinfo=UTC))  # without either the manifest is refused


class Manifest(Frozen):
    """A bundle's description; `files` holds the SHA-256 of every other file of the bundle."""

    format: Literal[1] = 1
    use_case: str
    model_kind: str = "xgboost"
    origin: Literal["trained", "imported"]
    created_at: datetime
    trained_at: datetime = Field(default_factory=_time_of_making)  # stays when a version only changes the threshold
    features: tuple[Feature, ...]
    parameters: dict[str, str | int | float]
    threshold: float
    threshold_rule: str = ""
    threshold_asked: bool = False  # whether somebody has set the rule, so that the next fit keeps it
    at_stake: str | float | None = None  # what `judged.npy` holds of a missed fraud's cost: a field, or a fixed sum
    calibration: Platt | Isotonic | None = None
    ranks: Ranks | None = None  # of a model that learned without labels; its threshold is an anomaly score
    metrics: dict[str, Measure] = {}
    groups: tuple[str, ...] = ()
    data: DataSummary | None = None
    made_from: str | None = None  # the version that this one differs from in its threshold or its gate alone
    gate: GateVerdict
    libraries: dict[str, str]
    model_file: str = Field(pattern=r"^model\.[a-z]+$", default_factory=_usual_model_file)
    files: dict[str, str] = {}

    @property
    def score(self) -> ScoreKind:
        """The kind of its scores."""
        return FRAUD if self.ranks is None else ANOMALY

    @property
    def known_ranks(self) -> Ranks:
        """The ranks that go with anomaly scores."""
        if self.ranks is None:
            raise ValueError("a model that learned with labels has no ranks")
        return self.ranks

    def abridged(self) -> Self:
        """As answers and reports have it: with only the commonest categories of each feature."""
        return self.model_copy(update={"features": tuple(feature.abridged() for feature in self.features)})

    @property
    def categories(self) -> dict[str, KnownTexts]:
        """The categories of each text feature, in the order of their codes."""
        return {
            feature.name: KnownTexts(feature.categories, feature.other is not None)
            for feature in self.features
            if feature.categories is not None
        }
