"""Wording: what figures mean, in one plain sentence each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.manifest import DataSummary, Manifest, Measure, Platt
from fraud_detection_api.training.proof.consequences import Consequences
from fraud_detection_api.training.proof.threshold import rule_of


@dataclass(frozen=True)
class Explained:
    """A measure as people call it, and what its value says."""

    name: str
    sentence: str


def explained(name: str, measure: Measure, data: DataSummary | None) -> Explained:
    """A measure in words; one that nobody has worded keeps its name."""
    base = data.validation_frauds / data.validation_rows if data and data.validation_rows else 0.0
    if worded := _WORDS.get(name):
        title, sentence = worded
        return Explained(title, sentence(measure.value, base))
    if within := re.fullmatch(r"recall_at_(\d+)_percent_fpr", name):
        limit = f"{within[1]} % false alarms"
        return Explained(
            f"Recall at {limit}",
            f"Where {within[1]} of 100 honest records may be flagged, {of_100(measure.value)} of 100 frauds are found.",
        )
    return Explained(as_title(name.replace("_", " ")), "")


def of_100(share: float) -> str:
    """A share as so many of a hundred."""
    hundred = share * 100
    if 99.5 <= hundred < 100:
        return f"{min(hundred, 99.9):.1f}"
    return (
        f"{hundred:.0f}"
        if hundred >= 9.95 or hundred == 0
        else f"{hundred:.1f}"
        if hundred >= 0.1
        else f"{hundred:.2g}"
    )


def as_title(words: str) -> str:
    """Words at the head of a line."""
    return words[:1].upper() + words[1:]


def count(number: int, one: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def value(number: float) -> str:
    """A figure as the product prints it everywhere; sums of money without their cents."""
    return f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:.4f}"


def interval(measure: Measure) -> str:
    """An interval as two figures; nothing where there is none."""
    ends = measure.low, measure.high
    return "" if ends[0] is None or ends[1] is None else f"{value(ends[0])} to {value(ends[1])}"


def threshold_sentence(found: Consequences, threshold: float) -> str:
    """What the threshold means, in one sentence."""
    if not found.flagged:
        return f"No record of the validation period reaches the threshold of {threshold:.4g}: nothing would be flagged."
    a_day = f", about {found.flagged / found.days:,.3g} a day" if found.days and found.days > 1 else ""
    money = found.money
    instead = (
        f" By the declared costs it costs {money.cost:,.0f}, and {money.lost_without:,.0f} without a model."
        if money
        else ""
    )
    return (
        f"Records of {threshold:.4g} and above are flagged: {found.flagged:,} of {found.rows:,}{a_day}. "
        f"Among them are {found.caught:,} of the {count(found.frauds, 'fraud')} "
        f"({of_100(found.caught / max(found.frauds, 1))} of 100); of 100 flagged records, "
        f"{of_100(found.caught / found.flagged)} are frauds.{instead}"
    )


def cost_warning(found: Consequences | None) -> str:
    """That the decisions at a threshold cost more than letting everything pass; nothing where they do not."""
    if found is None or found.money is None or found.money.cost <= found.money.lost_without:
        return ""
    return (
        f"Its decisions cost {found.money.cost:,.0f} on these {found.rows:,} records, more than the "
        f"{found.money.lost_without:,.0f} of having no model: choose another threshold."
    )


def anomaly_score(score: float) -> str:
    """An anomaly score as the product prints it everywhere."""
    return f"{score:.4f}"


def threshold_rule(manifest: Manifest) -> str:
    """How the threshold was chosen."""
    try:
        return rule_of(manifest.threshold_rule).words
    except DataRefused:
        return _contamination(manifest)


def calibration_words(manifest: Manifest) -> str:
    """Whether and how probabilities are calibrated."""
    match manifest.calibration:
        case None:
            return "The probabilities are the model's own: no curve calibrated them better on rows it had not seen."
        case Platt(slope=slope, intercept=intercept):
            return (
                "The model's own probabilities are corrected by a logistic curve (Platt) drawn on rows of its own: "
                f"log-odds times {slope:.3g}, plus {intercept:.3g}."
            )
        case curve:
            points = len(curve.given)
            return f"The model's own probabilities are corrected by a rising line through {points} points (isotonic)."


def verdict_words(manifest: Manifest) -> tuple[str, str]:
    """The gate's verdict in a word or two, and in a sentence."""
    gate, failed = manifest.gate, [check.name for check in manifest.gate.checks if not check.passed]
    if manifest.origin == "imported":
        return "Not judged", "This model was made elsewhere and imported. No data has judged it here."
    if gate.passed:
        checks = "its only check" if len(gate.checks) == 1 else f"all of its {len(gate.checks)} checks"
        asked = "The gate asks what a model must show before it may lead"
        return "Passed", f"{asked}. This one passed {checks}.{manifest.score.unsaid}"
    reasons = f"It failed {'; '.join(failed)}." if failed else "It failed."
    if gate.forced_because:
        return "Failed, forced", f"{reasons} Somebody promoted it all the same and gave a reason."
    return "Failed", f"{reasons} It cannot lead unless somebody gives a reason."


def _contamination(manifest: Manifest) -> str:
    match manifest.parameters.get("contamination"):
        case float(asked):
            return f"contamination {asked:g}, the share of the training rows to flag"
        case str(asked):
            return f"contamination {asked}: no share was asked for, so it stays where scikit-learn leaves it"
    return manifest.threshold_rule or "nobody wrote down how"


def _a_share(title: str, words: str) -> tuple[str, Callable[[float, float], str]]:
    return title, lambda value, _: words.format(of_100(value))


_WORDS: Mapping[str, tuple[str, Callable[[float, float], str]]] = {
    "roc_auc": _a_share(
        "ROC AUC", "Of a fraud and an honest record drawn by chance, the fraud has the higher score {} times of 100."
    ),
    "average_precision": (
        "Average precision",
        lambda value, base: (
            f"Over all places to draw the line, {of_100(value)} of 100 flagged records are frauds on "
            f"average; flagging by chance would give {of_100(base)}."
        ),
    ),
    "recall_at_review_budget": _a_share(
        "Recall at the review budget", "When people look at as many records as they can, they find {} of 100 frauds."
    ),
    "precision_at_review_budget": _a_share(
        "Precision at the review budget", "Of 100 records that people then look at, {} are frauds."
    ),
    "recall_at_threshold": _a_share("Recall at the threshold", "Of 100 frauds, {} are flagged."),
    "precision_at_threshold": _a_share("Precision at the threshold", "Of 100 flagged records, {} are frauds."),
    "brier": (
        "Brier score",
        lambda _, base: (
            "The mean squared distance between probability and truth, the lower the better; answering "
            f"{of_100(base)} % to every record would give {base * (1 - base):.4f}."
        ),
    ),
    "calibration_error": (
        "Calibration error",
        lambda value, _: (
            f"Probabilities miss how often it was a fraud by {value * 100:.2g} percentage points on average."
        ),
    ),
    "log_loss": (
        "Log loss",
        lambda _value, _base: "Punishes probabilities that were sure and wrong; the lower the better, 0 is perfect.",
    ),
    "cost": ("Cost", lambda found, _: f"By the declared costs, the decisions on these rows cost {found:,.0f}."),
    "cost_per_record": ("Cost per record", lambda found, _: f"That is {found:,.2f} for each record."),
}
