"""The sample of orders: files by the month, each made by itself, with customers who differ and orders that are late."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.samples.order_population import OrderSettings
from fraud_detection_api.samples.orders import orders, orders_file
from fraud_detection_api.samples.sample_table import LabelledSample
from tests.samples.order_files import (
    DAY,
    SECOND,
    SETTINGS,
    SUSPICIOUS,
    by_value,
    digest,
    every_seed,
    milliseconds,
    numbers,
    usual_amounts,
)


@pytest.fixture(scope="module")
def file() -> LabelledSample:
    return orders_file(4, SETTINGS, 1)


def test_a_file_has_the_columns_of_the_contract(file: LabelledSample) -> None:
    assert {name: values.dtype.str for name, values in file.columns.items()} == {
        "order_id": "<i8",
        "order_date": "<M8[ms]",
        "customer_id": "<i8",
        "email": "|O",
        "ip_addr": "|O",
        "order_amount": "<f8",
        "location_lat": "<f8",
        "location_long": "<f8",
        "received_at": "<M8[ms]",
        "is_fraud": "<i8",
        "label_known_at": "<M8[ms]",
    }
    assert len(file) == 100_000


def test_a_text_is_one_object_however_many_orders_have_it(file: LabelledSample) -> None:
    for name in ("email", "ip_addr"):
        texts = file.columns[name].tolist()
        assert len(set(map(id, texts))) == len(set(texts))


@every_seed
def test_every_order_lies_in_the_month_of_its_file_and_they_are_in_order(seed: int) -> None:
    for number in (0, 1, 11, 199):
        found = orders_file(number, OrderSettings(files=200, orders_a_file=20_000), seed)
        dates = found.columns["order_date"]
        assert np.all(np.diff(milliseconds(found, "order_date")) >= 0)
        month = np.datetime64("2024-01", "M") + number
        assert set(dates.astype("datetime64[M]").tolist()) == {month.tolist()}
        ends = (month, month + 1)
        assert abs(dates[0] - ends[0].astype("datetime64[ms]")) < np.timedelta64(3, "h")
        assert abs(dates[-1] - ends[1].astype("datetime64[ms]")) < np.timedelta64(3, "h")


@every_seed
def test_orders_have_ids_of_their_own_and_files_share_only_the_known_customers(seed: int) -> None:
    files = [orders_file(number, SETTINGS, seed) for number in range(3)]
    ids = np.concatenate([each.columns["order_id"] for each in files])
    assert np.array_equal(ids, np.arange(1, 300_001))
    for name, known in (("customer_id", 10_000), ("email", 10_000), ("ip_addr", 10_000)):
        found = [set(each.columns[name].tolist()) for each in files]
        shared = (found[0] & found[1]) | (found[0] & found[2]) | (found[1] & found[2])
        assert 0.5 * known < len(shared) <= known
        assert all(len(each - shared) > 300 for each in found)


def test_a_file_is_the_same_whichever_others_are_made_and_in_which_process(file: LabelledSample) -> None:
    orders_file(7, SETTINGS, 1), orders_file(4, SETTINGS, 2)
    assert digest(orders_file(4, SETTINGS, 1)) == digest(file)
    assert digest(orders_file(4, SETTINGS, 2)) != digest(file)
    script = (
        "from tests.samples.order_files import SETTINGS, digest; "
        "from fraud_detection_api.samples.orders import orders_file; print(digest(orders_file(4, SETTINGS, 1)))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == digest(file)


@every_seed
def test_an_email_has_one_customer_and_one_home_and_a_tenth_of_orders_come_from_elsewhere(seed: int) -> None:
    found = orders_file(2, SETTINGS, seed)
    emails, customers, addresses = (numbers(found, name) for name in ("email", "customer_id", "ip_addr"))
    assert len(np.unique(np.column_stack([emails, customers]), axis=0)) == len(np.unique(emails))
    known = found.columns["customer_id"].astype(np.int64) <= SETTINGS.customers
    away = total = 0
    for rows in by_value(emails, known & (found.probabilities < SUSPICIOUS)):
        if len(rows) >= 5:
            away += len(rows) - int(np.bincount(addresses[rows]).max())
            total += len(rows)
    assert 0.085 < away / total < 0.115
    places = np.column_stack([addresses, found.columns["location_lat"].astype(np.float64) * 1e4])
    assert len(np.unique(places, axis=0)) == len(np.unique(addresses))


@every_seed
def test_amounts_are_cents_up_to_1000_and_customers_differ_more_than_their_orders(seed: int) -> None:
    found = orders_file(0, SETTINGS, seed)
    amounts = found.columns["order_amount"].astype(np.float64)
    assert np.array_equal(amounts, amounts.round(2))
    assert (amounts.min(), amounts.max()) == (0.5, 1000)
    usual = usual_amounts(found)
    honest = (found.probabilities < SUSPICIOUS) & (found.columns["customer_id"].astype(np.int64) <= 10_000)
    assert np.std(np.log(usual[honest])) > 1.3 * np.median(np.abs(np.log(amounts / usual)[honest]))
    assert 25 < np.median(amounts) < 60


@every_seed
def test_a_fifth_of_the_orders_arrive_late_a_few_of_them_very_late(seed: int) -> None:
    found = orders_file(0, SETTINGS, seed)
    late = milliseconds(found, "received_at") - milliseconds(found, "order_date")
    assert late.min() >= 0
    assert late.max() <= 40 * DAY
    assert 0.18 < np.mean(late > 60 * SECOND) < 0.21
    assert 0.005 < np.mean(late > 7 * DAY) < 0.015


@pytest.mark.parametrize("rows", [1, 2, 3, 11, 13, 1000])
def test_the_table_has_as_many_rows_as_are_asked_for(rows: int) -> None:
    table = orders(rows, 1)
    assert {len(values) for values in table.columns.values()} == {rows} == {len(table.probabilities)}
    assert len(set(table.columns["order_id"].tolist())) == rows


def test_the_default_table_is_a_year_of_fewer_customers() -> None:
    table = orders(100_000, 1)
    months = np.bincount(table.columns["order_date"].astype("datetime64[M]").astype(int) - 54 * 12)
    assert months.min() > 8_000
    known = table.columns["customer_id"].astype(np.int64) <= 833
    assert known.mean() > 0.95
    assert 0.008 < table.columns["is_fraud"].astype(np.float64).mean() < 0.012
    assert table.best_possible_average_precision == pytest.approx(0.824, abs=0.0005)


@pytest.mark.parametrize(
    "changed", [{"files": 0}, {"customers": 0}, {"new_address_share": 1.5}, {"files": 3_000, "orders_a_file": 100_000}]
)
def test_settings_that_make_no_orders_are_refused(changed: dict[str, int]) -> None:
    with pytest.raises(DataRefused, match="Sample orders"):
        OrderSettings(**changed)


def test_small_settings_make_orders_too() -> None:
    few = OrderSettings(files=2, orders_a_file=3_000, customers=3, emails=2, addresses=1)
    found = orders_file(1, few, 1)
    assert len(found) == 3_000
    many = OrderSettings(files=1, orders_a_file=3_000, customers=100, emails=250, addresses=20)
    found = orders_file(0, many, 1)
    honest = found.columns["customer_id"].astype(np.int64) <= 100
    pairs = {(c, e) for c, e in zip(found.columns["customer_id"][honest], found.columns["email"][honest], strict=True)}
    assert len(pairs) > 240


def test_the_command_says_how_well_frauds_can_be_ranked(tmp_path: Path) -> None:
    output = tmp_path / "orders.parquet"
    result = CliRunner().invoke(app, ["sample", "orders", "--rows", "2000", "--seed", "3", "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert f"an average precision of {orders(2000, 3).best_possible_average_precision:.4f}" in result.output
