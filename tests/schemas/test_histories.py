"""A history is declared as data, and what cannot be computed exactly is refused."""

import math
from typing import Annotated

import pytest
from pydantic import Field

from fraud_detection_api.schemas.histories import History, Remembered, Statistic, Window
from fraud_detection_api.schemas.record import Kind, Record, fields_of
from fraud_detection_api.schemas.times import DAY

LAST_10 = Window(records=10)


class Payment(Record):
    """A payment with a card."""

    customer_id: int = Field(examples=[1])
    amount: Annotated[float, Field(ge=0, le=10_000)] = Field(examples=[12.5])
    weight: float = Field(examples=[1.0])
    email: str = Field(examples=["a"])


AVERAGE = Remembered(Statistic.MEAN, "amount")
FIELDS = {each.name: each for each in fields_of(Payment)}


def history(*statistics: Remembered, key: tuple[str, ...] = ("customer_id",), kept: int = 16) -> History:
    return History("customer", key, statistics, kept=kept)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (Remembered(Statistic.MEAN, "amount", LAST_10), "customer_mean_amount_last_10"),
        (Remembered(Statistic.COUNT, over=Window(days=1)), "customer_count_1_day"),
        (Remembered(Statistic.COUNT, over=Window(days=0.5)), "customer_count_0.5_days"),
        (
            Remembered(Statistic.DISTINCT, "email", Window(records=5, hours=2)),
            "customer_distinct_email_last_5_2_hours",
        ),
        (Remembered(Statistic.FRAUDS, over=Window(days=30), delay_days=7), "customer_frauds_30_days_after_7_days"),
        (Remembered(Statistic.SINCE), "customer_seconds_since_last"),
    ],
)
def test_a_statistic_names_itself(asked: Remembered, name: str) -> None:
    (feature,) = history(asked).features
    assert feature.name == name


def test_a_window_of_labels_is_as_long_as_it_says_and_ends_when_they_begin_to_count() -> None:
    """Of the last day no fraud is known after a delay of a week: the day a week ago is meant."""
    day = Window(days=1)
    assert Remembered(Statistic.FRAUDS, over=day, delay_days=7).span == 8 * DAY
    assert Remembered(Statistic.COUNT, over=day).span == DAY
    assert Remembered(Statistic.FRAUD_SHARE, over=LAST_10, delay_days=7).span == 0


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
        (history(Remembered(Statistic.COUNT), kept=4_097), "keeps 4097 records of a key; it may keep 2 to 4,096"),
        (history(Remembered(Statistic.COUNT), kept=1), "keeps 1 records of a key; it may keep 2 to 4,096"),
        (history(Remembered(Statistic.MEAN, "email")), "MEAN is of 'email', which is no field of kind number"),
        (history(Remembered(Statistic.DISTINCT, "amount")), "DISTINCT is of 'amount', which is no field of kind"),
        (history(Remembered(Statistic.COUNT, "amount")), "COUNT is of no field, and not of 'amount'"),
        (history(Remembered(Statistic.COUNT), key=("weight",)), "'weight', which is no field of kind category or"),
        (history(Remembered(Statistic.COUNT, over=Window(records=-1))), "looks back over what is below 0"),
        (history(Remembered(Statistic.COUNT, over=Window(days=math.inf))), "or over more than 1,000,000"),
        (history(Remembered(Statistic.COUNT, over=Window(days=math.nan))), "looks back over what is below 0"),
        (history(Remembered(Statistic.COUNT, over=Window(hours=1e-9))), "is shorter than a millisecond"),
        (history(Remembered(Statistic.COUNT, delay_days=7)), "COUNT does not wait for labels: leave delay_days out"),
        (history(Remembered(Statistic.FRAUDS, delay_days=-7)), "FRAUDS waits -7 days, which is below 0"),
        (history(Remembered(Statistic.NEW, over=LAST_10)), "NEW says whether anything at all is known: leave"),
        (History("customer", ("customer_id",), (AVERAGE,), decimals=-1), "counts amounts with -1 decimals: 0 to 6"),
        (
            history(*(Remembered(Statistic.COUNT, over=Window(hours=hours)) for hours in range(1, 66))),
            "has 65 windows; it may have 64",
        ),
        (history(Remembered(Statistic.SUM, "weight")), "'weight' may be too large to be added up exactly: bound it by"),
    ],
)
def test_what_cannot_be_is_refused(declared: History, why: str) -> None:
    assert [problem for problem in declared.problems(FIELDS) if why in problem]


def test_what_can_be_has_no_problem() -> None:
    fine = (Remembered(Statistic.DEVIATION, "amount", LAST_10), Remembered(Statistic.KNOWN, "email", LAST_10))
    assert list(history(*fine).problems(FIELDS)) == []


def test_what_is_asked_of_the_last_record_alone_needs_no_more_than_that() -> None:
    asked = (
        Remembered(Statistic.SINCE),
        Remembered(Statistic.NEW),
        Remembered(Statistic.COUNT, over=Window(records=3)),
    )
    history = History("customer", ("customer_id",), asked)
    assert history.windows == ((1, 0), (3, 0))
    assert History("customer", ("customer_id",), (Remembered(Statistic.COUNT),)).windows == ((0, 0),)
