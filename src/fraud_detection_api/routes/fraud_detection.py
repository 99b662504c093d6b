"""POST /fraud_detection: the credit accounts' own address and short answer."""

from fastapi import APIRouter

from fraud_detection_api.routes.score import short_score_router
from fraud_detection_api.services.scoring import Scoring

FRAUD_DETECTION = "/fraud_detection"


def fraud_detection_router(scoring: Scoring) -> APIRouter:
    """A list of credit accounts in, each customer's fraud probability out, in the same order."""
    return short_score_router(FRAUD_DETECTION, scoring)
