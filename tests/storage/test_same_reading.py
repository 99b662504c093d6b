"""Rows in JSON, CSV, Parquet and a database: the same columns, and the same refusals (design law 1)."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from pydantic import TypeAdapter, ValidationError

from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.schemas.record import Kind, RecordField
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import LOAN_APPLICATIONS, WEB_ORDERS
from tests.examples import Row, Value, good_rows
from tests.random_records import written_times
from tests.storage.loan_tables import csv_of, wanted_of, write_parquet, write_sqlite

USE_CASES = (CREDIT_ACCOUNTS, LOAN_APPLICATIONS, WEB_ORDERS)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from('",\r\n\t;'), min_size=1
)
ANYTHING = {
    Kind.INTEGER: st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6),
    Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    Kind.BOOLEAN: st.booleans(),
    Kind.CATEGORY: TEXTS,
    Kind.DATE: st.dates(date(1700, 1, 1), date(2500, 1, 1)).map(str),
    Kind.TIME: st.integers(-8_500_000_000_000, 9_100_000_000_000).flatmap(written_times),  # as far as ns go: to 2262
}

Fields = list[set[str]]


@st.composite
def rows_of(draw: st.DrawFn, use_case: UseCase) -> list[Row]:
    """Good rows, some of whose values were replaced by others of the same type, or by nothing."""
    rows = good_rows(use_case, draw(st.integers(1, 4)), seed=draw(st.integers(0, 20)))
    for row in rows:
        for field in draw(st.lists(st.sampled_from(use_case.fields), max_size=3)):
            row[field.name] = draw(_any_value(field, use_case))
    return rows


def _any_value(field: RecordField, use_case: UseCase) -> st.SearchStrategy[Value]:
    if field.name == use_case.identifier and field.kind is Kind.INTEGER:
        return st.none() | st.integers(-(2**53), 2**53)
    return st.none() | ANYTHING[field.kind]


def _write_csv(path: Path, rows: list[Row], use_case: UseCase) -> Source:
    path.with_suffix(".csv").write_bytes(csv_of(rows, [field.name for field in use_case.fields]))
    return Source(str(path.with_suffix(".csv")))


def _write_parquet(path: Path, rows: list[Row], use_case: UseCase) -> Source:
    write_parquet(path.with_suffix(".parquet"), rows, use_case)
    return Source(str(path.with_suffix(".parquet")))


def _write_sqlite(path: Path, rows: list[Row], use_case: UseCase) -> Source:
    write_sqlite(path.with_suffix(".db"), rows, [field.name for field in use_case.fields])
    return Source(f"sqlite:///{path.with_suffix('.db')}", table="records")


@pytest.mark.parametrize("write", [_write_csv, _write_parquet, _write_sqlite])
@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)
def test_a_table_and_a_request_give_the_same_columns_and_the_same_refusals(
    use_case: UseCase, write: Callable[[Path, list[Row], UseCase], Source]
) -> None:
    @settings(max_examples=40, deadline=None)
    @given(rows_of(use_case))
    def same(rows: list[Row]) -> None:
        with TemporaryDirectory() as folder:
            raw, unreadable = read_table(write(Path(folder) / "records", rows, use_case), wanted_of(use_case))
        columns, unfitting = columns_of_table(raw, use_case)
        refused: Fields = [set() for _ in rows]
        for problem in [*unreadable, *unfitting, *RecordCheck(use_case).problems(columns)]:
            refused[problem.row].add(problem.field)
        _compare(rows, columns, refused, use_case)

    same()


WRITTEN = (
    ("2024-05-31 12:30:00", "2024-05-31T12:30:00Z"),  # a table's time without a zone is in UTC
    ("2024-05-31T12:30:00.123999999+05:45", "2024-05-31T06:45:00.123Z"),
    ("1969-12-31T23:59:59.9999-23:59", "1970-01-01T23:58:59.999Z"),
)
REFUSED = (
    "9999-12-31T23:59:59-02:00",
    "0001-01-01T00:00:00+02:00",
    "2024-05-31T24:00:00Z",
    "2024-05-31T12",
    "2024-05-31T12:30:00+02:60",
    "soon",
)


@pytest.mark.parametrize("refused", [*REFUSED, None])
@pytest.mark.parametrize("write", [_write_csv, _write_sqlite])
def test_a_table_may_mix_zones_and_times_without_one(
    write: Callable[[Path, list[Row], UseCase], Source], refused: str | None, tmp_path: Path
) -> None:
    good = good_rows(WEB_ORDERS, len(WRITTEN) + 1)
    written = [
        row | {"delivered_at": text} for row, text in zip(good, [*(text for text, _ in WRITTEN), refused], strict=True)
    ]
    raw, problems = read_table(write(tmp_path / "records", written, WEB_ORDERS), wanted_of(WEB_ORDERS))
    columns, unfitting = columns_of_table(raw, WEB_ORDERS)
    found = [*problems, *unfitting, *RecordCheck(WEB_ORDERS).problems(columns)]
    assert [(each.row, each.field) for each in found] == ([(3, "delivered_at")] if refused else [])
    meant = [
        row | {"delivered_at": text} for row, text in zip(good, [*(text for _, text in WRITTEN), None], strict=True)
    ]
    expected = _as_request(meant, WEB_ORDERS)
    assert isinstance(expected, Columns)
    kept = np.arange(len(WRITTEN) + (refused is None))
    _assert_same(columns.take(kept), expected.take(kept))


def _typed_parquet(path: Path, times: list[datetime], kind: pa.DataType) -> None:
    rows = good_rows(WEB_ORDERS, len(times))
    write_parquet(path, rows, WEB_ORDERS)
    table = parquet.read_table(path)
    place = table.column_names.index("Ordered at")
    parquet.write_table(table.set_column(place, "Ordered at", pa.array(times, kind)), path)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kathmandu"])
def test_parquet_holds_times_of_any_unit_and_zone(unit: str, zone: str | None, tmp_path: Path) -> None:
    times = [datetime(2024, 5, 31, 12, 30, tzinfo=UTC), datetime(2001, 1, 1, 23, tzinfo=UTC)]
    given = times if zone else [time.replace(tzinfo=None) for time in times]
    _typed_parquet(tmp_path / "orders.parquet", given, pa.timestamp(unit, zone))
    raw, problems = read_table(Source(str(tmp_path / "orders.parquet")), wanted_of(WEB_ORDERS))
    columns, unfitting = columns_of_table(raw, WEB_ORDERS)
    assert not [*problems, *unfitting]
    place = [field.name for field in WEB_ORDERS.inputs].index("Ordered at")
    assert columns.numbers[place].tolist() == [time.timestamp() * 1000 for time in times]


def _compare(rows: list[Row], columns: Columns, refused: Fields, use_case: UseCase) -> None:
    ruled = {rule.fields[0] for rule in use_case.rules}
    for number, row in enumerate(rows):
        found = _as_request([row], use_case)
        if isinstance(found, Columns):
            assert refused[number] == set()
            _assert_same(columns.take(np.array([number])), found)
        else:
            fields, by_rule = found
            assert refused[number] >= fields
            assert refused[number] - fields <= (set() if by_rule else ruled)  # Pydantic refuses before a rule is asked


def _as_request(rows: list[Row], use_case: UseCase) -> Columns | tuple[set[str], bool]:
    try:
        records = TypeAdapter(list[use_case.record]).validate_json(json.dumps(rows))  # type: ignore[name-defined]
    except ValidationError as error:
        return {str(each["loc"][1]) for each in error.errors()}, False
    columns = RecordReader(use_case).columns(records)
    problems = RecordCheck(use_case).problems(columns)
    return ({problem.field for problem in problems}, True) if problems else columns


def _assert_same(ours: Columns, theirs: Columns) -> None:
    assert list(ours.identifiers) == list(theirs.identifiers)
    assert ours.numbers.tobytes() == theirs.numbers.tobytes()
    assert ours.texts == theirs.texts
