"""The record reader: the quick reader never accepts what the record refuses, and reads what the record reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from fraud_detection_api.errors import RecordsRefused
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from tests.declared_use_cases import CARD_TAPS, EVERY_USE_CASE, LOAN_APPLICATIONS
from tests.examples import Row, body_of, good_rows, records_of, slow_body_of
from tests.random_records import rows_of, spelled_rows_of
from tests.readers import by_pydantic, quickly

every_use_case = pytest.mark.parametrize("use_case", EVERY_USE_CASE, ids=lambda use_case: use_case.name)
# made once: hypothesis takes longer to look through a strategy of thirty fields than to draw from it
SPELLED = {use_case.name: spelled_rows_of(use_case) for use_case in EVERY_USE_CASE}
ROWS = {use_case.name: rows_of(use_case) for use_case in EVERY_USE_CASE}


@every_use_case
@given(data=st.data())
def test_the_quick_reader_accepts_nothing_that_the_record_refuses(use_case: UseCase, data: st.DataObject) -> None:
    body = data.draw(SPELLED[use_case.name])
    found = quickly(body, use_case)
    assert found is None or found == by_pydantic(body, use_case)


@every_use_case
@given(data=st.data())
def test_the_quick_reader_reads_what_the_record_reads(use_case: UseCase, data: st.DataObject) -> None:
    body = body_of(data.draw(ROWS[use_case.name]))
    found = quickly(body, use_case)
    assert found is None or found == by_pydantic(body, use_case)


@pytest.mark.compiled
@every_use_case
def test_good_records_take_the_quick_way(use_case: UseCase) -> None:
    assert quickly(body_of(good_rows(use_case, 100, seed=3)), use_case) is not None


@pytest.mark.compiled
@every_use_case
def test_an_escaped_key_takes_the_slow_way_to_the_same_columns(use_case: UseCase) -> None:
    rows = good_rows(use_case, 10)
    assert quickly(slow_body_of(rows), use_case) is None
    assert by_pydantic(slow_body_of(rows), use_case) == quickly(body_of(rows), use_case)


@pytest.mark.compiled
def test_more_records_than_asked_for_are_left_to_pydantic() -> None:
    body = body_of(good_rows(CARD_TAPS, 3))
    assert RecordReader(CARD_TAPS).read(body, 3) is not None
    assert RecordReader(CARD_TAPS).read(body, 2) is None


def test_an_identifier_without_bounds_fits_into_64_bits() -> None:
    class Wide(Record):
        key: int = Field(examples=[1])
        amount: float = Field(examples=[1])

    wide = UseCase(name="wide", title="", record=Wide, learning=Supervised(label="label"), identifier="key")
    rows: list[Row] = [{"key": key, "amount": 1.0} for key in (2**63 - 1, -(2**63), 2**63, -(2**63) - 1)]
    assert list(RecordReader(wide).columns(records_of(rows[:2], wide)).identifiers) == [2**63 - 1, -(2**63)]
    with pytest.raises(RecordsRefused) as refused:
        RecordReader(wide).columns(records_of(rows, wide))
    assert [(problem.row, problem.field) for problem in refused.value.problems] == [(2, "key"), (3, "key")]
    assert quickly(body_of(rows), wide) is None


def test_a_record_of_more_fields_than_the_quick_reader_knows_takes_the_slow_way() -> None:
    names = {"key": int} | {f"field{number}": float for number in range(300)}
    values = {name: Field(examples=[1]) for name in names}
    record = type("Long", (Record,), {"__annotations__": names, "__module__": __name__} | values)
    long = UseCase(name="long", title="", record=record, learning=Supervised(label="label"), identifier="key")
    row: Row = dict.fromkeys(names, 1)
    assert RecordReader(long).read(body_of([row]), 10) is None
    assert RecordReader(long).columns(records_of([row], long)).numbers.tolist() == [[1.0]] * 300


@pytest.mark.compiled
def test_no_rows_are_no_columns_of_the_same_shape() -> None:
    columns = RecordReader(LOAN_APPLICATIONS).read(b"[]", 10)
    assert columns is not None
    assert (len(columns), columns.numbers.shape) == (0, (len(LOAN_APPLICATIONS.inputs), 0))
