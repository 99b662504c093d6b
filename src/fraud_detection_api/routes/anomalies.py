"""POST /prediction and GET /model_information: vectors of numbers, told apart without labels."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic_core import PydanticCustomError

from fraud_detection_api.errors import ModelMissing
from fraud_detection_api.routes.dependencies import ServedModelsDependency
from fraud_detection_api.routes.refusals import documented
from fraud_detection_api.routes.score import answering_router, response_of
from fraud_detection_api.schemas.answers import InlierPrediction, ModelInformation
from fraud_detection_api.schemas.platform_activity import PLATFORM_ACTIVITY
from fraud_detection_api.schemas.record import Kind, RecordField
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.scoring import VectorScoring

PREDICTION = "/prediction"

router = APIRouter(tags=["models"])


class VectorAsked(BaseModel):
    """A vector in the order of the features, and whether its score is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    feature_vector: tuple[float, ...]
    score: bool = Field(default=False, description="Answer the anomaly score, too")


def prediction_path(use_case: UseCase) -> str:
    """The address that takes a use case's bare vectors."""
    return PREDICTION if use_case is PLATFORM_ACTIVITY else f"{PREDICTION}/{use_case.name}"


def prediction_router(scoring: VectorScoring) -> APIRouter:
    """A vector in, 1 for what is usual and -1 for what is strange out."""
    use_case = scoring.use_case
    asked = vector_of(use_case)

    async def predict(asked: VectorAsked) -> Response:
        return response_of(scoring.answer_vector(asked.feature_vector, with_score=asked.score))

    example = {"feature_vector": [float(use_case.example[name] or 0) for name in use_case.feature_names], "score": True}
    predict.__annotations__["asked"] = Annotated[asked, Body(examples=[example])]
    return answering_router(prediction_path(use_case), use_case.title, predict, InlierPrediction)


def vector_of(use_case: UseCase) -> type[VectorAsked]:
    """What is asked of this use case: a vector of its length, each number within its feature's bounds."""
    numbers = tuple(_number_of(field) for field in use_case.features)
    vector = Field(strict=False, description=f"In this order: {', '.join(use_case.feature_names)}")
    asked: type[VectorAsked] = create_model(
        f"{use_case.record.__name__}Vector",
        __base__=VectorAsked,
        feature_vector=(Annotated[tuple[numbers], vector], ...),  # type: ignore[arg-type, valid-type]  # known at run time
    )
    return asked


def _number_of(field: RecordField) -> object:
    """A place of the vector: bounds as in the record, no halves of what is counted or true."""
    low, high = (0, 1) if field.kind is Kind.BOOLEAN else (field.low, field.high)
    bounded = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=low, le=high)]
    whole = Annotated[bounded, AfterValidator(_whole), Field(json_schema_extra={"multipleOf": 1})]
    return bounded if field.kind is Kind.NUMBER else whole


def _whole(value: float) -> float:
    if not value.is_integer():
        raise PydanticCustomError("int_from_float", "Input should be a whole number")
    return value


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
            "trained_at": manifest.created_at,
            "features": [feature.name for feature in manifest.features],
            "threshold": manifest.threshold,
        }
    )
