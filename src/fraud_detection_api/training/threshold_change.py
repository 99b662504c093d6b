"""Another threshold for a model that is published, from the rows that its bundle has kept."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.manifest import GateVerdict, Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.bundling.publishing import republished
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.consequences import Consequences, consequences, reviews
from fraud_detection_api.training.proof.evaluation import Operation, evaluate
from fraud_detection_api.training.proof.gate import verdict_again
from fraud_detection_api.training.proof.holdout_rows import kept_rows
from fraud_detection_api.training.proof.threshold import ThresholdRule, fixed, rule_of


@dataclass(frozen=True)
class Chosen:
    """A threshold and why it is that one."""

    rule: ThresholdRule
    threshold: float


@dataclass(frozen=True)
class NewVersion:
    """The version with the new threshold, whether it leads now, and why not if it does not."""

    version: str
    is_champion: bool
    remark: str = ""


class ThresholdChange:
    """One version, and what thresholds mean on its holdout rows."""

    def __init__(self, registry: Registry, use_case: UseCase, wanted: str) -> None:
        self.use_case = use_case
        self.bundle = registry.bundle(use_case.name, wanted)
        _refuse_unlabelled(self.bundle)
        self._registry = registry
        self._rows = kept_rows(self.bundle, use_case.costs)

    @property
    def now(self) -> Chosen:
        """The threshold that it has, and how that was chosen; bundles made before that was kept do not know."""
        manifest = self.bundle.manifest
        rule = rule_of(manifest.threshold_rule) if manifest.threshold_rule else fixed(manifest.threshold)
        return Chosen(rule, manifest.threshold)

    def chosen(self, rule: ThresholdRule) -> Chosen:
        """The threshold of this rule; only a fixed one needs no holdout rows."""
        rule.refuse_unfit(self.use_case)
        if self._rows is not None:
            return Chosen(rule, rule.threshold(self._rows.threshold_rows))
        if rule.fixed_at is not None:
            return Chosen(rule, rule.fixed_at)
        raise DataRefused(
            f"{self.bundle.version} has no holdout rows to choose by: it was imported, or made before they were kept. "
            "Give a number with --at, or train again."
        )

    def meaning(self, threshold: float, costs: Costs | None) -> Consequences | None:
        """What a threshold means on the rows that judge; None where there are none."""
        return consequences(self._rows.validation_rows, threshold, costs or self.use_case.costs) if self._rows else None

    def reviews_a_day(self, threshold: float) -> float | None:
        """How many reviews a threshold makes each day, of an entity one; None where there are no days."""
        rows = self._rows.validation_rows if self._rows else None
        if rows is None or rows.day_span is None:
            return None
        return reviews(rows, threshold) / rows.day_span

    def published(self, chosen: Chosen) -> NewVersion:
        """A new version of the same model; it is champion if the old one is and no check of the gate breaks by it."""
        bundle, name = self.bundle, self.use_case.name
        manifest = self._with(chosen)
        leads = self._registry.aliases(name).champion == bundle.version
        version = republished(self._registry, self.use_case, bundle, manifest)
        broken = self._broken(manifest.gate)
        if leads and not broken:
            self._registry.promote(name, version)
        remark = f"the champion stays, because the gate fails at this threshold: {broken}" if broken else ""
        return NewVersion(version, leads and not broken, remark)

    def _broken(self, fresh: GateVerdict) -> str:
        """What passed before and fails now; a reason that forced other failures does not cover these."""
        passed = {check.name for check in self.bundle.manifest.gate.checks if check.passed}
        return "; ".join(check.detail for check in fresh.checks if not check.passed and check.name in passed)

    def _with(self, chosen: Chosen) -> Manifest:
        chose = {
            "threshold": chosen.threshold,
            "threshold_rule": chosen.rule.rule,
            "threshold_asked": True,
            "created_at": datetime.now(UTC),
        }
        return self.bundle.manifest.model_copy(update=chose | self._proof(chosen.threshold))

    def _proof(self, threshold: float) -> dict[str, object]:
        """The measures and the verdict at this threshold, where rows were kept that can say."""
        manifest, use_case = self.bundle.manifest, self.use_case
        if self._rows is None:
            return {}
        budget = Budget.read(str(manifest.parameters["review_budget"]))
        operation = Operation(budget, threshold, use_case.costs)
        evaluation = evaluate(self._rows.validation_rows, operation, int(manifest.parameters["seed"]))
        verdict = verdict_again(manifest.gate, evaluation, (self._rows.validation_rows, threshold), use_case.gate)
        return {"metrics": evaluation.measures(), "gate": verdict}


def _refuse_unlabelled(bundle: Bundle) -> None:
    """No row with a label says what another threshold would mean."""
    if bundle.manifest.ranks:
        raise DataRefused(
            f"{bundle.version} learned without labels, so nothing can choose its threshold but the share of records "
            f"to flag: train again, `fraud train {bundle.manifest.use_case} --contamination SHARE`."
        )
