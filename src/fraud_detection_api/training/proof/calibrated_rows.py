"""Calibrated rows: a model calibrated on rows of its own, and what it then says of those that choose and judge."""

import numpy as np

from fraud_detection_api.model.calibration import calibrated
from fraud_detection_api.training.proof.calibrating import Curve, chosen_calibration
from fraud_detection_api.training.proof.holdout_rows import Holdout, holdout_rows
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.split import Split
from fraud_detection_api.training.trained import TrainedModel


def calibrated_rows(model: TrainedModel, dataset: Dataset, parts: Split) -> tuple[Curve | None, Holdout]:
    """The curve, if one helps, and the rows as the model will score them."""
    stopping, calibration, validation = (
        model.probabilities(dataset.columns.take(rows))
        for rows in (parts.stopping, parts.calibration, parts.validation)
    )
    labels = dataset.labels
    curve = chosen_calibration(calibration, labels[parts.calibration], stopping, labels[parts.stopping])
    threshold_rows = np.concatenate([parts.stopping, parts.calibration])
    return curve, Holdout(
        holdout_rows(dataset, threshold_rows, calibrated(np.concatenate([stopping, calibration]), curve)),
        holdout_rows(dataset, parts.validation, calibrated(validation, curve)),
    )
