"""What is served: versions, features, metrics, thresholds."""

from fastapi import APIRouter

from fraud_detection_api.errors import UnknownUseCase
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.routes.dependencies import ServedModelsDependency
from fraud_detection_api.routes.health import model_state
from fraud_detection_api.schemas.answers import ModelState, Refusal

router = APIRouter(prefix="/models", tags=["models"])


class ServedModelAnswer(Manifest):
    """The manifest of the model that scores now, and its version."""

    version: str


@router.get("")
async def models(served_models: ServedModelsDependency) -> list[ModelState]:
    """Every use case and the version that scores it now."""
    return [model_state(served) for served in served_models.by_use_case.values()]


@router.get(
    "/{use_case}",
    response_model_exclude={"files": True, "features": {"__all__": {"histogram_edges", "histogram_counts"}}},
    responses={
        404: {"model": Refusal, "description": "There is no such use case"},
        503: {"model": Refusal, "description": "No model can be served for it"},
    },
)
async def model(use_case: str, served_models: ServedModelsDependency) -> ServedModelAnswer:
    """The model that scores a use case now: its manifest without the reference histograms."""
    served = served_models.by_use_case.get(use_case)
    if served is None:
        raise UnknownUseCase(use_case, tuple(served_models.by_use_case))
    scorer = served.current()
    return ServedModelAnswer(version=scorer.version, **scorer.manifest.model_dump())
