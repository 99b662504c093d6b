"""GET /model_information: the isolation forest that is deployed."""

from fastapi import APIRouter

from fraud_detection_api.errors import ModelMissing
from fraud_detection_api.routes.dependencies import ServedModelsDependency
from fraud_detection_api.routes.refusals import documented
from fraud_detection_api.schemas.answers import ModelInformation
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY

router = APIRouter(tags=["models"])


@router.get(
    "/model_information",
    summary="Describe the model of platform activity",
    responses={503: documented("No model can be served for it", ModelMissing)},
)
async def model_information(served_models: ServedModelsDependency) -> ModelInformation:
    """The parameters of the deployed isolation forest, its version, features and threshold."""
    scorer = served_models.by_use_case[PLATFORM_ACTIVITY.name].current()
    manifest = scorer.manifest
    return ModelInformation.model_validate(
        {
            **manifest.parameters,
            "model_version": scorer.version,
            "trained_at": manifest.trained_at,
            "features": [feature.name for feature in manifest.features],
            "threshold": manifest.threshold,
        }
    )
