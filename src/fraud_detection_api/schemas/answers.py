"""What the service answers, as OpenAPI tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.config import JsonDict

from fraud_detection_api.schemas.record import RecordField
from fraud_detection_api.schemas.use_case import UseCase

FLAGGED: Literal["flagged"] = "flagged"
PASSED: Literal["passed"] = "passed"


class Ping(BaseModel):
    """The process is alive."""

    message: str = Field(examples=["Service is up!"])


@dataclass(frozen=True)
class Warned:
    """A value that the model was not trained on."""

    field: Annotated[str, Field(examples=["total_balance"])]
    message: Annotated[str, Field(examples=["outside the trained range, 585 to 14747"])]


class Reason(BaseModel):
    """A field that pushed the score, which way and how much."""

    field: str = Field(examples=["number_of_accounts_in_arrears"])
    value: str | int | float | bool | None = Field(description="As it was sent; null where missing", examples=[2])
    direction: Literal["raises", "lowers"]
    weight: float = Field(
        description="What it adds to the log-odds of fraud (XGBoost), to its probability (scikit-learn's trees), or to "
        "how unusual the record is; below 0 where it lowers",
        examples=[0.8125],
    )
    sentence: str = Field(examples=["2 of 23 accounts in arrears: raises the risk"])


class FraudPrediction(BaseModel):
    """What is said of one card transaction."""

    prediction: Literal[0, 1] = Field(description="1 where the probability reaches the threshold", examples=[0])
    fraud_probability: float = Field(ge=0, le=1, examples=[0.0021])
    threshold: float = Field(examples=[0.3172])
    model_version: str = Field(examples=["1-0f5c2a9b"])


class InlierPrediction(BaseModel):
    """Whether a vector is one of the usual ones; the score only where it is asked for."""

    is_inlier: Literal[1, -1] = Field(description="-1 for what is flagged as an anomaly", examples=[1])
    anomaly_score: float | None = Field(default=None, lt=0, description="Lower is more unusual", examples=[-0.4631])
    anomoly_score: float | None = Field(default=None, lt=0, deprecated=True, description="As anomaly_score")


class CustomerPrediction(BaseModel):
    """What is said of one customer's purchases."""

    user_id: int = Field(examples=[345])
    class_pred: Literal["fraud", "nonfraud"] = Field(examples=["nonfraud"])
    outlier_prob: float = Field(
        ge=0, le=1, description="Share of the training customers that are less unusual", examples=[0.4512]
    )
    anomaly_score: float = Field(lt=0, description="The model's own: lower is more unusual", examples=[-0.4217])
    model_version: str = Field(examples=["1-0f5c2a9b"])


class ModelInformation(BaseModel):
    """The parameters of the model that is served, and what else is known of it."""

    model_config = ConfigDict(extra="allow")

    n_estimators: int = Field(examples=[100])
    contamination: float | Literal["auto"] = Field(examples=[0.001])
    random_state: int = Field(examples=[16])
    model_version: str = Field(examples=["1-0f5c2a9b"])
    trained_at: datetime
    features: list[str] = Field(examples=[["mean", "sd"]])
    threshold: float = Field(description="Anomaly scores below it are flagged", examples=[-0.7146])


class Refusal(BaseModel):
    """What is wrong, in a sentence, and a code that stays the same between releases."""

    detail: str = Field(examples=["There is no such address; /docs shows them all."])
    code: str = Field(examples=["not_found"])


class InputProblem(BaseModel):
    """What is wrong with one value of a request."""

    type: str = Field(description="The kind of problem, for machines", examples=["greater_than_equal"])
    loc: list[str | int] = Field(
        description="Where it stands: in the body, the query or the path", examples=[["body", 7, "total_balance"]]
    )
    msg: str = Field(examples=["Input should be greater than or equal to 0"])
    input: object = Field(default=None, description="What was sent, shortened where it is long", examples=[-12.5])
    ctx: dict[str, object] | None = Field(default=None, description="The bounds that it breaks", examples=[{"ge": 0}])


class InputRefusal(BaseModel):
    """What is wrong with a request's values: at most the first 100 problems."""

    detail: list[InputProblem]
    code: Literal["input_refused"]


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


Fields = dict[str, tuple[object, object]]


def score_answer(use_case: UseCase) -> type[BaseModel]:
    """Identifier and score under the use case's own names."""
    return _model(f"{use_case.record.__name__}Score", _scores(use_case))


def full_score_answer(use_case: UseCase) -> type[BaseModel]:
    """The full answer under the use case's own names."""
    beside: Fields = {
        "decision": (Literal["flagged", "passed"], Field(description="What the model's threshold makes of the score")),
        "warnings": (list[Warned], Field(description="Values outside what the model was trained on")),
        "model_version": (str, Field(examples=["1-0f5c2a9b"])),
        "reasons": (
            list[Reason],
            Field(default=[], description="The strongest first; only where `reasons` asks for any"),
        ),
    }
    return _model(f"{use_case.record.__name__}FullScore", _scores(use_case) | beside | _unknown(use_case))


def _scores(use_case: UseCase) -> Fields:
    key = use_case.identifier_field
    scores: Fields = {name: (float, field.schema) for name, field in use_case.score.fields.items()}
    return (_identifier(use_case, key) if key else {}) | scores


def _unknown(use_case: UseCase) -> Fields:
    """What is said of the histories that a record has."""
    if use_case.histories is None:
        return {}
    names: JsonDict = {"items": {"type": "string", "enum": [each.name for each in use_case.histories.of]}}
    return {
        "cold_start": (
            list[str],
            Field(description="Of what nothing is known: this is its first record", json_schema_extra=names),
        ),
        "truncated": (list[str], Field(description="What more is asked of than is retained", json_schema_extra=names)),
        "degraded": (bool, Field(description="Histories could not be looked up: scored as if nothing were known")),
    }


def _identifier(use_case: UseCase, key: RecordField) -> Fields:
    info = use_case.record.model_fields[key.attribute]
    field = Field(alias=key.name, description=info.description, examples=info.examples)
    return {key.attribute: (info.annotation or str, field)}


def _model(name: str, fields: Fields) -> type[BaseModel]:
    answer: type[BaseModel] = create_model(name, **fields)  # type: ignore[call-overload]  # known at run time only
    return answer
