"""Purchases: what a customer bought at gas stations, summed up from the tables of users, stations and fills."""

from pydantic import Field

from fraud_detection_api.schemas.address import Address, BodyForm, OwnAnswer, RecordScore
from fraud_detection_api.schemas.answers import CustomerPrediction
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.source_tables import SourceTable, SourceTables, Total
from fraud_detection_api.schemas.use_case import UseCase

LARGEST_ID = 2**53 - 1  # beyond, JSON and files of numbers lose the last digits


class CustomerPurchases(Record):
    """A customer's purchases, all of them together."""

    user_id: int = Field(description="The customer", examples=[345435], ge=-LARGEST_ID, le=LARGEST_ID)
    total_liters: float = Field(
        description="Sum of the litres bought",
        examples=[702.5],
        ge=0,
        le=1e12,
        json_schema_extra={"x-reason": "{total_liters} litres for {total_amount_paid}"},
    )
    total_amount_paid: float = Field(
        description="Sum of litres times price",
        examples=[3653],
        ge=0,
        le=1e15,
        json_schema_extra={"x-reason": "{total_amount_paid} paid for {total_liters} litres"},
    )
    is_premium: bool = Field(description="Whether the customer is a premium customer", examples=[False])


class User(Record):
    """A customer, with or without purchases."""

    user_id: int = Field(examples=[345435], ge=-LARGEST_ID, le=LARGEST_ID)
    is_premium: bool = Field(examples=[False])


class GasStation(Record):
    """A gas station and its price."""

    gas_station_id: int = Field(examples=[17], ge=-LARGEST_ID, le=LARGEST_ID)
    gasoline_price_per_litre: float = Field(examples=[5.2], ge=0, le=1e6)


class Fill(Record):
    """A customer fills up at a gas station."""

    transaction_id: int = Field(examples=[1_000_001], ge=-LARGEST_ID, le=LARGEST_ID)
    user_id: int = Field(examples=[345435], ge=-LARGEST_ID, le=LARGEST_ID)
    gas_station_id: int = Field(examples=[17], ge=-LARGEST_ID, le=LARGEST_ID)
    liters: float = Field(examples=[70.25], ge=0, le=1e6)


def _prediction(given: RecordScore) -> dict[str, object]:
    return {
        "user_id": given.identifier,
        "class_pred": "fraud" if given.flagged else "nonfraud",
        "outlier_prob": given.score,
        "anomaly_score": given.anomaly_score,
        "model_version": given.model_version,
    }


PURCHASES = UseCase(
    name="purchases",
    title="Purchases",
    record=CustomerPurchases,
    learning=Unsupervised(),
    identifier="user_id",
    tables=SourceTables(
        entities=SourceTable("users", User, key="user_id"),
        lookups=(SourceTable("gas_stations", GasStation, key="gas_station_id"),),
        events=SourceTable("transactions", Fill, key="transaction_id"),
        totals=(Total("liters"), Total("amount_paid", factors=("liters", "gasoline_price_per_litre"))),
    ),
    purpose="Tells which customers buy unlike the rest, so that people look at those first.",
    not_for="Calling a customer a fraudster: what is unusual may well be honest.",
    addresses=(
        Address(
            "/predict",
            BodyForm.RECORD,
            OwnAnswer(CustomerPrediction, _prediction),
            summary="Score one customer's purchases",
            description="A customer in, the class out, with how unusual the purchases are.",
        ),
    ),
)
