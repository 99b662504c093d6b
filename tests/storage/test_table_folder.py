"""Folders of tables: found by name, in either format, and refused with the place of what is amiss."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.storage.table_folder import grouped_records, read_records, write_tables
from fraud_detection_api.storage.tables import Source
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.purchases import PURCHASES

USERS = "user_id,is_premium\n10,0\n9,1\n100,false\n"
STATIONS = "gas_station_id,gasoline_price_per_litre\n1,4\n2,2.5\n"
FILLS = "transaction_id,user_id,gas_station_id,liters\n1,10,1,10\n2,100,2,20\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three customers, two stations and two fills."""
    for name, text in (("users", USERS), ("gas_stations", STATIONS), ("transactions", FILLS)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def paid(folder: Path) -> list[float]:
    """What the customers of a folder have paid."""
    return list(grouped_records(folder, PURCHASES)["total_amount_paid"].astype(np.float64))


def test_tables_are_found_by_name_in_any_format_with_columns_in_any_order(folder: Path) -> None:
    assert paid(folder) == [0, 40, 50]
    (folder / "users.csv").unlink()
    write_table(folder / "users.parquet", {"is_premium": np.array([False] * 3), "user_id": np.array([100, 10, 9])})
    (folder / "transactions.csv").unlink()
    (folder / "transactions.csv.gz").write_bytes(gzip.compress(FILLS.encode()))
    (folder / "users_of_last_year.csv").write_text("not asked for")
    assert paid(folder) == [0, 40, 50]


def test_files_of_other_names_are_neither_read_nor_removed(folder: Path) -> None:
    others = [
        folder / name for name in ("users.2024.csv.gz", "users.old.csv", "users_2024.csv", "users.txt", "Users.csv")
    ]
    for other in others:
        other.write_bytes(b"not asked for")
    assert paid(folder) == [0, 40, 50]
    (folder / "users.CSV").write_text(USERS)
    write_tables(folder, {"users": {"user_id": np.array([7]), "is_premium": np.array([False])}})
    assert {other.read_bytes() for other in others} == {b"not asked for"}
    assert not (folder / "users.CSV").exists()
    assert (folder / "users.csv").read_text().splitlines()[1:] == ["7,false"]


def test_a_folder_that_cannot_be_looked_into_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 300)  # refused to everybody, root too, as a folder of others is to us
    with pytest.raises(DataRefused, match="cannot be read: File name too long"):
        grouped_records(folder, PURCHASES)
    with pytest.raises(DataRefused, match="cannot be read: File name too long"):
        read_records(Source(str(folder)), PURCHASES, {})


def test_yes_and_no_may_be_words_or_numbers(folder: Path) -> None:
    assert grouped_records(folder, PURCHASES)["is_premium"].tolist() == [True, False, False]


def test_ids_are_sorted_as_numbers(folder: Path) -> None:
    assert grouped_records(folder, PURCHASES)["user_id"].tolist() == [9, 10, 100]


@pytest.mark.parametrize("row", ["3,11,1,5", "3,10,7,5", "3,10,1,-5", "3,10,1,", "3,10,1,much", "3,,1,5", "2,10,1,5"])
def test_a_fill_that_cannot_be_counted_is_refused_by_table_row_and_column(folder: Path, row: str) -> None:
    (folder / "transactions.csv").write_text(f"{FILLS}{row}\n")
    with pytest.raises(DataRefused, match=r"Table transactions: 1 rows .*row 3, (user|gas_station|transaction|liters)"):
        grouped_records(folder, PURCHASES)


def test_a_fill_with_too_many_values_is_refused_by_its_row(folder: Path) -> None:
    (folder / "transactions.csv").write_text(f"{FILLS}3,10,1,5,6\n")
    with pytest.raises(DataRefused, match=r"Table transactions: .*: row 3: 4 values expected, got 5"):
        grouped_records(folder, PURCHASES)


def test_tables_of_a_header_alone_are_empty_tables(folder: Path) -> None:
    (folder / "transactions.csv").write_text(FILLS.splitlines()[0])
    assert paid(folder) == [0, 0, 0]
    (folder / "users.csv").write_text(USERS.splitlines()[0])
    assert paid(folder) == []
    (folder / "transactions.csv").write_text(FILLS)
    with pytest.raises(DataRefused, match="row 1, user_id: 10 is not in table users"):
        grouped_records(folder, PURCHASES)


def test_a_column_of_another_type_is_refused_with_its_table(folder: Path) -> None:
    (folder / "transactions.csv").unlink()
    texts = np.array(["a", "b"], dtype=object)
    write_table(folder / "transactions.parquet", {"transaction_id": np.arange(2), "liters": texts})
    with pytest.raises(DataRefused, match="Table transactions: Column liters holds string"):
        grouped_records(folder, PURCHASES)


def test_an_absent_or_ambiguous_table_is_refused(folder: Path) -> None:
    write_table(folder / "users.parquet", {"user_id": np.array([1])})
    with pytest.raises(DataRefused, match=r"one table users, .*; it holds users\.csv and users\.parquet"):
        grouped_records(folder, PURCHASES)
    for file in folder.glob("users.*"):
        file.unlink()
    with pytest.raises(DataRefused, match=r"one table users, as users\.csv or \.parquet; it holds neither"):
        grouped_records(folder, PURCHASES)
    with pytest.raises(DataRefused, match="the one that holds the tables users, gas_stations and transactions"):
        grouped_records(folder / "nowhere", PURCHASES)


def test_a_use_case_with_a_table_of_its_own_is_refused(folder: Path) -> None:
    with pytest.raises(DataRefused, match="credit_accounts are not made from other tables"):
        grouped_records(folder, CREDIT_ACCOUNTS)


def test_records_are_read_from_their_own_table_or_made_from_a_folder_that_holds_one_of_the_others(folder: Path) -> None:
    wanted = {field.name: field.kind for field in PURCHASES.fields}
    made, _ = read_records(Source(str(folder)), PURCHASES, wanted)
    table = folder / "group_data_by_users.csv"
    write_table(table, made)
    for source in (table, folder):
        read, problems = read_records(Source(str(source)), PURCHASES, wanted)
        assert problems == []
        assert {name: read[name].tolist() for name in wanted} == {name: made[name].tolist() for name in wanted}
    (folder / "users.csv").unlink()
    with pytest.raises(DataRefused, match="needs one table users"):
        read_records(Source(str(folder)), PURCHASES, wanted)
    for name in ("gas_stations", "transactions"):
        (folder / f"{name}.csv").unlink()
    read, _ = read_records(Source(str(folder)), PURCHASES, wanted)  # what is left is a folder of records
    assert read["user_id"].tolist() == made["user_id"].tolist()
