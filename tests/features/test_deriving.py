"""Derived values: what the model sees of records is the same whichever way they came, and what a clock would say."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.matrix import MatrixMaker, categories_of
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.schemas.derived import DayOfWeek, DaysBetween, Difference, HourOfDay, Ratio, SecondsBetween
from fraud_detection_api.schemas.record import LARGEST
from fraud_detection_api.schemas.times import FIRST_TIME, LAST_TIME, local_times, time_number
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import WEB_ORDERS
from tests.examples import Row, body_of, good_rows, raw_table, records_of
from tests.random_records import rows_of
from tests.readers import by_table
from tests.small_models import values_seen

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Monrovia", "UTC")


def seen(columns: Columns) -> bytes:
    """The matrix that the model would get, to the bit."""
    features = derive(columns, WEB_ORDERS)
    return (
        MatrixMaker(WEB_ORDERS.feature_names, categories_of({"default.payment": ["card", "invoice"]}, 10))
        .matrix(features)
        .tobytes()
    )


@given(rows_of(WEB_ORDERS))
def test_every_way_in_gives_the_model_the_same_bits(rows: list[Row]) -> None:
    if isinstance(by_table(rows, WEB_ORDERS), set):  # refused
        return
    table, _ = columns_of_table(raw_table(rows, WEB_ORDERS), WEB_ORDERS)
    body = RecordReader(WEB_ORDERS).read(body_of(rows), 10)
    if body is None:
        return
    assert seen(table) == seen(body) == seen(RecordReader(WEB_ORDERS).columns(records_of(rows, WEB_ORDERS)))


def test_values_are_those_that_python_comes_to_one_by_one() -> None:
    rows = good_rows(WEB_ORDERS, 300, seed=11)
    features = derive(RecordReader(WEB_ORDERS).columns(records_of(rows, WEB_ORDERS)), WEB_ORDERS)
    for position, feature in enumerate(WEB_ORDERS.features):
        if feature.name not in WEB_ORDERS.by_name:
            expected = [values_seen(row, WEB_ORDERS)[feature.name] for row in rows]
            np.testing.assert_array_equal(
                features.numbers[position], [np.nan if value is None else value for value in expected]
            )


def test_one_record_and_many_have_the_same_bits() -> None:
    columns = RecordReader(WEB_ORDERS).columns(records_of(good_rows(WEB_ORDERS, 200, seed=12), WEB_ORDERS))
    alone = [derive(columns.part(row, row + 1), WEB_ORDERS).numbers for row in range(len(columns))]
    assert np.concatenate(alone, axis=1).tobytes() == derive(columns, WEB_ORDERS).numbers.tobytes()


def test_what_is_carried_stays_with_the_record_and_out_of_the_matrix() -> None:
    columns = RecordReader(WEB_ORDERS).columns(records_of(good_rows(WEB_ORDERS, 3), WEB_ORDERS))
    features = derive(columns, WEB_ORDERS)
    assert set(features.texts) == {"default.payment"}
    assert "email" in features.record.texts
    assert features.record is columns
    assert features.take(np.array([2])).record.texts["email"] == columns.texts["email"][2:]
    assert len(features.numbers) == len(WEB_ORDERS.feature_names)


def test_where_nothing_is_derived_or_carried_columns_are_handed_on_as_they_are() -> None:
    columns = RecordReader(CREDIT_ACCOUNTS).columns(records_of(good_rows(CREDIT_ACCOUNTS, 3), CREDIT_ACCOUNTS))
    assert derive(columns, CREDIT_ACCOUNTS) is columns
    assert columns.record is columns


@given(
    st.lists(st.integers(FIRST_TIME + 2 * 86_400_000, LAST_TIME - 2 * 86_400_000), max_size=5), st.sampled_from(ZONES)
)
def test_clocks_of_a_zone_show_what_python_says(times: list[int], zone: str) -> None:
    shown = local_times(np.array(times, dtype=np.float64), zone)
    for time, local in zip(times, shown.tolist(), strict=True):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)
        assert local == time_number(moment.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC))
        assert local == local_times(float(time), zone)


def test_clocks_change_to_the_millisecond() -> None:
    change = time_number(datetime(2024, 3, 31, 1, tzinfo=UTC))
    hours = HourOfDay("at", zone="Europe/Berlin").values(np.array([change - 1.0, change, np.nan]))
    np.testing.assert_array_equal(hours, [1, 3, np.nan])


def test_weekdays_are_counted_from_monday_before_1970_too() -> None:
    days = [
        datetime(1969, 12, 28, tzinfo=UTC),
        datetime(1969, 12, 29, tzinfo=UTC),
        datetime(2024, 6, 2, 23, tzinfo=UTC),
    ]
    times = np.array([time_number(day) for day in days], dtype=np.float64)
    assert DayOfWeek("at").values(times).tolist() == [7, 1, 7]
    assert DayOfWeek("at", zone="Asia/Tokyo").values(times).tolist() == [7, 1, 1]


def test_a_ratio_to_nothing_or_to_zero_is_missing_and_no_value_is_beyond_float32() -> None:
    ratio = Ratio("a", to="b").values(
        np.array([1.0, 0.0, np.nan, 1.0, 1e300]), np.array([0.0, 0.0, 1.0, np.nan, 1e-300])
    )
    assert np.isnan(ratio[:4]).all()
    row: Row = dict(WEB_ORDERS.example) | {" Amount ": 0.0, "vouchers": 0.0, "items": 2}
    features = derive(RecordReader(WEB_ORDERS).columns(records_of([row], WEB_ORDERS)), WEB_ORDERS)
    assert not np.signbit(features.numbers[WEB_ORDERS.feature_names.index("amount_less_vouchers")]).any()
    assert np.abs(features.numbers).max() <= LARGEST


@pytest.mark.parametrize(
    ("derived", "name", "description"),
    [
        (HourOfDay("ordered_at"), "hour_of_ordered_at", "Hour of ordered at (UTC)"),
        (
            HourOfDay("Ordered at", zone="Europe/Berlin"),
            "hour_of_ordered_at_europe_berlin",
            "Hour of Ordered at (Europe/Berlin)",
        ),
        (DayOfWeek("paid_on"), "weekday_of_paid_on", "Day of the week of paid on (Monday is 1, UTC)"),
        (DaysBetween("a_day", "b"), "days_from_a_day_to_b", "Days from a day to b"),
        (SecondsBetween("a", "b"), "seconds_from_a_to_b", "Seconds from a to b"),
        (Ratio(" Amount ", to="items"), "ratio_of_amount_to_items", "Ratio of Amount to items"),
        (Difference("balance", less="limit"), "balance_less_limit", "Balance less limit"),
    ],
)
def test_a_derived_value_names_itself(derived: HourOfDay, name: str, description: str) -> None:
    assert (derived.name, derived.description) == (name, description)


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UseCaseInvalid, match="There is no time zone 'Mars/Base'"):
        HourOfDay("at", zone="Mars/Base")
