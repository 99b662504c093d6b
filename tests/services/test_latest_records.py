"""Of many records the latest of each customer is kept, whatever tells customers apart: a text, a number, or nothing."""

import asyncio
from dataclasses import replace
from random import Random

import numpy as np
import orjson
import pytest

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.history_errors import FindUnusable, HistoriesUnreadable
from fraud_detection_api.schemas.latest import FindQuery
from fraud_detection_api.schemas.reasons import JUST_SCORES
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.finding import Finding
from fraud_detection_api.services.latest_records import LatestByEntity, entity_of
from fraud_detection_api.services.recalling import Recalling
from fraud_detection_api.storage.histories.latest import LatestRecord, LatestRecords, Wanted
from fraud_detection_api.storage.histories.memory import MemoryStore
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.orders import ORDERS
from tests.services.test_recalling import PAYMENTS, YEAR, here, stream

Row = dict[str, str | float | None]


def by(entity: str) -> UseCase:
    """The payments, listed by one of their fields."""
    return replace(PAYMENTS, entity=entity)


def rows_of(columns: Columns, use_case: UseCase) -> list[Row]:
    """Records as they were sent, one by one."""
    latest = LatestByEntity(Remembering(replace(use_case, entity="payment")))
    return [orjson.loads(latest(columns.part(row, row + 1)).records[0].record) for row in range(len(columns))]


def latest_by_hand(rows: list[Row], entity: str) -> dict[str, Row]:
    """What has to be kept of them."""
    ordered = sorted(rows, key=lambda row: (str(row["paid_at"]), row["payment"]))
    return {str(row[entity]): row for row in ordered if row[entity] is not None}


@pytest.mark.parametrize("entity", ["card", "terminal", "payment"])
def test_the_latest_of_many_records_is_the_one_that_a_list_gives(entity: str) -> None:
    columns = stream(Random(3), 300, 0)
    found = LatestByEntity(Remembering(by(entity)))(columns)
    assert found.name == b"payments"
    expected = latest_by_hand(rows_of(columns, PAYMENTS), entity)
    assert {each.key.decode(): orjson.loads(each.record) for each in found.records} == expected
    assert len(found.records) == len(expected)
    assert all(each.received is None for each in found.records)


def test_a_record_keeps_when_it_was_received() -> None:
    columns = stream(Random(4), 50, 0)
    payments = np.array(columns.identifiers)
    found = LatestByEntity(Remembering(by("card")))(columns, payments + 7)
    assert [each.received for each in found.records] == [each.id + 7 for each in found.records]


def test_a_record_of_nobody_is_scored_and_not_listed() -> None:
    columns = stream(Random(5), 100, 0)
    without = [row for row, card in enumerate(columns.texts["card"]) if card is None]
    assert without
    latest = LatestByEntity(Remembering(by("card")))
    assert latest(columns.take(np.array(without, np.intp))).records == []
    assert latest(columns.part(without[0], without[0] + 1)).records == []


@pytest.mark.parametrize("size", [1, 3, 700])
def test_requests_of_any_size_end_with_the_same_list(size: int) -> None:
    columns, store = stream(Random(6), 700, 100), MemoryStore(YEAR)
    remembering = Remembering(by("card"))
    recalling = Recalling(remembering, store, LatestByEntity(remembering))

    async def run() -> dict[str, Row]:
        for start in range(0, len(columns), size):
            some = columns.part(start, min(start + size, len(columns)))
            await recalling(some, replace(JUST_SCORES, dry_run=start % 2 == 1 and size == 1), here)
        page = await store.latest_page(b"payments", Wanted())
        return {each.key.decode(): orjson.loads(each.record) for each in page.found}

    sent = columns.take(np.arange(0, len(columns), 2)) if size == 1 else columns
    found = asyncio.run(run())
    assert found == latest_by_hand(rows_of(sent, PAYMENTS), "card")
    assert list(found) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "use_case", [CREDIT_ACCOUNTS, by("paid_at"), by("amount"), by("nobody")], ids=lambda each: each.entity
)
def test_only_ids_can_be_listed(use_case: UseCase) -> None:
    with pytest.raises(FindUnusable, match=use_case.name):
        entity_of(use_case)


def test_a_key_that_is_no_text_is_refused_as_what_cannot_be_read() -> None:
    async def run() -> bytes:
        store = MemoryStore(10**9)
        await store.fill_latest(
            LatestRecords(b"orders", [LatestRecord(key, 1, 1, b"{}") for key in (b"\xfe1", b"\xfe2")])
        )
        return await Finding(store, {"orders": ORDERS}, ["orders"], is_shared=True).page(
            "orders", FindQuery(num_items=1)
        )

    with pytest.raises(HistoriesUnreadable, match="orders:latest"):
        asyncio.run(run())
