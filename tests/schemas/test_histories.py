"""A history is declared in words that people use, and what cannot be computed exactly is refused."""

from typing import Annotated

import pytest
from pydantic import Field

from fraud_detection_api.schemas.histories import History, Remembered, Statistic, Window
from fraud_detection_api.schemas.record import Kind, Record, fields_of

LAST_10 = Window(records=10)


class Payment(Record):
    """A payment with a card."""

    customer_id: int = Field(examples=[1])
    amount: Annotated[float, Field(ge=0, le=10_000)] = Field(examples=[12.5])
    weight: float = Field(examples=[1.0])
    email: str = Field(examples=["a"])


FIELDS = {each.name: each for each in fields_of(Payment)}


def history(*statistics: Remembered, key: tuple[str, ...] = ("customer_id",), kept: int = 16) -> History:
    return History("customer", key, statistics, kept=kept)


@pytest.mark.parametrize(
    ("asked", "name", "description"),
    [
        (
            Remembered(Statistic.MEAN, "amount", LAST_10),
            "customer_mean_amount_last_10",
            "Mean amount of this customer in the last 10",
        ),
        (
            Remembered(Statistic.COUNT, over=Window(days=1)),
            "customer_count_1_day",
            "Number of records of this customer in the last 1 day",
        ),
        (
            Remembered(Statistic.DISTINCT, "email", Window(records=5, hours=2)),
            "customer_distinct_email_last_5_2_hours",
            "Number of different email of this customer in the last 5 of the last 2 hours",
        ),
        (
            Remembered(Statistic.FRAUDS, over=Window(days=30), delay_days=7),
            "customer_frauds_30_days_after_7_days",
            "Known frauds of this customer in the last 30 days",
        ),
        (
            Remembered(Statistic.SINCE),
            "customer_seconds_since_last",
            "Seconds since the last record of this customer",
        ),
    ],
)
def test_a_statistic_names_itself(asked: Remembered, name: str, description: str) -> None:
    (feature,) = history(asked).features
    assert (feature.name, feature.description) == (name, description)


def test_a_ratio_is_told_as_people_say_it() -> None:
    (feature,) = history(Remembered(Statistic.RATIO, "amount", LAST_10)).features
    told = feature.reason.format(amount="930.00", **{feature.name: "6.2"})
    assert told == "amount of 930.00 is 6.2 times this customer's average"


def test_what_may_be_unknown_is_optional() -> None:
    mean, count, new = history(
        Remembered(Statistic.MEAN, "amount"), Remembered(Statistic.COUNT), Remembered(Statistic.NEW)
    ).features
    assert (mean.optional, count.optional, new.optional) == (True, False, False)
    assert (count.kind, new.kind, new.high) == (Kind.INTEGER, Kind.BOOLEAN, 1)


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (history(), "needs a key and a statistic"),
        (history(Remembered(Statistic.COUNT), key=()), "needs a key and a statistic"),
        (history(Remembered(Statistic.COUNT), key=("amount",)), "which is no field of kind category or integer"),
        (history(Remembered(Statistic.COUNT, over=LAST_10), kept=10), "not more than a window of 10"),
        (history(Remembered(Statistic.COUNT), kept=4_097), "it may keep 4096 at most"),
        (history(Remembered(Statistic.MEAN, "email")), "MEAN is of 'email', which is no field of kind number"),
        (history(Remembered(Statistic.DISTINCT, "amount")), "DISTINCT is of 'amount', which is no field of kind"),
        (history(Remembered(Statistic.COUNT, "amount")), "COUNT is of no field, and not of 'amount'"),
        (history(Remembered(Statistic.COUNT, over=Window(records=-1))), "no part of that can be below 0"),
        (history(Remembered(Statistic.SUM, "weight")), "'weight' may be too large to be added up exactly: bound it by"),
    ],
)
def test_what_cannot_be_is_refused(declared: History, why: str) -> None:
    assert [problem for problem in declared.problems(FIELDS) if why in problem]


def test_what_can_be_has_no_problem() -> None:
    fine = (Remembered(Statistic.DEVIATION, "amount", LAST_10), Remembered(Statistic.KNOWN, "email", LAST_10))
    assert list(history(*fine).problems(FIELDS)) == []
