"""The sentence of a reason reads as a person would write it, whatever is missing."""

import pytest
from pydantic import Field
from pydantic.config import JsonDict

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.reason_sentences import LOWERS, RAISES, in_words, wordings
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.running_service import PROJECT

ACCOUNT: tuple[Scalar, ...] = (23, 12345.0, 200_000.0, 2)
ACCOUNT_SENTENCES = (
    "the number of open accounts is 23: raises the risk",
    "the total credit limit is 12,345: raises the risk",
    "balance of 200,000 against a limit of 12,345: raises the risk",
    "2 of 23 accounts in arrears: raises the risk",
)
TEMPLATE: JsonDict = {"x-reason": "{paid} of {billed} paid, {{in full}}"}


class Bill(Record):
    """A record whose fields are worded in every way there is."""

    bill: int = Field(examples=[1])
    paid: float | None = Field(default=None, description="Paid. ", examples=[1], json_schema_extra=TEMPLATE)
    billed: float | None = Field(default=None, examples=[2])
    overdue: bool = Field(description="Overdue", examples=[True], json_schema_extra={"x-reason": "past its day"})


BILLS = UseCase(name="bills", title="Bills", record=Bill, learning=Supervised(label="is_fraud"), identifier="bill")


def sentences(use_case: UseCase, values: tuple[Scalar, ...], direction: str = RAISES) -> tuple[str, ...]:
    return tuple(wording.sentence(values, direction) for wording in wordings(use_case.features))


def test_credit_accounts_have_words_of_their_own() -> None:
    assert sentences(CREDIT_ACCOUNTS, ACCOUNT) == ACCOUNT_SENTENCES


def test_the_documentation_quotes_them() -> None:
    documented = (PROJECT / "docs" / "reasons.md").read_text()
    up, down = (
        sentences(CREDIT_ACCOUNTS, (3, 2400.0, 9650.5, 2)),
        sentences(CREDIT_ACCOUNTS, (3, 2400.0, 9650.5, 2), LOWERS),
    )
    assert [sentence in documented for sentence in (*up[:3], down[3])] == [True] * 4


def test_the_direction_is_said() -> None:
    lowered = tuple(sentence.replace("raises", "lowers") for sentence in ACCOUNT_SENTENCES)
    assert sentences(CREDIT_ACCOUNTS, ACCOUNT, LOWERS) == lowered


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1.5, 2.0, True), ("1.5 of 2 paid, {in full}", "billed: 2,", "past its day")),
        ((1.5, None, False), ("Paid: 1.5,", "billed is missing", "past its day")),
        ((None, 2.0, True), ("Paid is missing", "billed: 2,", "past its day")),
    ],
)
def test_templates_help_texts_and_names(values: tuple[Scalar, ...], said: tuple[str, ...]) -> None:
    endings = [" raises the risk" if each.endswith(",") else ": raises the risk" for each in said]
    assert sentences(BILLS, values) == tuple(map("".join, zip(said, endings, strict=True)))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2, "2"),
        (2019, "2019"),
        (-12_345, "-12,345"),
        (10_000, "10,000"),
        (0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1999.0, "1,999"),
        (1234.5, "1,234.50"),
        (-200_000.25, "-200,000.25"),
        (1e12, "1,000,000,000,000"),
        (3.4e38, "3.4e+38"),
        (1.5e-9, "1.5e-09"),
        (True, "yes"),
        (False, "no"),
        ("2019-05-17", "2019-05-17"),
        ("Acme {x}", "Acme {x}"),
    ],
)
def test_values_in_words(value: Scalar, words: str) -> None:
    assert in_words(value) == words


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("{nothing} paid", "names 'nothing', which is no feature"),
        ("bill {bill}", "names 'bill', which is no feature"),
        ("{} paid", "names '', which is no feature"),
        ("{0} paid", "names '0', which is no feature"),
        ("{paid.real} paid", "which is no feature"),
        ("{paid:.2f} paid", "shows .paid. as ..2f.; it can be 0, 1, 2, 3, 4, 5, 6, times, percent, duration"),
        ("{paid!r} paid", "which is no feature"),
        ("{paid", "expected '}'"),
        (7, "is worded by a text, not by 7"),
    ],
)
def test_templates_are_checked_when_the_use_case_is_declared(reason: str | int, why: str) -> None:
    extra: JsonDict = {"x-reason": reason}
    fields: dict[str, object] = {
        "__module__": __name__,
        "__annotations__": {"bill": int, "paid": float},
        "bill": Field(examples=[1]),
        "paid": Field(examples=[1], json_schema_extra=extra),
    }
    with pytest.raises(UseCaseInvalid, match=why):
        UseCase(
            name="bills",
            title="Bills",
            record=type("Bill", (Record,), fields),
            learning=Supervised(label="fraud"),
            identifier="bill",
        )
