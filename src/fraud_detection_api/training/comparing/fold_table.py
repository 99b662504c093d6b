"""A fold as matrices: the same rows, the same features and the same categories for every kind of model."""

from dataclasses import dataclass

from fraud_detection_api.features.matrix import Matrix, MatrixMaker
from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.evaluation import ANY_OPERATION, measure_values
from fraud_detection_api.training.proof.holdout_rows import holdout_rows
from fraud_detection_api.training.tables.dataset import Dataset, Labels, Rows
from fraud_detection_api.training.tables.folds import Fold
from fraud_detection_api.training.trained import maker_within


@dataclass(frozen=True)
class FoldTable:
    """Rows that train, rows on which a model may choose, and rows that judge."""

    use_case: UseCase
    dataset: Dataset
    fold: Fold
    maker: MatrixMaker
    training: Matrix
    threshold_rows: Matrix
    validation_rows: Matrix

    @classmethod
    def of(cls, use_case: UseCase, dataset: Dataset, fold: Fold) -> "FoldTable":
        """The matrices of a fold, knowing only the categories that its training rows hold."""
        maker = maker_within(use_case, dataset, fold.training)
        training, threshold_rows, validation_rows = (
            maker.matrix(dataset.columns.take(rows))
            for rows in (fold.training, fold.threshold_rows, fold.validation_rows)
        )
        return cls(use_case, dataset, fold, maker, training, threshold_rows, validation_rows)

    def figures(self, rows: Rows, scores: Probabilities) -> dict[str, float]:
        """Every measure of scores for these rows; those of an operation are of no use here."""
        return measure_values(holdout_rows(self.dataset, rows, scores), ANY_OPERATION)

    def labels(self, rows: Rows) -> Labels:
        """Which of these rows are frauds."""
        return self.dataset.labels[rows]

    def positions(self, *, of_categories: bool) -> list[int]:
        """Which columns of the matrices hold codes of categories, or which do not."""
        kinds = enumerate(field.kind for field in self.use_case.features)
        return [position for position, kind in kinds if (kind is Kind.CATEGORY) == of_categories]
