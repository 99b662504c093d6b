"""A trained model of any kind, as it will be served, and what trains one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import Matrix, MatrixMaker, categories_of
from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.kinds.kind import ModelKind
from fraud_detection_api.model.runtimes import Probabilities, Runtime
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.saved_model import Thresholds
from fraud_detection_api.training.tables.dataset import Dataset, Rows

RoundDone = Callable[[int, float | None], None]


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """The model as its bundle will keep it; `rounds` are those that boosting kept, 0 where nothing is boosted."""

    kind: ModelKind
    model: bytes
    runtime: Runtime
    maker: MatrixMaker
    rounds: int = 0
    learned_with: Mapping[str, str] = field(default_factory=dict)  # the packages, and their versions
    chosen: Mapping[str, str | int | float] = field(default_factory=dict)  # what the library was told in the end
    remark: str = ""
    thresholds: Thresholds = field(default_factory=dict)  # where its splits divide: reference rows lie on them
    original: Callable[[Matrix], Probabilities] | None = None  # the library itself, where it is not the runtime

    def probabilities(self, columns: Columns) -> Probabilities:
        """What the model says of any records, before calibration."""
        return self.runtime.probabilities(self.maker.matrix(columns))

    def reference(self, rows: Matrix) -> Reference:
        """These rows with the scores that the model has to give wherever it is loaded."""
        return Reference(rows, (self.original or self.runtime.probabilities)(rows))


class Trainer(Protocol):
    """Rows of a dataset in, a model out that predicts as it will be served."""

    @property
    def parameters(self) -> Parameters:
        """What the library is told."""

    @property
    def most_rounds(self) -> int:
        """How often a fit will say that it has come a step further, at most."""

    def train(
        self, use_case: UseCase, dataset: Dataset, rows: Rows, stopping: Rows, on_round: RoundDone
    ) -> TrainedModel:
        """Fit on these rows; whatever has to be chosen on other rows is chosen on the stopping rows."""


def maker_within(use_case: UseCase, dataset: Dataset, rows: Rows) -> MatrixMaker:
    """With the commonest texts that these rows hold: what only later rows hold is not learned."""
    texts = {name: [values[row] for row in rows] for name, values in dataset.columns.texts.items()}
    return MatrixMaker(use_case.feature_names, categories_of(texts, use_case.learning.most_categories))
