"""Use cases that only the tests declare: what a team could bring, so that more is proven than the product's own."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from fraud_detection_api.schemas.address import Address, AnswerForm, BodyForm, OwnAnswer, RecordScore
from fraud_detection_api.schemas.derived import (
    DayOfWeek,
    DaysBetween,
    Difference,
    HourOfDay,
    Ratio,
    SecondsBetween,
)
from fraud_detection_api.schemas.learning import Supervised, Unsupervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import Rule, UseCase
from fraud_detection_api.use_cases.known import USE_CASES


class LoanApplication(Record):
    """A record with one field of every kind there is, required and optional."""

    application_id: str = Field(examples=["application-00007"])
    amount: float = Field(description="What is asked for", examples=[12_500.5], ge=1, le=1e7)
    months: int = Field(examples=[48], ge=1, le=480)
    purpose: str = Field(examples=["car", "kitchen", "caf\u00e9 \u4e2d"], min_length=1, pattern="^[^0-9]*$")
    channel: Literal["web", "branch", "phone"] = Field(examples=["web"])
    is_first_loan: bool = Field(examples=[False])
    customer_since: date = Field(examples=["2019-05-17"], ge=date(1980, 1, 1), le=date(2100, 1, 1))
    last_default: date | None = Field(default=None, examples=["2021-11-30"])
    income: float | None = Field(default=None, examples=[3_100])
    dependants: int | None = Field(default=None, examples=[2], ge=0, le=30)
    employer: str | None = Field(default=None, examples=["Acme", "Initech"])
    owns_home: bool | None = Field(default=None, examples=[True])


LOAN_APPLICATIONS = UseCase(
    name="loan_applications",
    title="Loan applications",
    record=LoanApplication,
    learning=Supervised(label="is_fraud", time_column="applied_on"),
    identifier="application_id",
    rules=(
        Rule(
            fields=("last_default", "customer_since"),
            holds=lambda last_default, customer_since: last_default >= customer_since,
            message="A default before the customer was one",
        ),
        Rule(
            fields=("amount", "income", "months"),
            holds=lambda amount, income, months: amount <= income * months,
            message="A loan that no income can pay back",
        ),
    ),
)


class CardTap(Record):
    """A record of numbers alone whose bounds are exclusive, and whose identifier has bounds, too."""

    tap: int = Field(examples=[1001], ge=1, lt=2**40)
    amount: float = Field(examples=[4.5], gt=0, lt=50)
    taps_today: int = Field(examples=[3], gt=0, lt=100)
    refund: Annotated[float, Ge(0)] | None = Field(default=None, examples=[1.25])


CARD_TAPS = UseCase(
    name="card_taps",
    title="Card taps",
    record=CardTap,
    learning=Supervised(label="is_fraud", models=("forest",)),
    identifier="tap",
)


class TapVerdict(BaseModel):
    """What is said of one tap."""

    tap: int
    is_suspicious: bool
    risk: float


def _verdict(given: RecordScore) -> dict[str, object]:
    return {"tap": given.identifier, "is_suspicious": given.flagged, "risk": given.score}


OWN_ADDRESSES = replace(
    CARD_TAPS,
    name="own_addresses",
    addresses=(
        Address("/taps/scores"),
        Address("/taps/full", answer=AnswerForm.FULL),
        Address("/taps/verdicts", answer=OwnAnswer(TapVerdict, _verdict), summary="Judge taps"),
        Address("/taps/verdict", BodyForm.RECORD, OwnAnswer(TapVerdict, _verdict)),
    ),
)


def _raises(amount: object) -> NDArray[np.bool_]:
    raise LookupError(f"an error whose message holds a record's value: {amount}")


BROKEN_TAPS = UseCase(
    name="broken_taps",
    title="Card taps with a rule that fails",
    record=CardTap,
    learning=Supervised(label="is_fraud"),
    identifier="tap",
    rules=(Rule(fields=("amount",), holds=_raises, message="never said"),),
)


def _sleeps(amount: NDArray[np.float64]) -> NDArray[np.bool_]:
    time.sleep(3)
    return amount > 0


SLOW_TAPS = UseCase(
    name="slow_taps",
    title="Card taps with a rule that takes three seconds",
    record=CardTap,
    learning=Supervised(label="is_fraud"),
    identifier="tap",
    rules=(Rule(fields=("amount",), holds=_sleeps, message="never said"),),
)


class Ledger(Record):
    """A record whose whole number has no bounds."""

    entry: int = Field(examples=[1001], ge=1, lt=2**40)
    balance: int = Field(examples=[7])


LEDGERS = UseCase(
    name="ledgers", title="Ledgers", record=Ledger, learning=Supervised(label="is_fraud"), identifier="entry"
)


class WireTransfer(Record):
    """A record for models of scikit-learn: numbers, some of them missing, and a category."""

    transfer: str = Field(examples=["wire-0007"])
    amount: float = Field(examples=[950.75], ge=0, le=1e9)
    hour: int = Field(examples=[14], ge=0, le=23)
    currency: str = Field(examples=["EUR", "CHF", "SEK"], min_length=1)
    balance_before: float | None = Field(default=None, examples=[12_000])


WIRE_TRANSFERS = UseCase(
    name="wire_transfers",
    title="Wire transfers",
    record=WireTransfer,
    learning=Supervised(label="is_fraud", models=("logistic",)),
    identifier="transfer",
)


class MeterReading(Record):
    """A record without a label whose identifier has bounds, with whole numbers, a boolean and a rule."""

    meter: int = Field(examples=[4007], ge=1, lt=2**40)
    readings: int = Field(examples=[30], ge=1, le=1_000)
    lowest: float = Field(examples=[1.25], ge=0, le=1e6)
    highest: float = Field(examples=[8.5], ge=0, le=1e6)
    is_remote: bool = Field(examples=[True])


METER_READINGS = UseCase(
    name="meter_readings",
    title="Meter readings",
    record=MeterReading,
    learning=Unsupervised(),
    identifier="meter",
    rules=(
        Rule(
            fields=("lowest", "highest"),
            holds=lambda lowest, highest: lowest <= highest,
            message="The lowest reading is above the highest",
        ),
    ),
)


class WebOrder(Record):
    """A record with times, whose columns have names that Python cannot have, and fields that no model should see."""

    order_id: str = Field(alias="Order ID", description="The order", examples=["order-00007"])
    amount: float = Field(alias=" Amount ", description="What is paid", examples=[129.95], ge=0, le=1e6)
    vouchers: float = Field(description="What of it vouchers pay", examples=[10], ge=0, le=1e6)
    items: int = Field(examples=[3], ge=0, le=1000)
    payment: Literal["card", "invoice"] = Field(alias="default.payment", examples=["card"])
    email: str = Field(description="Whose order it is", examples=["kim@example.org", "sam@example.org"], max_length=254)
    ordered_at: datetime = Field(
        alias="Ordered at", examples=["2024-05-31T12:30:00.123Z"], ge=datetime(2000, 1, 1, tzinfo=UTC)
    )
    delivered_at: datetime | None = Field(default=None, examples=["2024-06-02T09:00:00+02:00"])
    customer_since: date = Field(examples=["2019-05-17"], ge=date(1980, 1, 1), le=date(2100, 1, 1))


WEB_ORDERS = UseCase(
    name="web_orders",
    title="Web orders",
    record=WebOrder,
    identifier="Order ID",
    learning=Supervised("is_fraud", time_column="Ordered at"),
    entity="email",
    carried=("email", "Ordered at", "delivered_at"),
    derived=(
        HourOfDay("Ordered at", zone="Europe/Berlin"),
        DayOfWeek("Ordered at"),
        DayOfWeek("customer_since"),
        DaysBetween("customer_since", "Ordered at"),
        SecondsBetween("Ordered at", "delivered_at"),
        Ratio(" Amount ", to="items"),
        Difference(" Amount ", less="vouchers"),
    ),
    rules=(
        Rule(
            fields=("vouchers", " Amount "),
            holds=lambda vouchers, amount: vouchers <= amount,
            message="Vouchers pay more than there is to pay",
        ),
    ),
)

_DECLARED = {
    "WEB_ORDERS": WEB_ORDERS,
    "LOAN_APPLICATIONS": LOAN_APPLICATIONS,
    "CARD_TAPS": CARD_TAPS,
    "WIRE_TRANSFERS": WIRE_TRANSFERS,
    "METER_READINGS": METER_READINGS,
}
EVERY_USE_CASE = (*USE_CASES, *_DECLARED.values())
SCORED_ALONE = tuple(each for each in EVERY_USE_CASE if each.histories is None)
DECLARED_HERE = ",".join(f"{__name__}:{name}" for name in _DECLARED)
