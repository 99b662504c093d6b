"""What training refuses of a table, and how it says what to do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.training.tables.checked import wanted_kinds
from fraud_detection_api.training.tables.dataset import Dataset, Period, dataset_of, refuse_one_class
from fraud_detection_api.training.tables.fingerprint import fingerprint
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.learning import with_learning
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import table_file

Table = dict[str, RawColumn]
ALWAYS = Period()


def accounts(rows: int = 400) -> Table:
    return dict(SAMPLES["credit_accounts"](rows, 1).columns)


def dataset(
    table: Table, use_case: UseCase = CREDIT_ACCOUNTS, period: Period = ALWAYS, *, skip_bad_rows: bool = False
) -> Dataset:
    return dataset_of(table, [], use_case, period, skip_bad_rows=skip_bad_rows)


def with_values(table: Table, name: str, changes: dict[int, float | np.datetime64]) -> Table:
    column = table[name].astype(np.float64) if table[name].dtype.kind != "M" else table[name].copy()
    for row, value in changes.items():
        column[row] = value
    return table | {name: column}


def refusal(refused: Callable[[], object]) -> str:
    with pytest.raises(DataRefused) as found:
        refused()
    return found.value.message


def test_only_rows_of_the_period_are_kept_its_first_and_last_day_included() -> None:
    table = accounts()
    first, last = date(2024, 3, 1), date(2024, 9, 30)
    found = dataset(table, period=Period(first, last))
    days = table["snapshot_date"].astype("datetime64[D]")
    assert len(found) == int(((days >= np.datetime64(first)) & (days <= np.datetime64(last))).sum())
    on_one_day = table | {"snapshot_date": np.full(400, np.datetime64("2024-03-01T23:59", "us"))}
    assert len(dataset(on_one_day, period=Period(first, first))) == 400


def test_an_empty_period_is_refused_with_the_days_there_are() -> None:
    message = refusal(lambda: dataset(accounts(), period=Period(date(1999, 1, 1), date(1999, 12, 31))))
    assert message.startswith("No row lies within 1999-01-01 to 1999-12-31: snapshot_date runs from 2024-01-")
    assert message.endswith("Choose dates within these.")


def test_a_reversed_period_is_refused() -> None:
    message = refusal(lambda: Period(date(2024, 2, 1), date(2024, 1, 1)))
    assert message == "The start date 2024-02-01 lies after the end date 2024-01-01: swap the two."


def test_dates_are_refused_where_nothing_has_a_date() -> None:
    period = Period(date(2024, 1, 1), None)
    assert "no time column" in refusal(lambda: dataset(claims_table(300), TIMELESS_CLAIMS, period))


def test_a_table_without_any_date_is_refused() -> None:
    table = accounts() | {"snapshot_date": np.full(400, np.datetime64("NaT", "us"))}
    assert "holds no date at all" in refusal(lambda: dataset(table, period=Period(date(2024, 1, 1), None)))


@pytest.mark.parametrize("column", ["total_balance", "customer_id", "snapshot_date", "fraud_flag"])
def test_a_missing_column_is_refused_by_name(column: str) -> None:
    table = {name: values for name, values in accounts().items() if name != column}
    assert refusal(lambda: dataset(table)).startswith(f"The table has no column {column}: training credit_accounts")


def test_an_optional_column_may_be_missing() -> None:
    table = {name: values for name, values in claims_table(300).items() if name != "income"}
    assert np.isnan(dataset(table, CLAIMS).columns.numbers[CLAIMS.feature_names.index("income")]).all()


@pytest.mark.parametrize("label", [0, 1])
def test_a_label_with_one_class_is_refused(label: int) -> None:
    labels = dataset(accounts() | {"fraud_flag": np.full(400, label)}).labels
    message = refusal(lambda: refuse_one_class(labels, CREDIT_ACCOUNTS, ALWAYS))
    assert f"Every row within the first day to the last day has fraud_flag {label}: training needs both" in message


def test_labels_other_than_0_and_1_are_refused_even_where_bad_rows_are_skipped() -> None:
    table = with_values(accounts(), "fraud_flag", {3: 2, 5: 7})
    message = refusal(lambda: dataset(table, skip_bad_rows=True))
    assert message.startswith("Label fraud_flag holds 2, 7: it may hold only 1 (fraud) and 0 (none).")


def test_labels_may_be_booleans_or_numbers() -> None:
    table = accounts()
    as_numbers, as_booleans = dataset(table), dataset(table | {"fraud_flag": table["fraud_flag"] == 1})
    assert np.array_equal(as_numbers.labels, as_booleans.labels)


def test_too_few_rows_are_refused() -> None:
    assert refusal(lambda: dataset(accounts(50))) == "Only 50 usable rows: training needs at least 100."


def test_no_rows_are_refused() -> None:
    empty = {name: values[:0] for name, values in accounts().items()}
    assert refusal(lambda: dataset(empty)) == "The table has no rows: choose another file, table or query."


def bad_table() -> Table:
    table = with_values(accounts(), "total_balance", {0: np.nan, 7: 1e13})
    table = with_values(table, "number_of_accounts_in_arrears", {9: 50, 11: 1.5})
    return with_values(table, "fraud_flag", {20: np.nan})


def test_bad_rows_are_counted_and_the_first_ones_named() -> None:
    message = refusal(lambda: dataset(with_values(bad_table(), "snapshot_date", {30: np.datetime64("NaT")})))
    assert message.startswith("6 of 400 rows cannot be used (the first row below the header is row 1): row 1, ")
    assert "row 1, total_balance: A value is required" in message
    assert "row 8, total_balance: Input should be less than or equal to 1e+12" in message
    assert "row 10, number_of_accounts_in_arrears: More accounts in arrears than open accounts" in message
    assert "row 21, fraud_flag: A label of 0 or 1 is required" in message
    assert message.endswith("; .... Fix them, or leave them out with --skip-bad-rows.")
    assert "1e+13" not in message


def test_bad_rows_can_be_skipped_and_are_counted() -> None:
    found = dataset(bad_table(), skip_bad_rows=True)
    good = np.setdiff1d(np.arange(400), [0, 7, 9, 11, 20])
    assert (found.skipped, len(found)) == (5, 395)
    assert np.array_equal(found.columns.numbers, dataset(accounts()).columns.numbers[:, good])
    assert np.array_equal(found.labels, accounts()["fraud_flag"][good] == 1)


def test_row_numbers_are_those_of_the_table_even_after_the_period_is_cut_out() -> None:
    table = accounts()
    row = int(np.argmax(table["snapshot_date"] >= np.datetime64("2025-01-01")))
    table = with_values(table, "total_balance", {3: np.nan, row: np.nan})
    message = refusal(lambda: dataset(table, period=Period(date(2025, 1, 1), None)))
    assert f"1 of {400 - row} rows cannot be used" in message
    assert f"row {row + 1}, total_balance" in message


def test_cells_that_cannot_be_read_are_bad_rows(tmp_path: Path) -> None:
    table = accounts() | {"total_balance": np.array(["many", "1e400", *["12.5"] * 398], dtype=object)}
    raw, unreadable = read_table(Source(str(table_file(tmp_path, table))), wanted_kinds(CREDIT_ACCOUNTS))
    message = refusal(lambda: dataset_of(raw, unreadable, CREDIT_ACCOUNTS, ALWAYS, skip_bad_rows=False))
    assert message.startswith("2 of 400 rows cannot be used")
    assert "row 1, total_balance: Input should be a valid number" in message
    assert len(dataset_of(raw, unreadable, CREDIT_ACCOUNTS, ALWAYS, skip_bad_rows=True)) == 398


def test_every_change_of_the_data_changes_its_fingerprint() -> None:
    table = claims_table(300)
    first = fingerprint(dataset(table, CLAIMS))
    other_order = {name: np.roll(values, 1) for name, values in table.items()}
    city, label = table["city"].copy(), table["is_fraud"].copy()
    city[0], label[0] = "Villach", not label[0]
    income = table["income"].astype(np.float64) + 0.01
    day = table["claimed_on"].copy()
    day[5] += np.timedelta64(1, "D")
    others = [other_order, *(table | {"city": city}, table | {"is_fraud": label}), table | {"income": income}]
    others.append(table | {"claimed_on": day})
    found = {fingerprint(dataset(other, CLAIMS)) for other in others}
    assert len(found | {first}) == 6
    assert fingerprint(dataset(claims_table(300), CLAIMS)) == first


def test_who_shares_records_which_group_they_are_in_and_what_is_at_stake() -> None:
    table = claims_table(200) | {
        "holder": np.arange(200) // 4,
        "region": np.array(["north", "south", None, "south"] * 50),
    }
    use_case = with_learning(
        replace(CLAIMS, entity="holder"), gate=Gate(group="region"), costs=Costs("income", false_alarm=5)
    )
    found = dataset(table, use_case)
    assert found.entities is not None
    assert found.entities.tolist() == (np.arange(200) // 4).tolist()
    assert found.groups is not None
    assert found.groups.names == ("(missing)", "north", "south")
    assert found.groups.codes[:4].tolist() == [1, 2, 0, 2]
    assert found.at_stake is not None
    income = np.asarray(table["income"], dtype=np.float64)
    assert found.at_stake.tolist() == np.where(np.isnan(income), 0, income).tolist()
    plain = dataset(table, CLAIMS)
    assert (plain.entities, plain.groups, plain.at_stake) == (None, None, None)


GROUPS = [
    ("region", np.array([10.0, np.nan, 2.0, 2.5] * 50), ("2", "2.5", "10", "(missing)"), [2, 3, 0, 1]),
    ("region", np.array([10, 2, 2, 3] * 50), ("2", "3", "10"), [2, 0, 0, 1]),
    ("region", np.array([1.0, np.nan, "nan", None] * 50, dtype=object), ("(missing)", "1", "nan"), [1, 0, 2, 0]),
    ("region", np.array([True, False] * 100), ("False", "True"), [1, 0]),
    ("is_renewal", np.array([True, False] * 100), ("no", "yes"), [1, 0]),
    ("is_renewal", np.array([1.0, np.nan, 0.0, 1.0] * 50), ("no", "yes", "(missing)"), [1, 2, 0, 1]),
    (
        "insured_since",
        np.array(["2019-05-17T10:00", "2018-01-01T00:00", "2019-05-17T23:00", "2018-01-01"] * 50, dtype="M8[us]"),
        ("2018-01-01", "2019-05-17"),
        [1, 0, 1, 0],
    ),
    (
        "region",
        np.array(["2019-05-17", "NaT", "2018-01-01", "NaT"] * 50, dtype="M8[us]"),
        ("2018-01-01", "2019-05-17", "(missing)"),
        [1, 2, 0, 2],
    ),
]


@pytest.mark.parametrize(("column", "values", "names", "codes"), GROUPS)
def test_groups_are_named_as_people_write_them(
    column: str, values: RawColumn, names: tuple[str, ...], codes: list[int]
) -> None:
    found = dataset(claims_table(200) | {column: values}, with_learning(CLAIMS, gate=Gate(group=column))).groups
    assert found is not None
    assert found.names == names
    assert found.codes[: len(codes)].tolist() == codes


@pytest.mark.parametrize("use_case", [replace(CLAIMS, entity="city"), with_learning(CLAIMS, gate=Gate(group="holder"))])
def test_a_column_that_judges_has_to_be_there_even_if_records_can_do_without(use_case: UseCase) -> None:
    table = {name: column for name, column in claims_table(200).items() if name != "city"}
    with pytest.raises(DataRefused, match=r"The table has no column (city|holder)"):
        dataset(table, use_case)


def test_rows_of_nobody_known_are_not_taken_for_one_and_the_same() -> None:
    holders = np.array(["a", "a", None, "b", None, *["c"] * 195], dtype=object)
    found = dataset(claims_table(200) | {"holder": holders}, replace(CLAIMS, entity="holder")).entities
    assert found is not None
    assert len(set(found.tolist())) == 5
    assert found[0] == found[1]
    assert len({found[2], found[4], found[0], found[3]}) == 4


def test_rows_of_nobody_known_are_told_apart_among_numbers_and_nan_is_a_name_like_others() -> None:
    use_case = replace(CLAIMS, entity="holder")
    numbers = np.array([7.0, 7.0, np.nan, 8.0, np.nan, *[9.0] * 195])
    found = dataset(claims_table(200) | {"holder": numbers}, use_case).entities
    assert found is not None
    assert len(set(found.tolist())) == 5
    names = np.array(["nan", "nan", *["c"] * 198], dtype=object)
    named = dataset(claims_table(200) | {"holder": names}, use_case).entities
    assert named is not None
    assert len(set(named.tolist())) == 2


def test_entities_that_share_no_rows_are_as_good_as_none() -> None:
    assert dataset(claims_table(200) | {"holder": np.arange(200)}, replace(CLAIMS, entity="holder")).entities is None
