"""The figures of a report: what the validation rows say, and what moves the model."""

import numpy as np

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import MatrixMaker
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.runtimes import Explains
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.consequences import consequences
from fraud_detection_api.training.proof.holdout_rows import Holdout
from fraud_detection_api.training.report.contents import Figures, Importance
from fraud_detection_api.training.report.deciding import cost_curves
from fraud_detection_api.training.report.ranking import curves, cuts_of
from fraud_detection_api.training.report.slices import distribution, groups, periods, reliability
from fraud_detection_api.training.tables.dataset import Rows

MOST_EXPLAINED = 1_000


def figures(use_case: UseCase, manifest: Manifest, judged: Holdout) -> Figures:
    """Everything that the holdout rows say at the manifest's threshold."""
    validation_rows, threshold = judged.validation_rows, manifest.threshold
    cuts = cuts_of(validation_rows, threshold)
    unit, by_period = periods(validation_rows, threshold)
    by_group, left_out = groups(validation_rows, threshold)
    return Figures(
        curves=curves(validation_rows, cuts),
        reliability=reliability(validation_rows),
        distribution=distribution(validation_rows),
        at_threshold=consequences(validation_rows, threshold, use_case.costs),
        costs=cost_curves(judged, cuts, threshold, use_case.costs),
        period=unit,
        periods=by_period,
        groups=by_group,
        left_out_groups=left_out,
    )


def explained_rows(rows: Rows) -> Rows:
    """As many rows as it takes to see what moves a model, evenly spread."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(MOST_EXPLAINED, len(rows))).astype(np.intp))]


def importance(runtime: Explains, maker: MatrixMaker, columns: Columns, names: tuple[str, ...]) -> Importance:
    """How much each feature moves the log-odds or anomaly of these records on average; the largest first."""
    moved = np.abs(runtime.contributions(maker.matrix(columns))[:, :-1]).mean(axis=0)
    order = np.argsort(-moved, kind="stable").tolist()
    return Importance(rows=len(columns), values={names[place]: float(moved[place]) for place in order})
