"""POST /predict_fraud: one card transaction, by the names of its columns."""

from fastapi import APIRouter

from fraud_detection_api.routes.score import single_score_router
from fraud_detection_api.schemas.answers import FraudPrediction
from fraud_detection_api.services.scoring import SingleScoring

PREDICT_FRAUD = "/predict_fraud"


def predict_fraud_router(scoring: SingleScoring) -> APIRouter:
    """A transaction in, whether it is flagged out, with the probability and the threshold."""
    return single_score_router(PREDICT_FRAUD, scoring, FraudPrediction)
