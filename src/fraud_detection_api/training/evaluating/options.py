"""What can be asked of an evaluation in time order."""

from dataclasses import dataclass
from pathlib import Path

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.fit_options import TableOptions
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.tables.dataset import refuse_unlabelled
from fraud_detection_api.training.tables.windows import WindowPlan


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(TableOptions):
    """How the days are divided, who is left out of the test, and where the figures go."""

    folds: int = 4
    train_days: int = 7
    delay_days: int = 7
    test_days: int = 7
    leave_known_out: bool = False
    tuned: bool = False
    models: Path | None = None
    threshold: str | None = None
    json: Path | None = None

    @property
    def plan(self) -> WindowPlan:
        """How the days are divided."""
        return WindowPlan(self.folds, self.train_days, self.delay_days, self.test_days)

    def refuse_for(self, use_case: UseCase) -> None:
        """Refuse at once what this use case cannot be asked."""
        self.refuse_contradictions()
        refuse_unlabelled(use_case)
        if self.tuned:
            self.refuse_boosting_beside_tuned()
        if self.threshold is not None:
            rule_of(self.threshold).refuse_unfit(use_case)
        if self.json and not self.json.parent.is_dir():
            raise DataRefused(f"{self.json.parent} is no folder: name a --json file in one that exists.")
        self.budget.refuse_without_days(use_case)
        if use_case.time_column is None:
            raise DataRefused(
                f"{use_case.name} has no time column, so that no day comes before another: name a time_column in the "
                "use case. (`fraud train` judges without one, on rows drawn at random.)"
            )
        if self.leave_known_out and use_case.entity is None:
            raise DataRefused(
                f"{use_case.name} does not say whom records share: to leave known ones out, name an entity in the use "
                "case, such as the column of the card or the customer."
            )
