"""Whether the process lives, and whether it can score."""

from fastapi import APIRouter, Response

from fraud_detection_api.routes.dependencies import ServedModelsDependency
from fraud_detection_api.schemas.answers import ModelState, Ping, Readiness
from fraud_detection_api.services.served_models import ServedModel

router = APIRouter(tags=["health"])


@router.get("/ping", summary="Is the process alive?")
async def ping() -> Ping:
    """Answers as long as the process does, whatever its models: a liveness probe."""
    return Ping(message="Service is up!")


@router.get(
    "/ready",
    summary="Can anything be scored?",
    responses={503: {"model": Readiness, "description": "No model can be served, and why"}},
)
async def ready(served_models: ServedModelsDependency, response: Response) -> Readiness:
    """Every use case, the version that scores it now, or why there is none: a readiness probe."""
    response.status_code = 200 if served_models.ready else 503
    return Readiness(ready=served_models.ready, models=[model_state(one) for one in served_models.by_use_case.values()])


def model_state(served: ServedModel) -> ModelState:
    """What is served for one use case."""
    return ModelState(
        use_case=served.use_case.name,
        version=served.scorer.version if served.scorer else None,
        problem=served.problem,
        refused_bundles=served.refused_bundles,
    )
