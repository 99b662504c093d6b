"""The table reader: a table accepts, refuses and produces what the same rows do as JSON."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn, columns_of_table
from fraud_detection_api.schemas.use_case import UseCase
from tests.declared_use_cases import CARD_TAPS, EVERY_USE_CASE, LOAN_APPLICATIONS
from tests.examples import body_of, good_rows, raw_table
from tests.random_records import rows_of
from tests.readers import by_pydantic, by_table

every_use_case = pytest.mark.parametrize("use_case", EVERY_USE_CASE, ids=lambda use_case: use_case.name)
ROWS = {use_case.name: rows_of(use_case) for use_case in EVERY_USE_CASE}  # made once, as in test_rows.py


@every_use_case
@given(data=st.data())
def test_both_readers_accept_refuse_and_produce_the_same(use_case: UseCase, data: st.DataObject) -> None:
    rows = data.draw(ROWS[use_case.name])
    as_json, as_table = by_pydantic(body_of(rows), use_case), by_table(rows, use_case)
    if isinstance(as_json, set):
        assert isinstance(as_table, set)
        assert as_json <= as_table  # Pydantic stops at types, before it comes to bounds and rules
    else:
        assert as_table == as_json


@every_use_case
def test_many_good_rows_give_the_same_columns(use_case: UseCase) -> None:
    rows = good_rows(use_case, 200, seed=9)
    assert by_table(rows, use_case) == by_pydantic(body_of(rows), use_case)


class TestColumns:
    def table(self, **changed: RawColumn) -> dict[str, RawColumn]:
        return raw_table(good_rows(LOAN_APPLICATIONS, 3), LOAN_APPLICATIONS) | changed

    def problems(self, **changed: RawColumn) -> list[tuple[int, str, str]]:
        _, problems = columns_of_table(self.table(**changed), LOAN_APPLICATIONS)
        return [(problem.row, problem.field, problem.message) for problem in problems]

    def test_of_good_rows_have_no_problems(self) -> None:
        assert self.problems() == []

    def test_that_are_absent_are_named_with_what_there_is(self) -> None:
        table = self.table()
        del table["amount"], table["months"], table["income"]
        with pytest.raises(DataRefused, match=r"no column amount, months; it has: application_id, purpose"):
            columns_of_table(table, LOAN_APPLICATIONS)

    def test_that_are_absent_and_optional_are_missing_values(self) -> None:
        optional = [field.name for field in LOAN_APPLICATIONS.fields if field.optional]
        table = {name: column for name, column in self.table().items() if name not in optional}
        columns, problems = columns_of_table(table, LOAN_APPLICATIONS)
        assert not problems
        assert columns.texts["employer"] == [None] * 3
        assert np.isnan(columns.numbers[LOAN_APPLICATIONS.feature_names.index("income")]).all()

    @pytest.mark.parametrize(
        ("name", "column"),
        [
            ("amount", np.array(["1", "2", "3"], dtype=object)),
            ("months", np.array([True, False, True])),
            ("is_first_loan", np.array([1, 0, 1])),
            ("purpose", np.array([1.0, 2.0, 3.0])),
            ("customer_since", np.array([20190101, 20190102, 20190103])),
            ("application_id", np.array([1, 2, 3])),
        ],
    )
    def test_of_another_type_are_refused(self, name: str, column: RawColumn) -> None:
        with pytest.raises(DataRefused, match=f"Column {name} holds"):
            columns_of_table(self.table(**{name: column}), LOAN_APPLICATIONS)

    def test_of_identifiers_without_a_sign_are_refused(self) -> None:
        table = raw_table(good_rows(CARD_TAPS, 2), CARD_TAPS) | {"tap": np.array([1, 2**64 - 1], dtype=np.uint64)}
        with pytest.raises(DataRefused, match="Column tap holds"):
            columns_of_table(table, CARD_TAPS)

    def test_of_identifiers_as_floats_are_taken_where_no_digit_can_be_lost(self) -> None:
        values = np.array([1.0, np.nan, 2.5, 2.0**53 + 2, 2.0**53])
        table = raw_table(good_rows(CARD_TAPS, 5), CARD_TAPS) | {"tap": values}
        columns, problems = columns_of_table(table, CARD_TAPS)
        assert [columns.identifiers[0], columns.identifiers[4]] == [1, 2**53]
        assert [(problem.row, problem.field, problem.kind) for problem in problems] == [
            (1, "tap", "missing"),
            (2, "tap", "value_error"),
            (3, "tap", "value_error"),
        ]

    def test_of_integers_hold_no_fractions(self) -> None:
        found = self.problems(months=np.array([12.0, 12.5, 13.0]))
        assert found == [(1, "months", "Input should be a valid integer, got a number with a fractional part")]

    def test_of_booleans_hold_nothing_but_0_and_1(self) -> None:
        found = self.problems(is_first_loan=np.array([0.0, 2.0, 1.0]))
        assert found == [(1, "is_first_loan", "Input should be a valid boolean")]

    def test_of_dates_may_be_texts(self) -> None:
        texts = np.array(["2019-05-17", "2019-W20-5", None], dtype=object)
        assert self.problems(last_default=texts) == [(1, "last_default", "Input should be a date, YYYY-MM-DD")]

    def test_of_nothing_may_have_any_type(self) -> None:
        nothing = np.full(3, np.nan)
        assert self.problems(employer=nothing, last_default=nothing, income=nothing) == []

    @pytest.mark.parametrize("name", ["application_id", "purpose"])
    def test_of_texts_say_which_are_missing(self, name: str) -> None:
        column = np.array(["a", None, "b"], dtype=object)
        assert self.problems(**{name: column}) == [(1, name, "A value is required")]
