"""The gate: whether a new model may become champion, with every number that decided."""

from dataclasses import dataclass

from fraud_detection_api.model.manifest import GateCheck, GateVerdict, Measure
from fraud_detection_api.training.proof.evaluation import Evaluation

MARGIN = 0.1  # of the base rate, less where the base rate leaves little room above it
MOST_LOSS = 0.05  # of the champion's average precision, even where few rows make every loss uncertain


@dataclass(frozen=True)
class BaseRates:
    """The share of frauds in the rows that trained and in the rows that judge."""

    training: float
    validation: float

    @property
    def brier(self) -> float:
        """The Brier score of answering the training base rate to every validation row."""
        return self.validation * (1 - self.training) ** 2 + (1 - self.validation) * self.training**2


@dataclass(frozen=True)
class Champion:
    """The champion's evaluation on the same validation rows, or why there is none."""

    version: str
    evaluation: Evaluation | None
    remark: str = ""


def judged(model: Evaluation, rates: BaseRates, champion: Champion | None) -> GateVerdict:
    """The verdict of every check."""
    checks = [_ranks_better_than_chance(model, rates), _truer_than_base_rate(model, rates)]
    if champion is not None:
        checks.append(_not_worse_than(champion, model))
    return GateVerdict(passed=all(check.passed for check in checks), checks=tuple(checks))


def failed_sentence(verdict: GateVerdict) -> str:
    """Why the gate failed, in one line."""
    return "; ".join(f"{check.name}: {check.detail}" for check in verdict.checks if not check.passed)


def _ranks_better_than_chance(model: Evaluation, rates: BaseRates) -> GateCheck:
    precision = model.measure("average_precision")
    needed = rates.validation * (1 + MARGIN * (1 - rates.validation))
    return GateCheck(
        name="better than the base rate",
        passed=(precision.low or 0) > needed,
        detail=f"average precision {_shown(precision)} has to lie above {needed:.4f}, "
        f"the base rate of {rates.validation:.4f} and a margin",
    )


def _truer_than_base_rate(model: Evaluation, rates: BaseRates) -> GateCheck:
    brier = model.measure("brier")
    return GateCheck(
        name="truer than the base rate",
        passed=brier.value < rates.brier * (1 - 1e-6),  # a constant answer differs by rounding alone
        detail=f"Brier score {_shown(brier)} has to lie below {rates.brier:.4f}, "
        f"which answering {rates.training:.4f} to every record would give",
    )


def _not_worse_than(champion: Champion, model: Evaluation) -> GateCheck:
    name = "not worse than the champion"
    if champion.evaluation is None:
        return GateCheck(name=name, passed=True, detail=f"{champion.version} cannot be compared: {champion.remark}")
    theirs = champion.evaluation.measure("average_precision")
    difference = model.minus(champion.evaluation, "average_precision")
    most_loss = MOST_LOSS * theirs.value
    return GateCheck(
        name=name,
        passed=(difference.high or 0) >= 0 and difference.value >= -most_loss,
        detail=f"average precision differs by {_shown(difference)} from the {theirs.value:.4f} of {champion.version} "
        f"on the same rows; the interval may not lie below 0, nor the difference below {-most_loss:.4f}"
        f"{champion.remark}",
    )


def _shown(measure: Measure) -> str:
    return f"{measure.value:.4f} [{measure.low:.4f}, {measure.high:.4f}]"
