"""A trained model of any kind, as it will be served, and what trains one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import Categories, MatrixMaker, categories_of
from fraud_detection_api.model.runtimes import XGBOOST, Probabilities, Runtime
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.tables.dataset import Dataset, Rows

RoundDone = Callable[[int, float | None], None]


@dataclass(frozen=True)
class TrainedModel:
    """The model as its bundle will keep it; `rounds` are those that boosting kept, 0 where nothing is boosted."""

    model: bytes
    categories: Categories
    runtime: Runtime
    maker: MatrixMaker
    rounds: int = 0
    kind: str = XGBOOST
    learned_with: Mapping[str, str] = field(default_factory=dict)  # the packages, and their versions
    chosen: Mapping[str, str | int | float] = field(default_factory=dict)  # what the library was told in the end
    remark: str = ""

    def probabilities(self, columns: Columns) -> Probabilities:
        """What the model says of any records, before calibration."""
        return self.runtime.probabilities(self.maker.matrix(columns))


class Trainer(Protocol):
    """Rows of a dataset in, a model out that predicts as it will be served."""

    @property
    def parameters(self) -> Parameters:
        """What the library is told."""
        ...

    @property
    def most_rounds(self) -> int:
        """How often a fit will say that it has come a step further, at most."""
        ...

    def train(
        self, use_case: UseCase, dataset: Dataset, rows: Rows, stopping: Rows, on_round: RoundDone
    ) -> TrainedModel:
        """Fit on these rows; whatever has to be chosen on other rows is chosen on the stopping rows."""
        ...


def categories_within(dataset: Dataset, rows: Rows) -> dict[str, list[str]]:
    """The categories that these rows hold: what only later rows hold is not learned."""
    return categories_of({name: [texts[row] for row in rows] for name, texts in dataset.columns.texts.items()})
