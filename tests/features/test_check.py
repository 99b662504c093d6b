"""The check of bounds and rules: every problem at its row and field, in words that help."""

import numpy as np
import pytest

from fraud_detection_api.errors import RecordsRefused
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import CARD_TAPS, LOAN_APPLICATIONS
from tests.examples import Row, Value, good_rows, raw_table


def problems(use_case: UseCase, *changes: dict[str, Value]) -> list[tuple[int, str, str, object]]:
    """What the check finds in good rows, each changed like this."""
    rows: list[Row] = [row | change for row, change in zip(good_rows(use_case, len(changes)), changes, strict=True)]
    columns, _ = columns_of_table(raw_table(rows, use_case), use_case)
    found = RecordCheck(use_case).problems(columns)
    return [(problem.row, problem.field, problem.message, problem.value) for problem in found]


def test_good_records_have_no_problems() -> None:
    assert problems(CREDIT_ACCOUNTS, {}, {}, {}) == []


def test_no_records_have_no_problems() -> None:
    assert RecordCheck(CREDIT_ACCOUNTS).problems(Columns([], np.zeros((4, 0)))) == []


def test_more_accounts_in_arrears_than_open_accounts_are_refused() -> None:
    change: Row = {"number_of_open_accounts": 2, "number_of_accounts_in_arrears": 3}
    message = "More accounts in arrears than open accounts"
    assert problems(CREDIT_ACCOUNTS, {}, change) == [(1, "number_of_accounts_in_arrears", message, 3.0)]


def test_as_many_accounts_in_arrears_as_open_accounts_are_not() -> None:
    assert problems(CREDIT_ACCOUNTS, {"number_of_open_accounts": 3, "number_of_accounts_in_arrears": 3}) == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("total_credit_limit", -0.01, "Input should be greater than or equal to 0"),
        ("total_balance", 1.1e12, "Input should be less than or equal to 1e+12"),
        ("total_balance", float("inf"), "Input should be less than or equal to 1e+12"),
        ("total_balance", float("-inf"), "Input should be greater than or equal to -1e+12"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_the_bound(field: str, value: float, message: str) -> None:
    assert problems(CREDIT_ACCOUNTS, {}, {field: value}) == [(1, field, message, value)]


def test_a_required_number_that_is_missing_is_refused() -> None:
    assert problems(CREDIT_ACCOUNTS, {"total_balance": None}) == [(0, "total_balance", "A value is required", None)]


def test_a_date_out_of_bounds_is_refused_in_dates() -> None:
    change: Row = {"customer_since": "1979-12-31", "last_default": None}
    message = "Input should be greater than or equal to 1980-01-01"
    assert problems(LOAN_APPLICATIONS, change) == [(0, "customer_since", message, "1979-12-31")]


def test_an_identifier_out_of_bounds_is_refused() -> None:
    message = "Input should be greater than or equal to 1"
    assert problems(CARD_TAPS, {"tap": 1}, {"tap": 0}) == [(1, "tap", message, 0.0)]


def test_a_rule_is_not_asked_where_one_of_its_fields_is_missing() -> None:
    change: Row = {"amount": 1e7, "months": 1}
    assert problems(LOAN_APPLICATIONS, change | {"income": None}) == []
    found = problems(LOAN_APPLICATIONS, change | {"income": 9.0})
    assert found == [(0, "amount", "A loan that no income can pay back", 1e7)]


def test_texts_are_held_against_their_declaration() -> None:
    changes: tuple[Row, ...] = ({"channel": "letter"}, {"purpose": ""}, {"purpose": "5 cars"})
    assert [(row, field) for row, field, _, _ in problems(LOAN_APPLICATIONS, *changes)] == [
        (0, "channel"),
        (1, "purpose"),
        (2, "purpose"),
    ]


def test_every_problem_is_told_in_the_order_of_the_rows() -> None:
    found = problems(
        CREDIT_ACCOUNTS,
        {"number_of_open_accounts": 1, "number_of_accounts_in_arrears": 9},
        {"total_balance": -1e13, "total_credit_limit": -1},
        {},
        {"total_credit_limit": None},
    )
    places = [(row, field) for row, field, _, _ in found]
    assert [row for row, _ in places] == [0, 1, 1, 3]
    assert set(places) == {
        (0, "number_of_accounts_in_arrears"),
        (1, "total_balance"),
        (1, "total_credit_limit"),
        (3, "total_credit_limit"),
    }


def test_refusing_says_how_many_and_shows_the_first() -> None:
    columns, _ = columns_of_table(raw_table(good_rows(CARD_TAPS, 2), CARD_TAPS), CARD_TAPS)
    RecordCheck(CARD_TAPS).refuse(columns)
    columns.numbers[0] = -1
    with pytest.raises(RecordsRefused, match=r"2 problem\(s\), the first in record 0, amount: Input should be greater"):
        RecordCheck(CARD_TAPS).refuse(columns)
