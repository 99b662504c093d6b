"""Orders: who orders, by which e-mail, from which address and for how much; what was known of these is looked up."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from fraud_detection_api.schemas.address import Address, BodyForm, OwnAnswer, RecordScore
from fraud_detection_api.schemas.derived import HourOfDay
from fraud_detection_api.schemas.histories import Histories, History, Remembered, Statistic, Window
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase

LAST_10 = Window(records=10)
HOUR, DAY, WEEK = Window(hours=1), Window(days=1), Window(days=7)


class Order(Record):
    """An order as it comes in; its customer's, e-mail's and address's orders before it are looked up."""

    order_id: int = Field(
        description="The order; one that comes again is known by it", examples=[100_001], ge=0, le=2**63 - 1
    )
    customer_id: int = Field(
        description="Who orders",
        examples=[345435, 77, 345435],
        ge=0,
        le=2**53 - 1,
        json_schema_extra={"x-noun": "customer"},
    )
    order_date: datetime = Field(
        description="When the order was placed",
        examples=["2024-05-31T12:30:00.123Z", "2024-06-02T22:05:00Z"],
        ge=datetime(2000, 1, 1, tzinfo=UTC),
        lt=datetime(2200, 1, 1, tzinfo=UTC),
    )
    email: str = Field(
        description="The e-mail that it was placed with",
        examples=["kim@example.org", "sam@example.org"],
        min_length=1,
        max_length=254,
        json_schema_extra={"x-personal": True, "x-noun": "e-mail"},
    )
    ip_addr: str = Field(
        description="The IP address that it came from",
        examples=["240.17.4.99", "240.200.31.7"],
        min_length=1,
        max_length=45,
        json_schema_extra={"x-personal": True, "x-noun": "address"},
    )
    order_amount: float = Field(
        description="What the order comes to; whole hundredths",
        examples=[129.95, 18.5, 640],
        ge=0,
        le=100_000,
        json_schema_extra={"x-reason": "the order comes to {order_amount}"},
    )
    location_lat: float | None = Field(
        default=None, description="Where the address is, degrees north", examples=[52.52], ge=-90, le=90
    )
    location_long: float | None = Field(
        default=None, description="Where the address is, degrees east", examples=[13.405], ge=-180, le=180
    )


def _of_values(name: str) -> tuple[Remembered, ...]:
    """How many values of a field there were, whether this is the last one, and whether it is known."""
    return tuple(Remembered(each, name, LAST_10) for each in (Statistic.DISTINCT, Statistic.SAME, Statistic.KNOWN))


_AMOUNTS = tuple(
    Remembered(each, "order_amount", LAST_10)
    for each in (Statistic.MEAN, Statistic.DEVIATION, Statistic.SMALLEST, Statistic.LARGEST, Statistic.SUM)
)
_PACE = (
    Remembered(Statistic.COUNT, over=HOUR),
    Remembered(Statistic.COUNT, over=DAY),
    Remembered(Statistic.SINCE),
    Remembered(Statistic.NEW),
)
CUSTOMER = History(
    "customer",
    key=("customer_id",),
    statistics=(
        *_of_values("email"),
        *_of_values("ip_addr"),
        *_AMOUNTS,
        Remembered(Statistic.RATIO, "order_amount", LAST_10),
        *_PACE,
    ),
)
EMAIL = History("email", key=("email",), statistics=(*_of_values("customer_id"), *_AMOUNTS, *_PACE))
ADDRESS = History(
    "address",
    key=("ip_addr",),
    statistics=(
        Remembered(Statistic.DISTINCT, "customer_id", LAST_10),
        Remembered(Statistic.DISTINCT, "customer_id", WEEK),
        Remembered(Statistic.MEAN, "order_amount", LAST_10),
        Remembered(Statistic.COUNT, over=DAY),
        Remembered(Statistic.NEW),
    ),
    kept=32,
)


class OrderPrediction(BaseModel):
    """What is said of one order, and what was known before it."""

    order: Order = Field(description="As it was sent")
    features: dict[str, float | int | bool | None] = Field(
        description="As the model saw them; null where nothing is known", examples=[{"customer_count_1_day": 2}]
    )
    fraud_probability: float = Field(ge=0, le=1, examples=[0.0214])
    is_fraud: bool = Field(description="Whether the probability reaches the threshold", examples=[False])
    threshold: float = Field(examples=[0.2172])
    model_version: str = Field(examples=["1-0f5c2a9b"])
    cold_start: list[Literal["customer", "email", "address"]] = Field(
        description="Of which nothing is known: this is the first order", examples=[["email"]]
    )
    truncated: list[Literal["customer", "email", "address"]] = Field(
        description="Of which more is asked than is retained", examples=[[]]
    )
    degraded: bool = Field(
        description="Whether histories could not be looked up: it was scored as if nothing were known", examples=[False]
    )


def _prediction(given: RecordScore) -> dict[str, object]:
    return {
        "order": given.record(),
        "features": given.features(),
        "fraud_probability": given.score,
        "is_fraud": given.flagged,
        "threshold": given.threshold,
        "model_version": given.model_version,
        "cold_start": given.unknown.cold_start,
        "truncated": given.unknown.truncated,
        "degraded": given.unknown.is_degraded,
    }


ORDERS = UseCase(
    name="orders",
    title="Orders",
    record=Order,
    learning=Supervised(
        label="is_fraud",
        time_column="order_date",
        costs=Costs(missed_fraud="order_amount", false_alarm=10),
        gate=Gate(at_least={"average_precision": 0.3}),
    ),
    identifier="order_id",
    entity="customer_id",
    carried=("customer_id", "order_date", "email", "ip_addr", "location_lat", "location_long"),
    derived=(HourOfDay("order_date"),),
    histories=Histories(
        at="order_date",
        of=(CUSTOMER, EMAIL, ADDRESS),
        received_at="received_at",
        label_known_at="label_known_at",
    ),
    purpose="Tells which orders look like fraud beside what their customers, e-mails and addresses did before.",
    not_for="Refusing an order, or closing an account, without a person who looks.",
    addresses=(
        Address(
            "/orders/predict",
            BodyForm.RECORD,
            OwnAnswer(OrderPrediction, _prediction),
            summary="Score one order and remember it",
            description="An order in; its features, its probability and what was not known out. The order enters the "
            "histories of its customer, e-mail and address once, however often it is sent.",
        ),
    ),
)
