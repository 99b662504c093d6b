"""What a report holds, as numbers: the same for the page and for JSON."""

from fraud_detection_api.model.manifest import Frozen, Manifest, Measure
from fraud_detection_api.training.compared import Comparison
from fraud_detection_api.training.proof.consequences import Consequences

Numbers = tuple[float, ...]


class Purpose(Frozen):
    """What the use case says of itself."""

    name: str
    title: str
    purpose: str
    not_for: str
    label: str | None  # None: it learned without
    time_column: str | None
    order_column: str | None = None
    entity: str | None
    group: str | None
    help_texts: dict[str, str]


class Curves(Frozen):
    """What happens at each of some thresholds, from the highest down; bands are 95 % intervals at the same place."""

    thresholds: Numbers
    flagged_share: Numbers
    recall: Numbers
    precision: Numbers
    false_positive_rate: Numbers
    precision_low: Numbers
    precision_high: Numbers
    recall_low: Numbers
    recall_high: Numbers
    roc_low: Numbers
    roc_high: Numbers


class Bin(Frozen):
    """Records of about the same probability."""

    low: float
    high: float
    rows: int
    frauds: int
    mean: float
    observed: Measure


class Distribution(Frozen):
    """The share of each class between two probabilities."""

    edges: Numbers
    is_log: bool
    honest: Numbers
    frauds: Numbers


class CostChoice(Frozen):
    """The cheapest threshold on the threshold rows, and what it would have meant on the validation rows."""

    false_alarms_a_fraud: float | None = (
        None  # how many false alarms a missed fraud is worth; None by the declared costs
    )
    threshold: float | None  # None where it is cheapest to flag nothing
    flagged_share: float
    recall: float
    cost_share: float  # of the cost without a model
    cost_share_now: float  # at the model's own threshold


class CostCurves(Frozen):
    """The cost at each threshold on the validation rows, as a share of the cost without a model, for each choice."""

    thresholds: Numbers
    shares: tuple[Numbers, ...]
    choices: tuple[CostChoice, ...]


class Slice(Frozen):
    """Some of the validation rows: those of a period, or of a group."""

    name: str
    rows: int
    frauds: int
    mean_probability: float
    average_precision: float | None
    recall: Measure | None
    precision: Measure | None
    false_positive_rate: Measure | None


class Figures(Frozen):
    """Everything that validation rows say."""

    curves: Curves
    reliability: tuple[Bin, ...]
    distribution: Distribution
    at_threshold: Consequences
    costs: CostCurves | None
    period: str | None
    periods: tuple[Slice, ...]
    groups: tuple[Slice, ...]
    left_out_groups: int


class Importance(Frozen):
    """Mean |SHAP| of each feature over some rows, in log-odds or, without labels, in anomaly."""

    rows: int
    values: dict[str, float]


class Flagging(Frozen):
    """An anomaly score, and about what share of the training rows lies below it."""

    threshold: float
    share: float


class Anomalies(Frozen):
    """How unusual the training rows are to a model that learned from them without labels."""

    rows: int
    flagged: int
    edges: Numbers
    shares: Numbers  # of the training rows, between two edges
    others: tuple[Flagging, ...]  # what other shares would take


class KindInWords(Frozen):
    """What people call a kind of model, and what is to be said of its reasons."""

    words: str
    served_as: str = ""
    explained_in: str = ""
    no_reasons: str = ""


class Report(Frozen):
    """A model's report."""

    format: int = 1
    use_case: Purpose
    manifest: Manifest
    kind: KindInWords
    figures: Figures | None
    anomalies: Anomalies | None = None
    comparison: Comparison | None = None
    importance: Importance | None
    limits: tuple[str, ...]
