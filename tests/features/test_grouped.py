"""Records grouped from tables: as a plain loop sums them up, for every customer, and no row is lost in silence."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from fraud_detection_api.errors import DataRefused, UseCaseInvalid
from fraud_detection_api.features.grouped import grouped
from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.source_tables import SourceTable, SourceTables, Total
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.purchases import PURCHASES, Fill, GasStation, User

Tables = dict[str, dict[str, RawColumn]]


def small_tables() -> Tables:
    """Three customers out of order, one of whom has bought nothing, two stations and three fills."""
    return {
        "users": {"user_id": np.array([10, 9, 100]), "is_premium": np.array([False, True, True])},
        "gas_stations": {"gas_station_id": np.array([2, 1]), "gasoline_price_per_litre": np.array([2.5, 4.0])},
        "transactions": {
            "transaction_id": np.array([3, 1, 2]),
            "user_id": np.array([10, 100, 10]),
            "gas_station_id": np.array([1, 2, 2]),
            "liters": np.array([10.0, 20.0, 30.0]),
        },
    }


def changed(table: str, column: str, *values: float) -> Tables:
    """The small tables with another column, as a file with a gap in it would give it."""
    tables = small_tables()
    tables[table][column] = np.array(values, dtype=np.float64)
    return tables


def as_lists(records: RawTable) -> dict[str, list[float]]:
    """Columns as they are easily compared."""
    return {name: values.tolist() for name, values in records.items()}


def test_what_is_paid_is_litres_times_price_for_every_customer_in_the_order_of_their_numbers() -> None:
    assert as_lists(grouped(small_tables(), PURCHASES)) == {
        "user_id": [9, 10, 100],  # as texts, 10 would come first
        "total_liters": [0, 40, 20],
        "total_amount_paid": [0, 10 * 4 + 30 * 2.5, 20 * 2.5],
        "is_premium": [True, False, True],
    }


def test_records_have_the_types_of_their_fields() -> None:
    records = grouped(changed("users", "is_premium", 0, 1, 1), PURCHASES)
    assert {name: values.dtype.kind for name, values in records.items()} == {
        "user_id": "i",
        "total_liters": "f",
        "total_amount_paid": "f",
        "is_premium": "b",
    }
    assert as_lists(records) == as_lists(grouped(small_tables(), PURCHASES))


def test_without_fills_everybody_has_bought_nothing() -> None:
    tables = small_tables()
    tables["transactions"] = {name: values[:0] for name, values in tables["transactions"].items()}
    assert as_lists(grouped(tables, PURCHASES))["total_amount_paid"] == [0, 0, 0]


NUMBERS = st.integers(-50, 50)


@st.composite
def random_tables(draw: st.DrawFn) -> Tables:
    """Any users, stations and fills that fit together, in any order."""
    users = draw(st.lists(NUMBERS, min_size=1, max_size=8, unique=True))
    stations = draw(st.lists(NUMBERS, min_size=1, max_size=4, unique=True))
    amounts = st.floats(0, 1000)
    fills = draw(st.lists(st.tuples(st.sampled_from(users), st.sampled_from(stations), amounts), max_size=30))
    premium = draw(st.lists(st.booleans(), min_size=len(users), max_size=len(users)))
    prices = draw(st.lists(amounts, min_size=len(stations), max_size=len(stations)))
    return {
        "users": {"user_id": np.array(users), "is_premium": np.array(premium)},
        "gas_stations": {"gas_station_id": np.array(stations), "gasoline_price_per_litre": np.array(prices)},
        "transactions": {
            "transaction_id": np.array(draw(st.permutations(range(len(fills)))), dtype=np.int64),
            "user_id": np.array([user for user, _, _ in fills], dtype=np.int64),
            "gas_station_id": np.array([station for _, station, _ in fills], dtype=np.int64),
            "liters": np.array([liters for _, _, liters in fills], dtype=np.float64),
        },
    }


def by_a_plain_loop(tables: Mapping[str, RawTable]) -> dict[str, list[float]]:
    """What the contract says, in the plainest words."""
    users, stations, fills = (as_lists(tables[name]) for name in ("users", "gas_stations", "transactions"))
    records = []
    for user, is_premium in sorted(zip(users["user_id"], users["is_premium"], strict=True)):
        liters, paid = 0.0, 0.0
        for buyer, place, amount in zip(fills["user_id"], fills["gas_station_id"], fills["liters"], strict=True):
            for station, price in zip(stations["gas_station_id"], stations["gasoline_price_per_litre"], strict=True):
                if buyer == user and place == station:
                    liters += amount
                    paid += amount * price
        records.append((user, liters, paid, is_premium))
    return dict(zip(PURCHASES.record.model_fields, map(list, zip(*records, strict=True)), strict=True))


@given(random_tables())
def test_it_is_what_a_plain_loop_gives(tables: Tables) -> None:
    assert as_lists(grouped(tables, PURCHASES)) == by_a_plain_loop(tables)


class TestRefusals:
    @pytest.mark.parametrize(
        ("tables", "place"),
        [
            (
                changed("transactions", "user_id", 10, 100, 11),
                "transactions: .*row 3, user_id: 11 is not in table users",
            ),
            (
                changed("transactions", "gas_station_id", 7, 2, 2),
                "row 1, gas_station_id: 7 is not in table gas_stations",
            ),
            (
                changed("transactions", "liters", 10, -20, 30),
                "transactions: .*row 2, liters: .* greater than or equal to 0",
            ),
            (changed("transactions", "liters", 10, np.nan, 30), "transactions: .*row 2, liters: A value is required"),
            (changed("transactions", "liters", 10, np.inf, 30), "transactions: .*row 2, liters: .* less than or equal"),
            (changed("transactions", "user_id", 10, np.nan, 10), "transactions: .*row 2, user_id: A value is required"),
            (changed("transactions", "user_id", 10, 10.5, 10), "transactions: .*row 2, user_id: .*valid integer"),
            (changed("transactions", "transaction_id", 1, 2, 1), "row 3, transaction_id: 1 stands in row 1, too"),
            (changed("gas_stations", "gasoline_price_per_litre", 2.5, -4), "gas_stations: .*row 2, gasoline_price"),
            (changed("gas_stations", "gasoline_price_per_litre", np.nan, 4), "gas_stations: .*row 1, .*is required"),
            (
                changed("gas_stations", "gas_station_id", 2, 2),
                "gas_stations: .*row 2, gas_station_id: 2 stands in row 1",
            ),
            (changed("users", "user_id", 10, 9, 10), "users: .*row 3, user_id: 10 stands in row 1, too"),
            (changed("users", "user_id", 10, np.nan, 100), "users: .*row 2, user_id: A value is required"),
            (changed("users", "user_id", 10, 2**53, 100), "users: .*row 2, user_id: .* less than or equal"),
            (changed("users", "is_premium", 0, 2, 1), "users: .*row 2, is_premium: .*valid boolean"),
            (changed("users", "is_premium", 0, np.nan, 1), "users: .*row 2, is_premium: A value is required"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_row_that_cannot_be_used_is_named_by_table_row_and_column(self, tables: Tables, place: str) -> None:
        with pytest.raises(DataRefused, match=f"Table {place}" if place[0] in "gtu" else place):
            grouped(tables, PURCHASES)

    def test_many_bad_rows_are_counted_and_the_first_are_shown(self) -> None:
        tables = small_tables()
        rows = np.arange(1000)
        tables["transactions"] = {name: values[rows % 3] for name, values in tables["transactions"].items()}
        tables["transactions"] |= {"transaction_id": rows, "liters": np.full(1000, -1.0)}
        with pytest.raises(DataRefused, match=r"1,000 rows cannot be used .*row 5, .*; \.\.\.") as refused:
            grouped(tables, PURCHASES)
        assert len(refused.value.message) < 700

    def test_an_absent_column_is_named_with_its_table(self) -> None:
        tables = small_tables()
        del tables["transactions"]["liters"]
        with pytest.raises(DataRefused, match="Table transactions: The table has no column liters; it has: "):
            grouped(tables, PURCHASES)

    def test_texts_are_no_ids(self) -> None:
        tables = small_tables()
        tables["users"]["user_id"] = np.array(["10", "9", "100"], dtype=object)
        with pytest.raises(DataRefused, match="Table users: Column user_id holds object"):
            grouped(tables, PURCHASES)

    def test_a_use_case_with_a_table_of_its_own_has_nothing_to_group(self) -> None:
        with pytest.raises(DataRefused, match="credit_accounts are not made from other tables"):
            grouped({}, CREDIT_ACCOUNTS)


class TestDeclarations:
    USERS, STATIONS = SourceTable("users", User, "user_id"), SourceTable("gas_stations", GasStation, "gas_station_id")
    FILLS = SourceTable("transactions", Fill, "transaction_id")

    def test_a_total_derives_its_name(self) -> None:
        assert Total("liters").name == "total_liters"
        assert Total("amount_paid", ("liters", "gasoline_price_per_litre")).name == "total_amount_paid"

    def test_a_key_is_an_int_of_its_table(self) -> None:
        for key in ("name", "is_premium"):
            with pytest.raises(UseCaseInvalid, match=f"Table users: its key '{key}' is no int field"):
                SourceTables(SourceTable("users", User, key), self.FILLS, (Total("liters"),))

    def test_events_name_every_table(self) -> None:
        with pytest.raises(UseCaseInvalid, match="Table users: an event has no field gas_station_id"):
            SourceTables(self.USERS, self.USERS, (), (self.STATIONS,))

    def test_a_total_is_made_from_columns_that_there_are(self) -> None:
        with pytest.raises(UseCaseInvalid, match="'gallons', which is not one field"):
            SourceTables(self.USERS, self.FILLS, (Total("gallons"),), (self.STATIONS,))

    def test_another_team_groups_other_tables_by_another_declaration(self) -> None:
        class Sender(Record):
            sender_id: int = Field(examples=[1])

        class Parcel(Record):
            parcel_id: int = Field(examples=[1])
            sender_id: int = Field(examples=[1])
            weight: float = Field(examples=[1.5])

        class Parcels(Record):
            sender_id: int = Field(examples=[1])
            total_weight: float = Field(examples=[1.5])

        tables = SourceTables(
            SourceTable("senders", Sender, "sender_id"), SourceTable("parcels", Parcel, "parcel_id"), (Total("weight"),)
        )
        parcels = UseCase(
            name="parcels",
            title="Parcels",
            record=Parcels,
            learning=Unsupervised(),
            identifier="sender_id",
            tables=tables,
        )
        raw = {
            "senders": {"sender_id": np.array([2, 1])},
            "parcels": {"parcel_id": np.arange(3), "sender_id": np.array([1, 1, 2]), "weight": np.array([1.5, 2, 4])},
        }
        assert as_lists(grouped(raw, parcels)) == {"sender_id": [1, 2], "total_weight": [3.5, 4]}
        raw["senders"]["sender_id"] = np.array([1, 2**53])
        with pytest.raises(DataRefused, match=r"Table senders: .*row 2, sender_id: The number is too large"):
            grouped(raw, parcels)
        with pytest.raises(UseCaseInvalid, match="its tables do not come to a field parcel_id, weight"):
            grouped(raw, replace(parcels, record=Parcel))
