"""The outcome: default against tuned on the last period, which no trial has seen, and what may be said of it."""

from dataclasses import dataclass

from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.calibrating import calibrated_rows
from fraud_detection_api.training.proof.evaluation import Evaluation, Operation, evaluate
from fraud_detection_api.training.proof.threshold_choice import declared_threshold
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.split import Split
from fraud_detection_api.training.trained import TrainedModel
from fraud_detection_api.training.tuning.scoring import Aim
from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer


@dataclass(frozen=True)
class Outcome:
    """What both models are worth on the same untouched rows."""

    default: Evaluation
    tuned: Evaluation
    rows: int

    def gain(self, name: str) -> Measure:
        """The difference in one measure, tuned less default, with its paired interval."""
        return self.tuned.minus(self.default, name)


@dataclass(frozen=True)
class LastPeriod:
    """The rows that `fraud train` would train, stop, calibrate and judge on."""

    use_case: UseCase
    dataset: Dataset
    parts: Split
    budget: Budget

    def outcome(self, default: XGBoostTrainer, tuned: XGBoostTrainer, follower: Follower) -> Outcome:
        """Train both as a fit would, and judge them."""
        before, after = (self._evaluation(trainer, follower) for trainer in (default, tuned))
        return Outcome(before, after, len(self.parts.validation))

    def _evaluation(self, trainer: XGBoostTrainer, follower: Follower) -> Evaluation:
        boosting, parts = trainer.boosting, self.parts

        def on_round(done: int, loss: float | None) -> None:
            follower.round(done, boosting.rounds, loss)

        model = trainer.train(self.use_case, self.dataset, parts.train, parts.stopping, on_round)
        return self._judged(model, boosting)

    def _judged(self, model: TrainedModel, boosting: Boosting) -> Evaluation:
        _, rows = calibrated_rows(model, self.dataset, self.parts)
        costs = self.use_case.costs
        operation = Operation(self.budget, declared_threshold(rows.threshold_rows, costs), costs)
        return evaluate(rows.validation_rows, operation, boosting.seed)


def verdict(outcome: Outcome, aim: Aim) -> str:
    """One sentence that claims no more than the interval of the aim's difference allows."""
    gain = outcome.gain(aim.name)
    low, high = gain.low or 0.0, gain.high or 0.0
    shown = f"{gain.value:+.4f} [{low:+.4f}, {high:+.4f}]"
    rows = f"the {outcome.rows:,} rows of the last period"
    if low <= 0 <= high:
        return f"No gain can be shown: on {rows} the {aim.words} differs by {shown}, and that interval includes 0."
    better = (gain.value > 0) == aim.highest_is_best
    return f"The tuned model is {'better' if better else 'WORSE'} on {rows}: its {aim.words} differs by {shown}."
