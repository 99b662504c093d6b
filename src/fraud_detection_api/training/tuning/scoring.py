"""What a trial is worth: the aim, taken on the rows that judge a fold, at a threshold chosen on its threshold rows."""

from dataclasses import dataclass

from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Operation, measure_values
from fraud_detection_api.training.proof.holdout_rows import holdout_rows
from fraud_detection_api.training.proof.measures import LOWER_IS_BETTER, refuse_unknown
from fraud_detection_api.training.proof.threshold_choice import declared_threshold
from fraud_detection_api.training.tables.dataset import Dataset, Rows


@dataclass(frozen=True)
class Aim:
    """One measure by name, and what it needs to be taken."""

    name: str
    use_case: UseCase
    budget: Budget

    def __post_init__(self) -> None:
        refuse_unknown([self.name], with_costs=self.use_case.costs is not None)
        self.budget.refuse_without_days(self.use_case)

    @property
    def highest_is_best(self) -> bool:
        """Whether more of it is better."""
        return self.name not in LOWER_IS_BETTER

    @property
    def words(self) -> str:
        """Its name as one says it."""
        return self.name.replace("_", " ")

    def is_worse(self, value: float, than: float) -> bool:
        """Whether a value is behind another."""
        return value < than if self.highest_is_best else value > than

    def value(
        self, dataset: Dataset, threshold_rows: tuple[Rows, Probabilities], validation_rows: tuple[Rows, Probabilities]
    ) -> float:
        """The aim on the validation rows."""
        chosen_on = holdout_rows(dataset, *threshold_rows)
        costs = self.use_case.costs
        operation = Operation(self.budget, declared_threshold(chosen_on, costs), costs)
        return measure_values(holdout_rows(dataset, *validation_rows), operation)[self.name]
