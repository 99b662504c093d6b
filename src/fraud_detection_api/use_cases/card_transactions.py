"""Card transactions: a payment by card, with the columns of the public data set of two days in September 2013."""

from typing import Annotated

from pydantic import Field
from pydantic.fields import FieldInfo

from fraud_detection_api.schemas.address import Address, BodyForm, OwnAnswer, RecordScore
from fraud_detection_api.schemas.answers import FraudPrediction
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase


def component(number: int) -> FieldInfo:
    """What is known of a component: its place among the others, in the order of how much they tell payments apart."""
    info: FieldInfo = Field(
        description=f"Principal component {number} of what the card network knows; what it means is not public",
        examples=[0.25, -1.5, 0.75, -0.1, 2.25],
        ge=-1000,
        le=1000,
        json_schema_extra={"x-reason": f"component V{number} is {{V{number}}}"},
    )
    return info


class CardTransaction(Record):
    """A payment by card: when, how much, and 28 components that stand for everything that is kept secret."""

    Time: float = Field(
        description="Seconds since the first payment of the data set",
        examples=[406, 100_000],
        ge=0,
        le=1e9,
        json_schema_extra={"x-reason": "paid {Time} seconds after the first payment"},
    )
    V1: Annotated[float, component(1)]
    V2: Annotated[float, component(2)]
    V3: Annotated[float, component(3)]
    V4: Annotated[float, component(4)]
    V5: Annotated[float, component(5)]
    V6: Annotated[float, component(6)]
    V7: Annotated[float, component(7)]
    V8: Annotated[float, component(8)]
    V9: Annotated[float, component(9)]
    V10: Annotated[float, component(10)]
    V11: Annotated[float, component(11)]
    V12: Annotated[float, component(12)]
    V13: Annotated[float, component(13)]
    V14: Annotated[float, component(14)]
    V15: Annotated[float, component(15)]
    V16: Annotated[float, component(16)]
    V17: Annotated[float, component(17)]
    V18: Annotated[float, component(18)]
    V19: Annotated[float, component(19)]
    V20: Annotated[float, component(20)]
    V21: Annotated[float, component(21)]
    V22: Annotated[float, component(22)]
    V23: Annotated[float, component(23)]
    V24: Annotated[float, component(24)]
    V25: Annotated[float, component(25)]
    V26: Annotated[float, component(26)]
    V27: Annotated[float, component(27)]
    V28: Annotated[float, component(28)]
    Amount: float = Field(
        description="What is paid, in euros",
        examples=[149.62, 2.69, 88],
        ge=0,
        le=1e9,
        json_schema_extra={"x-reason": "the amount is {Amount}"},
    )


def _prediction(given: RecordScore) -> dict[str, object]:
    return {
        "prediction": int(given.flagged),
        "fraud_probability": given.score,
        "threshold": given.threshold,
        "model_version": given.model_version,
    }


CARD_TRANSACTIONS = UseCase(
    name="card_transactions",
    title="Card transactions",
    record=CardTransaction,
    learning=Supervised(label="Class", order_column="Time", models=("xgboost", "logistic", "forest", "tree", "svm")),
    purpose="Tells which payments by card look like fraud, so that people look at those first.",
    not_for="Refusing a payment, or blocking a card, without a person who looks.",
    addresses=(
        Address(
            "/predict_fraud",
            BodyForm.RECORD,
            OwnAnswer(FraudPrediction, _prediction),
            summary="Score one card transaction",
            description="A transaction in, whether it is flagged out, with the probability and the threshold.",
        ),
    ),
)
