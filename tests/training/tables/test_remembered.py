"""Histories of a training table: from all rows that can be read, never from what was not known yet."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.training.tables.checked import wanted_kinds
from fraud_detection_api.training.tables.dataset import Dataset, Period, dataset_of
from tests.features.remembered_payments import KNOWN_AT, LABEL, PAYMENTS, RECEIVED, START, Payment, payment, table_of

Table = dict[str, RawColumn]
ALWAYS = Period()
SIZE = 300
HISTORIES = PAYMENTS.histories
assert HISTORIES is not None
NAMES = [each.name for each in HISTORIES.features]


def payments_table() -> Table:
    """A payment every hour, of one customer with two cards; every tenth is a fraud, known two hours later."""
    return dict(table_of([_payment(number) for number in range(SIZE)]))


def _payment(number: int) -> Payment:
    happened = 60 * number
    made = payment(number, happened, amount=10 + number % 7, card="ab"[number % 2])
    return replace(made, received=happened, known=happened + 120, is_fraud=number % 10 == 0)


def dataset(
    table: Table, use_case: UseCase = PAYMENTS, period: Period = ALWAYS, *, skip_bad_rows: bool = False
) -> Dataset:
    return dataset_of(table, [], use_case, period, skip_bad_rows=skip_bad_rows)


def feature(found: Dataset, name: str) -> list[float]:
    """What the model sees of one feature, by the number of the payment."""
    values: list[float] = found.columns.numbers[PAYMENTS.feature_names.index(name)].tolist()
    return values


def with_values(table: Table, name: str, changes: Mapping[int, float | np.datetime64]) -> Table:
    column: RawColumn = table[name].astype(np.float64) if table[name].dtype.kind in "iub" else table[name].copy()
    for row, value in changes.items():
        column[row] = np.asarray(value)
    return table | {name: column}


def refusal(table: Table, use_case: UseCase = PAYMENTS, period: Period = ALWAYS) -> str:
    with pytest.raises(DataRefused) as refused:
        dataset(table, use_case, period)
    return refused.value.message


def test_what_happened_before_the_first_day_is_known() -> None:
    first, last = (START + timedelta(days=2)).date(), (START + timedelta(days=9)).date()
    found, whole = dataset(payments_table(), period=Period(first, last)), dataset(payments_table())
    ids = np.asarray(found.columns.identifiers)
    assert len(found) == 8 * 24
    np.testing.assert_array_equal(found.columns.numbers, whole.columns.numbers[:, ids])
    assert feature(found, "customer_is_new") == [0] * len(found)


def test_what_is_wrong_before_the_first_day_is_refused_or_left_out_of_the_histories() -> None:
    """It happens after the last day, too, where it changes nothing."""
    wrong = with_values(payments_table(), "amount", {3: 1e9, 299: 1e9})
    period = Period((START + timedelta(days=1)).date(), (START + timedelta(days=9)).date())
    message = refusal(wrong, period=period)
    assert "1 of 228 rows cannot be used" in message
    assert "row 4, amount: Input should be less than or equal to 50000" in message
    found = dataset(wrong, period=period, skip_bad_rows=True)
    assert (found.skipped, feature(found, "customer_count_2_hours")[0]) == (1, 2)


def test_a_skipped_row_is_in_no_history() -> None:
    """It would have been refused online as well."""
    found = dataset(with_values(payments_table(), "amount", {10: 1e9}), skip_bad_rows=True)
    assert found.skipped == 1
    assert feature(found, "customer_count_2_hours")[9:13] == [2, 1, 1, 2]  # of payments 9, 11, 12 and 13


def test_a_row_whose_label_nobody_knows_is_known_to_the_next_and_not_learned_from() -> None:
    """Online nobody knows the labels of the last weeks, and their records are remembered."""
    table = with_values(payments_table(), LABEL, {10: np.nan, 11: np.nan})
    assert "2 of 300 rows cannot be used" in refusal(table)
    found, whole = dataset(table, skip_bad_rows=True), dataset(payments_table())
    assert (len(found), found.skipped) == (SIZE - 2, 2)
    kept = np.setdiff1d(np.arange(SIZE), [10, 11])
    for name in ("customer_count", "card_mean_amount", "card_seconds_since_last"):
        np.testing.assert_array_equal(feature(found, name), np.array(feature(whole, name))[kept])


def test_a_label_without_the_time_that_it_was_known_at_is_no_known_fraud() -> None:
    unknown = dict.fromkeys(range(SIZE), np.datetime64("NaT", "us"))
    found = dataset(with_values(payments_table(), KNOWN_AT, unknown))
    assert max(feature(found, "customer_frauds")) == 0
    assert np.isnan(feature(found, "customer_fraud_share")).all()


def test_a_fraud_changes_no_feature_before_it_is_known() -> None:
    """Whatever the labels, what is known of a payment is the same until the labels are."""
    table = payments_table()
    honest = table | {LABEL: np.zeros(SIZE)}
    found, other = dataset(table), dataset(honest)
    differs = {
        name: np.flatnonzero(np.nan_to_num(feature(found, name), nan=-1) != np.nan_to_num(feature(other, name), nan=-1))
        for name in NAMES
    }
    changed = {name for name, rows in differs.items() if len(rows)}
    assert {"customer_frauds", "card_fraud_share"} <= changed <= {name for name in NAMES if "fraud" in name}
    assert min(rows.min() for rows in differs.values() if len(rows)) == 2  # payment 0 is a fraud


def test_a_row_that_arrived_late_is_known_only_then() -> None:
    late = with_values(payments_table(), RECEIVED, {5: table_moment(7.5)})
    assert feature(dataset(late), "customer_count_2_hours")[5:10] == [2, 1, 1, 2, 2]
    nothing = with_values(payments_table(), RECEIVED, {5: np.datetime64("NaT", "us")})
    assert feature(dataset(nothing), "customer_count") == feature(dataset(payments_table()), "customer_count")


def table_moment(hours: float) -> np.datetime64:
    return np.datetime64((START + timedelta(hours=hours)).replace(tzinfo=None), "us")


def test_without_a_column_of_arrivals_rows_arrived_as_they_happened() -> None:
    table = payments_table()
    del table[RECEIVED]
    np.testing.assert_array_equal(dataset(table).columns.numbers, dataset(payments_table()).columns.numbers)


def test_a_table_that_does_not_say_when_labels_were_known_is_refused() -> None:
    table = payments_table()
    del table[KNOWN_AT]
    message = refusal(table)
    assert message.startswith("The table has no column known_at, which says when each label was known: without it, ")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_gives_what_the_rows_themselves_give(tmp_path: Path, suffix: str) -> None:
    """Times are texts in CSV; of some rows nobody knows when they arrived, or their labels."""
    table = with_values(payments_table(), RECEIVED, {5: table_moment(7.5), 7: np.datetime64("NaT", "us")})
    table = with_values(table, KNOWN_AT, {0: np.datetime64("NaT", "us")})
    write_table(tmp_path / f"payments{suffix}", table)
    raw, unreadable = read_table(Source(str(tmp_path / f"payments{suffix}")), wanted_kinds(PAYMENTS))
    found = dataset_of(raw, unreadable, PAYMENTS, ALWAYS, skip_bad_rows=False)
    np.testing.assert_array_equal(found.columns.numbers, dataset(table).columns.numbers)


def test_a_time_of_arrival_that_is_none_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    write_table(path, payments_table())
    lines = path.read_text().splitlines()
    lines[6] = lines[6].replace(str(table_moment(5)).replace("T", " ")[:19], "noon", 2)
    path.write_text("\n".join(lines))
    raw, unreadable = read_table(Source(str(path)), wanted_kinds(PAYMENTS))
    assert unreadable
    with pytest.raises(DataRefused, match="1 of 300 rows cannot be used"):
        dataset_of(raw, unreadable, PAYMENTS, ALWAYS, skip_bad_rows=False)
    assert dataset_of(raw, unreadable, PAYMENTS, ALWAYS, skip_bad_rows=True).skipped == 1


def brought() -> Table:
    """The payments with the features, each computed elsewhere: all of them 0.5."""
    return payments_table() | {name: np.full(SIZE, 0.5) for name in NAMES}


def test_a_table_that_brings_the_features_is_taken_at_its_word() -> None:
    found = dataset(brought())
    assert {tuple(set(feature(found, name))) for name in NAMES} == {(0.5,)}
    period = Period((START + timedelta(days=2)).date(), None)
    assert len(dataset(brought(), period=period)) < SIZE
    table = brought()
    del table[KNOWN_AT]
    assert len(dataset(table)) == SIZE


def test_a_table_that_brings_some_of_the_features_is_refused() -> None:
    table = brought()
    del table["card_sum_amount"], table["both_count"]
    assert refusal(table) == (
        "The table has some features of histories and lacks card_sum_amount, both_count: bring all of them, or none, "
        "so that they are computed from its rows."
    )


def test_a_feature_that_no_history_can_say_is_a_bad_row() -> None:
    """A count is never missing, a share never above 1, and a mean may be missing."""
    table = with_values(brought(), "card_count", {3: np.nan})
    table = with_values(table, "card_fraud_share", {4: 1.5})
    table = with_values(table, "card_mean_amount", {5: np.nan})
    message = refusal(table)
    assert message.startswith("2 of 300 rows cannot be used")
    assert "row 4, card_count: A value is required; row 5, card_fraud_share: Input should be less than" in message
    assert len(dataset(table, skip_bad_rows=True)) == SIZE - 2
