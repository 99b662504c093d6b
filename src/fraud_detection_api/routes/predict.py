"""POST /predict: one customer's purchases."""

from fastapi import APIRouter

from fraud_detection_api.routes.score import single_score_router
from fraud_detection_api.schemas.answers import CustomerPrediction
from fraud_detection_api.services.scoring import SingleScoring

PREDICT = "/predict"


def predict_router(scoring: SingleScoring) -> APIRouter:
    """A customer in, the class out, with how strange the purchases are."""
    return single_score_router(PREDICT, scoring, CustomerPrediction)
