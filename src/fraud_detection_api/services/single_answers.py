"""Answers about one record, in the words of the addresses that take one."""

import numpy as np
import orjson

from fraud_detection_api.schemas.stored_scores import FRAUD_CLASSES
from fraud_detection_api.services.answers import Scored

INLIER, OUTLIER = 1, -1
FRAUD, NO_FRAUD = FRAUD_CLASSES


def fraud_answer(scored: Scored) -> bytes:
    """Whether it is flagged as fraud, the probability, and the threshold between the two."""
    return _json(
        prediction=int(scored.scores.flagged[0]),
        fraud_probability=scored.scores.values[0],
        threshold=np.float32(scored.scorer.manifest.threshold),  # as it decides
        model_version=scored.scorer.version,
    )


def inlier_answer(scored: Scored) -> bytes:
    """Whether it is one of the usual ones."""
    return _json(is_inlier=_is_inlier(scored))


def scored_inlier_answer(scored: Scored) -> bytes:
    """Whether it is one of the usual ones, and the score, under the documented misspelling as well."""
    score = _anomaly_score(scored)
    return _json(is_inlier=_is_inlier(scored), anomaly_score=score, anomoly_score=score)


def customer_answer(scored: Scored) -> bytes:
    """Who, which class, how strange beside the customers of the training, and the score behind that."""
    identifiers = scored.columns.identifiers
    return _json(
        **{scored.use_case.identifier or "": identifiers[0]},
        class_pred=FRAUD if scored.scores.flagged[0] else NO_FRAUD,
        outlier_prob=scored.scores.values[0],
        anomaly_score=_anomaly_score(scored),
        model_version=scored.scorer.version,
    )


def _is_inlier(scored: Scored) -> int:
    return OUTLIER if scored.scores.flagged[0] else INLIER


def _anomaly_score(scored: Scored) -> object:
    return scored.scores.by_field["anomaly_score"][0]


def _json(**fields: object) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY)
