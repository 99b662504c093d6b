"""What is recalled online is what the same records, read as one table, give offline: byte by byte."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import Field

from fraud_detection_api.features.columns import DEGRADED, Columns, Remembered
from fraud_detection_api.features.history_numpy import COLD, REPEATED, TRUNCATED
from fraud_detection_api.features.remembering import Arrivals, Remembering
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.pipeline.filling import fill_from_log
from fraud_detection_api.schemas.histories import EVER, Histories, History, Statistic, Window
from fraud_detection_api.schemas.histories import Remembered as Asked
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.reasons import JUST_SCORES, Question
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.parity import Differences, Known, parity
from fraud_detection_api.services.recalling import Recalling
from fraud_detection_api.storage.histories.memory import MemoryStore

Found = TypeVar("Found")
YEAR = 365 * 86_400_000


class Payment(Record):
    """A payment with a card at a terminal."""

    payment: int = Field(examples=[1])
    paid_at: datetime = Field(examples=["2026-01-05T10:00:00Z"])
    card: str | None = Field(default=None, examples=["4711"])
    terminal: int = Field(examples=[7])
    amount: float | None = Field(default=None, examples=[12.5], ge=-10_000, le=10_000)


def asked(*others: str) -> tuple[Asked, ...]:
    """Some statistics of every kind."""
    windows = (EVER, Window(records=3), Window(days=30))
    amounts = (Statistic.SUM, Statistic.MEAN, Statistic.DEVIATION, Statistic.RATIO)
    return (
        *(Asked(each, "amount", window) for each in amounts for window in windows),
        *(Asked(each, other) for each in (Statistic.DISTINCT, Statistic.SAME, Statistic.KNOWN) for other in others),
        *(Asked(each) for each in (Statistic.NEW, Statistic.COUNT, Statistic.SINCE)),
    )


PAYMENTS = UseCase(
    name="payments",
    title="Payments",
    record=Payment,
    learning=Supervised(label="is_fraud", time_column="paid_at"),
    identifier="payment",
    carried=("paid_at", "card", "terminal"),
    histories=Histories(
        at="paid_at",
        of=(
            History("card", ("card",), asked("terminal"), kept=5),
            History("terminal", ("terminal",), asked("card"), kept=5),
            History("pair", ("card", "terminal"), (Asked(Statistic.COUNT),), kept=5),
        ),
    ),
)


async def here(work: Callable[[], Found], /) -> Found:
    """Where tests run a stage."""
    return work()


def stream(random: Random, size: int, repeated: int = 10) -> Columns:
    """Payments of few cards at few terminals, in the order of their arrival: late ones, and many at once."""
    rows = [
        {
            "payment": random.randrange(10**9),
            "paid_at": f"2026-01-{random.randint(1, 28):02}T{random.choice((10, 10, 11)):02}:00:00Z",
            **({"card": random.choice("abc")} if random.random() < 0.9 else {}),
            "terminal": random.randint(1, 3),
            **({"amount": round(random.uniform(-50, 500), 2)} if random.random() < 0.9 else {}),
        }
        for _ in range(size)
    ]
    again = [dict(random.choice(rows[-20:])) for _ in range(repeated)]
    return RecordReader(PAYMENTS).columns([Payment.model_validate(row) for row in rows + again])


def live(columns: Columns, sizes: Callable[[], int], question: Question = JUST_SCORES) -> Remembered:
    """What a service recalls that gets the records a few at a time."""
    recalling = Recalling(Remembering(PAYMENTS, b"secret"), MemoryStore(YEAR))
    parts, start = [], 0
    while start < len(columns):
        some = columns.part(start, start + sizes())
        found = asyncio.run(recalling(some, question, here)).remembered
        assert found is not None
        parts.append(found)
        start += len(some)
    values, flags, received = (
        np.concatenate(each, axis=1) for each in zip(*((p.values, p.flags, p.received) for p in parts), strict=True)
    )
    return Remembered(values, flags, received)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("most", [1, 7, 1_000])
def test_online_and_offline_give_the_same_bytes(seed: int, most: int) -> None:
    random = Random(seed)
    columns = stream(random, 300)
    online = live(columns, lambda: random.randint(1, most))
    first: NDArray[np.intp] = np.sort(np.unique(np.asarray(columns.identifiers), return_index=True)[1])
    offline = Remembering(PAYMENTS, b"another").of_table(columns, Arrivals(received=online.received))
    assert online.values[:, first].tobytes() == offline.values[:, first].tobytes()
    assert online.flags[:, first].tobytes() == offline.flags[:, first].tobytes()
    assert (online.flags & TRUNCATED).any()
    assert (online.flags & COLD).any()


@pytest.mark.parametrize("seed", range(10))
def test_a_repeated_record_sees_the_same_again(seed: int) -> None:
    """Unless what it saw is no longer kept, which is flagged."""
    columns = stream(Random(seed), 12)
    online = live(columns, lambda: 1)
    whole = [row for row in range(12, len(columns)) if not (online.flags[:, row] & TRUNCATED).any()]
    assert whole
    for row in whole:
        before = np.flatnonzero(np.asarray(columns.identifiers)[:row] == columns.identifiers[row])[0]
        assert (online.flags[:, row] == REPEATED * has_key(columns, row) | online.flags[:, before]).all()
        assert online.values[:, row].tobytes() == online.values[:, before].tobytes()


def has_key(columns: Columns, row: int) -> NDArray[np.uint8]:
    """Whether a payment has a card, a terminal, and both."""
    with_card = columns.texts["card"][row] is not None
    return np.array([with_card, True, with_card], np.uint8)


def test_a_dry_run_reads_and_leaves_no_trace() -> None:
    columns = stream(Random(1), 40)
    recalling = Recalling(Remembering(PAYMENTS, b"secret"), MemoryStore(YEAR))
    dry = replace(JUST_SCORES, dry_run=True)
    asyncio.run(recalling(columns.part(0, 30), JUST_SCORES, here))
    found = [asyncio.run(recalling(columns.part(30, 31), question, here)).remembered for question in (dry, dry)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].values.tobytes() == found[1].values.tobytes()
    assert not (found[1].flags & REPEATED).any()


def test_no_records_have_no_histories() -> None:
    columns = stream(Random(1), 3).part(0, 0)
    recalled = asyncio.run(Recalling(Remembering(PAYMENTS), MemoryStore(YEAR))(columns, JUST_SCORES, here))
    assert recalled.remembered is not None
    assert recalled.remembered.values.shape[1] == 0


def logged_after_files(seed: int) -> tuple[Remembering, tuple[Columns, Arrivals], Columns]:
    """What a service logs that was filled with the first half of a stream and asked about the second."""
    remembering, store = Remembering(PAYMENTS, b"secret"), MemoryStore(YEAR)
    recalling, columns = Recalling(remembering, store), stream(Random(seed), 300, 0)
    files, live_ones = columns.part(0, 150), columns.part(150, 300)
    before = asyncio.run(recalling(files, JUST_SCORES, here)).remembered
    assert before is not None
    parts = [asyncio.run(recalling(live_ones.part(row, row + 1), JUST_SCORES, here)).remembered for row in range(150)]
    said = [np.concatenate([getattr(each, name) for each in parts], axis=1) for name in ("values", "flags", "received")]
    return remembering, (files, Arrivals(before.received)), replace(live_ones, remembered=Remembered(*said))


@pytest.mark.parametrize("seed", range(5))
def test_what_was_logged_comes_out_again(seed: int) -> None:
    remembering, files, logged = logged_after_files(seed)
    found = parity(remembering, Known([files]), logged)
    assert (found.compared, found.differences, found.degraded) == (150, 0, 0)
    assert parity(remembering, Known(), logged).differences > 0


def test_each_difference_is_found_by_the_name_of_its_feature() -> None:
    remembering, files, logged = logged_after_files(7)
    assert logged.remembered is not None
    values, flags = logged.remembered.values.copy(), logged.remembered.flags.copy()
    names = [each.name for each in remembering.histories.features]
    mean, since = names.index("card_mean_amount_last_3"), names.index("terminal_seconds_since_last")
    known = np.flatnonzero(~np.isnan(values[mean]) & ~np.isnan(values[since]))
    values[mean, known[0]] = np.nextafter(values[mean, known[0]], np.inf)
    values[mean, known[1]] = np.nan
    values[since, np.isnan(values[since])] = 5.0
    flags[1, 3] ^= TRUNCATED
    found = parity(
        remembering, Known([files]), replace(logged, remembered=replace(logged.remembered, values=values, flags=flags))
    )
    assert found.features["card_mean_amount_last_3"] == Differences(mismatch=1, missing=1)
    assert found.flags == {"card": 0, "terminal": 1, "pair": 0}
    assert found.differences == 3 + found.features["terminal_seconds_since_last"].extra


def test_what_shares_a_key_with_a_degraded_record_is_not_judged() -> None:
    remembering, files, logged = logged_after_files(8)
    assert logged.remembered is not None
    flags = logged.remembered.flags.copy()
    flags[:, 20] |= DEGRADED
    found = parity(remembering, Known([files]), replace(logged, remembered=replace(logged.remembered, flags=flags)))
    assert found.degraded == 1
    assert 0 < found.beside_degraded < 149
    assert found.compared + found.beside_degraded == 149
    assert found.differences == 0


@pytest.mark.parametrize("seed", range(5))
def test_records_that_came_again_are_compared_unless_what_they_saw_is_partly_forgotten(seed: int) -> None:
    """Wherever they stand in the log, which two processes write."""
    remembering, columns = Remembering(PAYMENTS, b"secret"), stream(Random(seed), 200, 150)
    logged = replace(columns, remembered=live(columns, lambda: 1))
    for order in (np.arange(350), np.arange(350)[::-1]):
        found = parity(remembering, Known(), logged.take(order))
        assert (found.compared, found.differences) == (350, 0)
        assert 0 < found.forgotten < 450


@pytest.mark.parametrize("seed", range(5))
def test_what_was_answered_before_is_known_and_not_compared(seed: int) -> None:
    remembering, columns = Remembering(PAYMENTS, b"secret"), stream(Random(seed), 200, 50)
    logged = replace(columns, remembered=live(columns, lambda: 1))
    pages = [logged.part(start, start + 50) for start in (0, 50)]
    found = parity(remembering, Known(answered_before=pages), logged.part(100, 250))
    assert (found.compared, found.differences) == (150, 0)
    assert parity(remembering, Known(), logged.part(100, 250)).differences > 0


def test_files_that_hold_what_was_answered_before_they_were_loaded_count_it_once() -> None:
    remembering, columns = Remembering(PAYMENTS, b"secret"), stream(Random(3), 200, 0)
    logged = replace(columns, remembered=live(columns, lambda: 1))
    files = columns.part(0, 100), Arrivals(remembering.times(columns.part(0, 100)))
    before = [logged.part(0, 100)]
    found = parity(remembering, Known([files], 10**15, before), logged.part(100, 200))
    assert (found.compared, found.differences) == (100, 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_store_that_is_filled_from_the_log_holds_the_same_bytes(seed: int) -> None:
    """Also where the last record to arrive was too late to be kept."""
    columns, store = stream(Random(seed), 300), MemoryStore(YEAR)
    remembering, again = Remembering(PAYMENTS, b"secret"), MemoryStore(YEAR)
    parts = [columns.part(start, start + 50) for start in range(0, len(columns), 50)]
    recalling = Recalling(remembering, store)
    pages = [asyncio.run(recalling(some, JUST_SCORES, here)) for some in parts]
    assert asyncio.run(fill_from_log(again, remembering, pages)) == len(columns)
    assert again.packed() == store.packed()
