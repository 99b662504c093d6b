"""Measures of candidates: the same three measures for all, on the same rows."""

from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Operation, figures
from fraud_detection_api.training.proof.holdout_rows import holdout_rows
from fraud_detection_api.training.tables.dataset import Rows

ANYWHERE = Operation(Budget(share=0.05), threshold=0.5)  # none of the three measures depends on it


def measured(table: FoldTable, rows: Rows, scores: Probabilities) -> dict[str, float]:
    """Every measure of scores for these rows."""
    return figures(holdout_rows(table.dataset, rows, scores), ANYWHERE)


def average_precision(table: FoldTable, rows: Rows, scores: Probabilities) -> float:
    """What candidates are compared by first."""
    return measured(table, rows, scores)["average_precision"]
