"""What the service answers, as OpenAPI tells it."""

from typing import Literal

from pydantic import BaseModel, Field, create_model

from fraud_detection_api.schemas.use_case import UseCase


class Ping(BaseModel):
    """The process is alive."""

    message: str = Field(examples=["Service is up!"])


class Warned(BaseModel):
    """A value that the model was not trained on."""

    field: str = Field(examples=["total_balance"])
    message: str = Field(examples=["outside the trained range, 585 to 14747"])


class Reason(BaseModel):
    """A field that pushed the score, which way and how much."""

    field: str = Field(examples=["number_of_accounts_in_arrears"])
    value: str | int | float | bool | None = Field(description="As it was sent; null where missing", examples=[2])
    direction: Literal["raises", "lowers"]
    weight: float = Field(
        description="What it adds to the log-odds of fraud, below 0 where it lowers", examples=[0.8125]
    )
    sentence: str = Field(examples=["2 of 23 accounts in arrears: raises the risk"])


class Refusal(BaseModel):
    """Any refusal but that of a record: what is wrong, and a code that stays the same."""

    detail: str
    code: str


class ModelState(BaseModel):
    """Whether a use case can be served, and by which model."""

    use_case: str
    version: str | None = Field(description="The version that scores now")
    problem: str | None = Field(description="Why the champion is not what scores now")
    refused_bundles: int = Field(description="Bundles this worker has refused since it started")


class Readiness(BaseModel):
    """Whether any model can be served."""

    ready: bool
    models: list[ModelState]


def score_answer(use_case: UseCase) -> type[BaseModel]:
    """Identifier and probability under the use case's own names."""
    name = use_case.record.__name__
    answer: type[BaseModel] = create_model(
        f"{name}Score",
        **{use_case.identifier: _identifier(use_case)},  # type: ignore[call-overload]  # names known at run time only
        fraud_probability=(float, Field(ge=0, le=1, examples=[0.0745])),
    )
    return answer


def full_score_answer(use_case: UseCase) -> type[BaseModel]:
    """The full answer under the use case's own names."""
    answer: type[BaseModel] = create_model(
        f"{use_case.record.__name__}FullScore",
        **{use_case.identifier: _identifier(use_case)},  # type: ignore[call-overload]  # names known at run time only
        fraud_probability=(float, Field(ge=0, le=1, examples=[0.0745])),
        decision=(Literal["flagged", "passed"], Field(description="Flagged at or above the model's threshold")),
        warnings=(list[Warned], Field(description="Values outside what the model was trained on")),
        model_version=(str, Field(examples=["1-0f5c2a9b"])),
        reasons=(list[Reason], Field(default=[], description="The strongest first; only where `reasons` asks for any")),
    )
    return answer


def _identifier(use_case: UseCase) -> tuple[object, object]:
    info = use_case.record.model_fields[use_case.identifier]
    return info.annotation or str, Field(description=info.description, examples=info.examples)
