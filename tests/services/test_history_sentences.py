"""What a history says of a record reads as a person would write it: none, one, many, yes, no, and what is missing."""

from datetime import UTC, datetime

import pytest
from pydantic import Field

from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.histories import EVER, Histories, History, Remembered, Statistic, Window
from fraud_detection_api.schemas.history_words import plural
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Feature, Kind, Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.reason_sentences import LOWERS, RAISES, in_form, wordings
from fraud_detection_api.use_cases.orders import ORDERS

LAST_10, WEEK, HOUR = Window(records=10), Window(days=7), Window(hours=1)


class WebOrder(Record):
    """An order."""

    order_id: int = Field(examples=[1])
    customer_id: int = Field(examples=[1])
    email: str = Field(examples=["a"])
    amount: float = Field(ge=-1000, le=1000, examples=[930])
    ordered_at: datetime = Field(ge=datetime(2000, 1, 1, tzinfo=UTC), examples=["2024-05-31T12:30:00Z"])


def orders(asked: Remembered, *carried: str, decimals: int = 2) -> UseCase:
    """Orders of which one thing is remembered."""
    history = History("customer", ("customer_id",), (asked,), decimals=decimals)
    return UseCase(
        name="orders",
        title="Orders",
        record=WebOrder,
        learning=Supervised(label="is_fraud", time_column="ordered_at"),
        identifier="order_id",
        carried=("customer_id", "email", "ordered_at", *carried),
        histories=Histories("ordered_at", (history,), label_known_at="known_at"),
    )


def told(asked: Remembered, value: Scalar, direction: str = RAISES) -> str:
    """The sentence on a value, for an amount of 930."""
    wording = wordings(orders(asked).features)[-1]
    return wording.sentence([930.0, value], direction).removesuffix(f": {direction} the risk")


def feature(asked: Remembered) -> Feature:
    return orders(asked).features[-1]


AMOUNT, EMAIL = "amount", "email"


TOLD: list[tuple[Remembered, Scalar, str]] = [
    (Remembered(Statistic.NEW), True, "nothing is known of this customer yet"),
    (Remembered(Statistic.NEW), False, "this customer is known from earlier web orders"),
    (Remembered(Statistic.COUNT, over=WEEK), 0, "no web order of this customer in the last 7 days"),
    (Remembered(Statistic.COUNT, over=WEEK), 1, "1 web order of this customer in the last 7 days"),
    (Remembered(Statistic.COUNT, over=WEEK), 12, "12 web orders of this customer in the last 7 days"),
    (Remembered(Statistic.COUNT), 12, "12 earlier web orders of this customer"),
    (
        Remembered(Statistic.SUM, AMOUNT, HOUR),
        2910.5,
        "this customer's amounts in the last hour add up to 2,910.50",
    ),
    (
        Remembered(Statistic.MEAN, AMOUNT, LAST_10),
        149.9533,
        "this customer's average amount in the last 10 web orders is 149.95",
    ),
    (Remembered(Statistic.MEAN, AMOUNT), 20.0, "this customer's average amount so far is 20.00"),
    (Remembered(Statistic.MEAN, AMOUNT, WEEK), None, "no amount of this customer is known in the last 7 days"),
    (Remembered(Statistic.DEVIATION, AMOUNT), 0.0, "this customer's amounts so far do not vary"),
    (
        Remembered(Statistic.DEVIATION, AMOUNT),
        3.126,
        "this customer's amounts so far vary by 3.13 around their average",
    ),
    (Remembered(Statistic.SMALLEST, AMOUNT), 1.0, "this customer's smallest amount so far is 1.00"),
    (Remembered(Statistic.LARGEST, AMOUNT), -4.5, "this customer's largest amount so far is -4.50"),
    (Remembered(Statistic.RATIO, AMOUNT), 6.2034, "amount of 930.00 is 6.2 times this customer's average"),
    (
        Remembered(Statistic.RATIO, AMOUNT, LAST_10),
        62.034,
        "amount of 930.00 is 62 times this customer's average of the last 10 web orders",
    ),
    (Remembered(Statistic.RATIO, AMOUNT), None, "no average amount of this customer to compare with"),
    (Remembered(Statistic.DISTINCT, EMAIL, LAST_10), 0, "no email of this customer in the last 10 web orders"),
    (Remembered(Statistic.DISTINCT, EMAIL, LAST_10), 1, "only 1 email of this customer in the last 10 web orders"),
    (
        Remembered(Statistic.DISTINCT, EMAIL, LAST_10),
        5,
        "5 different emails of this customer in the last 10 web orders",
    ),
    (Remembered(Statistic.SAME, EMAIL), True, "the same email as in this customer's last web order"),
    (Remembered(Statistic.SAME, EMAIL), False, "another email than in this customer's last web order"),
    (Remembered(Statistic.SAME, EMAIL), None, "no email to compare with this customer's last web order"),
    (
        Remembered(Statistic.KNOWN, EMAIL, LAST_10),
        True,
        "this email was seen in the last 10 web orders of this customer",
    ),
    (Remembered(Statistic.KNOWN, EMAIL), False, "this email was not seen in earlier web orders of this customer"),
    (
        Remembered(Statistic.KNOWN, EMAIL, Window(records=10, hours=1)),
        None,
        "no email to compare with the last 10 web orders of this customer in the last hour",
    ),
    (Remembered(Statistic.SINCE), 0.0, "at the same time as this customer's last web order"),
    (Remembered(Statistic.SINCE), 12.3, "12 seconds since this customer's last web order"),
    (Remembered(Statistic.SINCE), 86_400.0 * 3, "3 days since this customer's last web order"),
    (Remembered(Statistic.SINCE), None, "no earlier web order of this customer"),
    (Remembered(Statistic.FRAUDS), 0, "no known fraud of this customer so far"),
    (Remembered(Statistic.FRAUDS, over=LAST_10), 1, "1 known fraud of this customer in the last 10 web orders"),
    (
        Remembered(Statistic.FRAUDS, over=WEEK, delay_days=7),
        3,
        "3 known frauds of this customer in the 7 days up to 7 days ago",
    ),
    (
        Remembered(Statistic.FRAUDS, over=LAST_10, delay_days=1),
        3,
        "3 known frauds of this customer in the last 10 web orders, known for 1 day",
    ),
    (
        Remembered(Statistic.FRAUD_SHARE, over=WEEK),
        0.25,
        "25% of this customer's web orders in the last 7 days turned out to be frauds",
    ),
    (
        Remembered(Statistic.FRAUD_SHARE, over=WEEK),
        0.0,
        "none of this customer's web orders in the last 7 days turned out to be a fraud",
    ),
    (
        Remembered(Statistic.FRAUD_SHARE),
        None,
        "nothing is known yet of how this customer's web orders turned out",
    ),
]


@pytest.mark.parametrize(("asked", "value", "sentence"), TOLD)
def test_a_reason_tells_a_history_as_people_do(asked: Remembered, value: Scalar, sentence: str) -> None:
    assert told(asked, value) == told(asked, value, LOWERS) == sentence


def test_the_direction_comes_last() -> None:
    wording = wordings(orders(Remembered(Statistic.NEW)).features)[-1]
    assert wording.sentence([930.0, True], LOWERS) == "nothing is known of this customer yet: lowers the risk"


@pytest.mark.parametrize(
    ("asked", "description"),
    [
        (Remembered(Statistic.NEW), "Whether nothing is known of this customer yet"),
        (Remembered(Statistic.COUNT, over=Window(days=1)), "Number of web orders of this customer in the last day"),
        (Remembered(Statistic.MEAN, AMOUNT, LAST_10), "Average amount of this customer in the last 10 web orders"),
        (Remembered(Statistic.RATIO, AMOUNT, HOUR), "Amount divided by this customer's average of the last hour"),
        (
            Remembered(Statistic.DISTINCT, EMAIL, Window(records=5, hours=2)),
            "Number of different emails of this customer in the last 5 web orders of the last 2 hours",
        ),
        (
            Remembered(Statistic.FRAUD_SHARE, over=Window(days=30), delay_days=7),
            "Share of frauds among this customer's web orders in the 30 days up to 7 days ago with a known outcome",
        ),
    ],
)
def test_a_feature_is_described_in_words(asked: Remembered, description: str) -> None:
    assert feature(asked).description == description


def test_a_reason_does_not_quote_an_amount_that_the_model_does_not_see() -> None:
    wording = wordings(orders(Remembered(Statistic.RATIO, AMOUNT), AMOUNT).features)[-1]
    assert wording.sentence([6.2034], RAISES) == "amount is 6.2 times this customer's average: raises the risk"


def test_amounts_have_the_decimals_that_they_are_counted_in() -> None:
    wording = wordings(orders(Remembered(Statistic.LARGEST, AMOUNT), decimals=0).features)[-1]
    assert "largest amount so far is 1,930:" in wording.sentence([930.0, 1930.0], RAISES)


@pytest.mark.parametrize("statistic", Statistic)
@pytest.mark.parametrize("over", [EVER, LAST_10, WEEK, Window(records=10, days=7)])
def test_whatever_a_history_may_say_has_a_sentence(statistic: Statistic, over: Window) -> None:
    of = {True: AMOUNT, False: EMAIL}[Statistic.SUM <= statistic <= Statistic.RATIO]
    of = of if Statistic.SUM <= statistic <= Statistic.KNOWN else ""
    asked = Remembered(statistic, of, EVER if statistic is Statistic.NEW else over)
    declared = feature(asked)
    values: list[Scalar] = [True, False] if declared.kind is Kind.BOOLEAN else [0, 1, 3.25]
    for value in [*values, *([None] if declared.optional else [])]:
        sentence = told(asked, value)
        assert "customer" in sentence
        assert not set(sentence) & set("{}_")
        assert "  " not in sentence


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [
        (930, "2", "930.00"),
        (-1234.5, "2", "-1,234.50"),
        (6.2034, "times", "6.2"),
        (0.0443, "times", "0.044"),
        (0.999, "times", "1.0"),
        (9.96, "times", "10"),
        (12_345.6, "times", "12,346"),
        (-6.25, "times", "-6.2"),
        (1, "percent", "100%"),
        (0.0043, "percent", "0.43%"),
        (1, "duration", "1 second"),
        (0.25, "duration", "0.2 seconds"),
        (119, "duration", "119 seconds"),
        (7_000, "duration", "117 minutes"),
        (86_400, "duration", "24 hours"),
        (86_400 * 400, "duration", "400 days"),
        (True, "2", "yes"),
        ("Oslo", "2", "Oslo"),
    ],
)
def test_a_value_has_the_form_that_a_template_asks_for(value: Scalar, form: str, words: str) -> None:
    assert in_form(value, form) == words


@pytest.mark.parametrize(
    ("one", "many"), [("email", "emails"), ("address", "addresses"), ("city", "cities"), ("day", "days")]
)
def test_nouns_have_a_plural(one: str, many: str) -> None:
    assert plural(one) == many


def test_a_field_may_say_what_its_values_are_called() -> None:
    described = {each.name: each.description for each in ORDERS.features}
    assert described["customer_distinct_ip_addr_last_10"] == (
        "Number of different addresses of this customer in the last 10 orders"
    )
    assert described["customer_known_email_last_10"] == "Whether e-mail was seen in the last 10 orders of this customer"
    assert described["address_distinct_customer_id_7_days"] == (
        "Number of different customers of this address in the last 7 days"
    )
