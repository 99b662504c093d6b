"""The reference rows of a trained model, with the scores of the library that will have to repeat them."""

import numpy as np

from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.training.bundling.reference_rows import SplitEdges, reference_rows
from fraud_detection_api.training.proof.proving import Learned

MOST_CANDIDATES = 10_000


def trained_reference(learned: Learned, seed: int) -> Reference:
    """About 256 rows: of boosted trees also such as lie on the edges of their splits."""
    train, model = learned.parts.train, learned.model
    candidates = np.asarray(train[:: max(len(train) // MOST_CANDIDATES, 1)])
    matrix = model.maker.matrix(learned.dataset.columns.take(candidates))
    categorical = tuple(
        position for position, field in enumerate(learned.use_case.features) if field.kind is Kind.CATEGORY
    )
    return model.reference(reference_rows(matrix, SplitEdges(model.thresholds, categorical), seed))
