"""Card payments whose every field may be a key or be remembered, and what is known of each by a loop over lists."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from pydantic import Field

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.history_numpy import COLD, REPEATED, TRUNCATED
from fraud_detection_api.features.tables import RawTable, columns_of_table
from fraud_detection_api.schemas.histories import AMOUNTS, Histories, History, Remembered, Statistic, Window
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.schemas.use_case import UseCase
from tests.examples import Row, raw_table
from tests.features.history_by_hand import Event, Seen, Value, replay

MINUTE = 60_000
START = datetime(2024, 5, 31, 12, 30, tzinfo=UTC)
RECEIVED, KNOWN_AT, LABEL = "received_at", "known_at", "is_fraud"


class CardPayment(Record):
    """A payment by card."""

    payment_id: int = Field(examples=[1], ge=-(2**62), le=2**62)
    paid_at: datetime = Field(examples=["2024-05-31T12:30:00Z"], ge=datetime(2000, 1, 1, tzinfo=UTC))
    paid_on: date = Field(examples=["2024-05-31"])
    customer: int | None = Field(default=None, examples=[7])
    card: str | None = Field(default=None, examples=["4000-12"])
    is_online: bool | None = Field(default=None, examples=[True])
    amount: float | None = Field(default=None, examples=[12.5], ge=-50_000, le=50_000)
    tip: int = Field(examples=[2], ge=0, le=1_000)


_WINDOWS = (Window(), Window(records=2), Window(hours=2), Window(records=3, days=1))
EVERYTHING = (
    Remembered(Statistic.NEW),
    *(
        asked
        for window in _WINDOWS
        for asked in (
            *(Remembered(each, name, window) for each in AMOUNTS for name in ("amount", "tip")),
            *(
                Remembered(each, name, window)
                for each in (Statistic.DISTINCT, Statistic.SAME, Statistic.KNOWN)
                for name in ("customer", "card", "is_online", "tip")
            ),
            *(Remembered(each, over=window) for each in (Statistic.COUNT, Statistic.SINCE)),
            *(Remembered(each, over=window) for each in (Statistic.FRAUDS, Statistic.FRAUD_SHARE)),
            *(Remembered(each, over=window, delay_days=0.1) for each in (Statistic.FRAUDS, Statistic.FRAUD_SHARE)),
        )
    ),
)
KEYS = {"customer": ("customer",), "card": ("card",), "both": ("customer", "card", "is_online")}
PAYMENTS = UseCase(
    name="payments",
    title="Card payments",
    record=CardPayment,
    learning=Supervised(LABEL, time_column="paid_at"),
    identifier="payment_id",
    carried=("paid_at", "paid_on", "customer", "card"),
    histories=Histories(
        "paid_at",
        tuple(History(name, key, EVERYTHING, kept=4) for name, key in KEYS.items()),
        received_at=RECEIVED,
        label_known_at=KNOWN_AT,
    ),
)


def by_day(use_case: UseCase) -> UseCase:
    """The same payments, of which only the days count."""
    assert use_case.histories
    return replace(use_case, histories=replace(use_case.histories, at="paid_on"))


@dataclass(frozen=True)
class Payment:
    """A payment with what a table says of it beside its fields: all in minutes since the start."""

    row: Row
    happened: int
    received: int | None = None
    known: int | None = None
    is_fraud: bool = False


def payment(
    id_: int, happened: int = 0, *, amount: float | None = 10.0, card: str | None = "a", tip: int = 0
) -> Payment:
    """A payment of customer 1, some minutes after the start."""
    return Payment(row_of(id_, happened, customer=1, card=card, is_online=True, amount=amount, tip=tip), happened)


def row_of(id_: int, happened: int, **values: str | float | bool | None) -> Row:
    """The fields of a payment some minutes after the start."""
    at = START + timedelta(minutes=happened)
    return {"payment_id": id_, "paid_at": at.isoformat(), "paid_on": str(at.date()), **values}


def table_of(payments: list[Payment], use_case: UseCase = PAYMENTS) -> RawTable:
    """Payments as a table with all of its columns."""
    return {
        **raw_table([each.row for each in payments], use_case),
        RECEIVED: np.array([moment(each.received) for each in payments]),
        KNOWN_AT: np.array([moment(each.known) for each in payments]),
        LABEL: np.array([float(each.is_fraud) for each in payments]),
    }


def columns_of(payments: list[Payment], use_case: UseCase = PAYMENTS) -> Columns:
    """Payments as the table reader gives them."""
    columns, problems = columns_of_table(table_of(payments, use_case), use_case)
    assert problems == []
    return columns


def moment(minutes: int | None) -> np.datetime64:
    """A time in a table, NaT where there is none."""
    if minutes is None:
        return np.datetime64("NaT", "us")
    return np.datetime64((START + timedelta(minutes=minutes)).replace(tzinfo=None), "us")


def by_hand(payments: list[Payment], use_case: UseCase = PAYMENTS) -> tuple[list[list[float]], list[list[int]]]:
    """Values of each payment over all histories, and the flags of each history, by a loop over lists."""
    assert use_case.histories
    values: list[list[float]] = [[] for _ in payments]
    flags: list[list[int]] = []
    for history in use_case.histories.of:
        events = list(_events(payments, history, use_case.histories.at))
        order = sorted(range(len(events)), key=lambda at: (events[at].received, events[at].time, events[at].id))
        seen = dict(zip(order, replay(history, [events[at] for at in order]), strict=True))
        for at in range(len(payments)):
            values[at] += seen[at].values
        flags.append([_flags(seen[at]) for at in range(len(payments))])
    return values, flags


def _flags(seen: Seen) -> int:
    return TRUNCATED * seen.truncated + COLD * seen.cold + REPEATED * seen.repeated


def _events(payments: list[Payment], history: History, at: str) -> Iterator[Event]:
    numbers: dict[object, int] = {None: -1}

    def number(value: object) -> Value:
        return None if value is None else numbers.setdefault(value, len(numbers))

    start = round(START.timestamp() * 1000)
    for place, each in enumerate(payments):
        time = start + each.happened * MINUTE
        time = time - time % DAY if at == "paid_on" else time
        received = time if each.received is None else start + each.received * MINUTE
        key = tuple(each.row[name] for name in history.key)
        own = ("nobody", place) if None in key else key
        label = None if each.known is None else (start + each.known * MINUTE, each.is_fraud)
        yield Event(
            number(("key", own)) or 0,
            int(each.row["payment_id"] or 0),
            time,
            received,
            {name: _hundredths(each.row[name]) for name in ("amount", "tip")},
            {name: number((name, each.row[name])) if each.row[name] is not None else None for name in each.row},
            label,
        )


def _hundredths(amount: object) -> int | None:
    return round(amount * 100) if isinstance(amount, int | float) else None
