"""The gate: whether a new model may become champion, with every number that decided."""

from dataclasses import dataclass

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.manifest import GateCheck, GateVerdict, Measure
from fraud_detection_api.schemas.judging import Gate
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.evaluation import Evaluation
from fraud_detection_api.training.proof.false_alarms import equal_false_alarms
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.measures import FLAGGING, LOWER_IS_BETTER, MONEY, refuse_unknown

BESIDE_CHAMPION = "not worse than the champion"
MARGIN = 0.1  # of the base rate, less where the base rate leaves little room above it


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
class JudgedModel:
    """A new model: its evaluation, the rows behind it, and what its threshold flags among them."""

    evaluation: Evaluation
    rates: BaseRates
    rows: HoldoutRows
    threshold: float


@dataclass(frozen=True)
class Champion:
    """The champion's evaluation on the same validation rows, or why there is none."""

    version: str
    evaluation: Evaluation | None
    remark: str = ""


def refuse_unknown_demands(use_case: UseCase) -> None:
    """Refuse a gate that asks for what cannot be measured, before anything is trained."""
    gate = use_case.gate
    refuse_unknown([*gate.at_least, gate.measure], with_costs=use_case.costs is not None)
    for name in gate.at_least:
        if name in LOWER_IS_BETTER:
            hint = "most_calibration_error bounds it" if name == "calibration_error" else "leave it out of at_least"
            raise DataRefused(
                f"The gate of {use_case.name} asks for at least some {name}, which is better low: {hint}."
            )


def verdict_on(model: JudgedModel, champion: Champion | None, gate: Gate) -> GateVerdict:
    """The verdict of every check."""
    checks = [_ranks_better_than_chance(model), _better_calibrated_than_base_rate(model)]
    checks += _reached(model.evaluation, gate)
    if gate.most_calibration_error is not None:
        checks.append(_calibrated_within(model.evaluation, gate.most_calibration_error))
    if model.rows.groups is not None:
        checks.append(equal_false_alarms(model.rows, model.rows.groups, model.threshold, gate.most_false_alarm_ratio))
    if champion is not None:
        checks.append(_not_worse_than(champion, model.evaluation, gate))
    return GateVerdict(passed=all(check.passed for check in checks), checks=tuple(checks))


def verdict_again(
    verdict: GateVerdict, fresh: Evaluation, flagging: tuple[HoldoutRows, float], gate: Gate
) -> GateVerdict:
    """The verdict on the same model at another threshold: whatever a threshold decides is looked at again."""
    rows, threshold = flagging
    again = {check.name: check for check in _reached(fresh, gate)}
    if rows.groups is not None:
        alike = equal_false_alarms(rows, rows.groups, threshold, gate.most_false_alarm_ratio)
        again[alike.name] = alike
    if gate.measure in (*FLAGGING, *MONEY):
        why = f"the champion was compared by {_in_words(gate.measure)} at another threshold, and not at this one"
        again[BESIDE_CHAMPION] = GateCheck(name=BESIDE_CHAMPION, passed=True, detail=why)
    checks = tuple(again.get(check.name, check) for check in verdict.checks)
    return verdict.model_copy(update={"checks": checks, "passed": all(check.passed for check in checks)})


def _reached(model: Evaluation, gate: Gate) -> list[GateCheck]:
    return [_reaches(model, name, least) for name, least in gate.at_least.items() if name in model.names]


def _ranks_better_than_chance(model: JudgedModel) -> GateCheck:
    precision, base_rate = model.evaluation.measure("average_precision"), model.rates.validation
    needed = base_rate * (1 + MARGIN * (1 - base_rate))
    return GateCheck(
        name="better than the base rate",
        passed=(precision.low or 0) > needed,
        detail=f"average precision {_shown(precision)} has to lie above {needed:.4f}, "
        f"the base rate of {base_rate:.4f} and a margin",
        numbers=_numbers("average_precision", precision) | {"base_rate": base_rate, "least": needed},
    )


def _better_calibrated_than_base_rate(model: JudgedModel) -> GateCheck:
    brier, rates = model.evaluation.measure("brier"), model.rates
    return GateCheck(
        name="better calibrated than the base rate",
        passed=brier.value < rates.brier * (1 - 1e-6),  # a constant answer differs by rounding alone
        detail=f"Brier score {_shown(brier)} has to lie below {rates.brier:.4f}, "
        f"which answering {rates.training:.4f} to every record would give",
        numbers=_numbers("brier", brier) | {"most": rates.brier, "training_base_rate": rates.training},
    )


def _reaches(model: Evaluation, name: str, least: float) -> GateCheck:
    measure = model.measure(name)
    return GateCheck(
        name=f"enough {_in_words(name)}",
        passed=measure.value >= least,
        detail=f"{_in_words(name)} {_shown(measure)} has to reach {least:g}; the value counts, not the interval",
        numbers=_numbers(name, measure) | {"least": least},
    )


def _calibrated_within(model: Evaluation, most: float) -> GateCheck:
    error = model.measure("calibration_error")
    return GateCheck(
        name="calibrated",
        passed=error.value <= most,
        detail=f"calibration error {_shown(error)} may reach {most:g}; the value counts, not the interval",
        numbers=_numbers("calibration_error", error) | {"most": most},
    )


def _not_worse_than(champion: Champion, model: Evaluation, gate: Gate) -> GateCheck:
    name, measured = BESIDE_CHAMPION, gate.measure
    if champion.evaluation is None:
        return GateCheck(name=name, passed=True, detail=f"{champion.version} cannot be compared: {champion.remark}")
    theirs = champion.evaluation.measure(measured)
    difference = model.minus(champion.evaluation, measured)
    most_loss = gate.most_loss * theirs.value
    loss = difference.value if measured in LOWER_IS_BETTER else -difference.value
    allowed, side = (most_loss, "above") if measured in LOWER_IS_BETTER else (-most_loss, "below")
    return GateCheck(
        name=name,
        passed=loss <= most_loss,
        detail=f"{_in_words(measured)} differs by {_shown(difference)} from the {theirs.value:.4f} of "
        f"{champion.version} on the same rows; the difference may not lie {side} {allowed:.4f}{champion.remark}",
        numbers={
            "champion": theirs.value,
            "candidate": model.measure(measured).value,
            **_numbers("difference", difference),
            "most_loss": most_loss,
        },
    )


def _numbers(name: str, measure: Measure) -> dict[str, float]:
    found = {name: measure.value, "low": measure.low, "high": measure.high}
    return {key: number for key, number in found.items() if number is not None}


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _shown(measure: Measure) -> str:
    if measure.low is None:
        return f"{measure.value:.4f}"
    return f"{measure.value:.4f} [{measure.low:.4f}, {measure.high:.4f}]"
