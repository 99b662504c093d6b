"""What comes back from a store is not trusted: it is what was put there, or an error that says why it is not."""

import asyncio
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.features.entry_layout import EntryLayout
from fraud_detection_api.features.histories import HistoryKernel
from fraud_detection_api.features.history_plan import ID, LABEL, MISSING, RECEIVED, TIME, Plan
from fraud_detection_api.history_errors import HistoriesUnreadable
from fraud_detection_api.schemas.histories import Remembered, Statistic
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.packed import HEADER_BYTES, Unpacked, packed_histories
from fraud_detection_api.storage.histories.store import Known
from tests.storage.histories.private_redis import PrivateRedis
from tests.storage.histories.records import ASKED, LAYOUT, NOW, PLAN, arrivals, entry, rows, started, statistics, whole

ENTRIES = rows([entry(1), entry(2, 1), entry(1, 2)])
GOOD = next(packed_histories(LAYOUT, Unpacked(ENTRIES, np.array([3]), np.array([NOW - 5]))))
KEY = b"fraud:orders:customer:" + bytes(8)
SIZE = LAYOUT.size


def changed(at: int, to: bytes) -> bytes:
    """A good history with other bytes at one place of its first entry."""
    at += HEADER_BYTES
    return GOOD[:at] + to + GOOD[at + len(to) :]


BROKEN = {
    "empty": (b"", "format none"),
    "of another version": (b"\x03" + GOOD[1:], "format 3"),
    "of another declaration": (GOOD[:1] + b"another" + GOOD[8:], "declared otherwise"),
    "cut off": (GOOD[:-1], "no length"),
    "only a mark": (GOOD[:8], "no length"),
    "too long": (GOOD[:HEADER_BYTES] + GOOD[HEADER_BYTES:] * 2, "no length"),
    "out of order": (GOOD[:HEADER_BYTES] + GOOD[-SIZE:] + GOOD[HEADER_BYTES:-SIZE], "order of their times"),
    "the same twice": (GOOD[: HEADER_BYTES + SIZE] + GOOD[HEADER_BYTES:-SIZE], "order of their times"),
    "a time in the year 300,000": (changed(0, struct.pack(">q", 2**62)), "cannot be one"),
    "no time": (changed(0, struct.pack(">q", MISSING)), "cannot be one"),
    "an amount that overflows": (changed(20, struct.pack(">i", -(2**31) + 1)), "cannot be one"),
    "a label below nothing": (changed(16, struct.pack(">i", -4)), "cannot be one"),
    "an arrival that is none": (changed(SIZE - 6, b"\x80" + bytes(5)), "cannot be one"),
    "a dropped time that is none": (GOOD[:8] + struct.pack(">q", 2**62) + GOOD[16:], "dropped"),
}


@pytest.mark.parametrize(("value", "why"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_history_of_this_declaration_is_refused(redis: PrivateRedis, value: bytes, why: str) -> None:
    redis.ask("FLUSHALL")
    redis.ask("SET", KEY, value)

    async def run(*, is_dry_run: bool) -> None:
        async with started(store_of(HistoryOptions(redis.url))) as store:
            own = [arrivals((0, entry(9, 9)), (0, entry(10, 10)))]
            statistics((await store.remember(own, dry_run=is_dry_run))[0], HistoryKernel(PLAN))

    with pytest.raises(HistoriesUnreadable, match=why) as caught:
        asyncio.run(run(is_dry_run=True))
    assert "orders:customer" in str(caught.value)
    with pytest.raises(HistoriesUnreadable):
        asyncio.run(run(is_dry_run=False))


def test_a_key_of_another_kind_and_a_history_of_another_declaration_are_left_alone(redis: PrivateRedis) -> None:
    async def run() -> None:
        async with started(store_of(HistoryOptions(redis.url))) as store:
            redis.ask("DEL", KEY)
            redis.ask("LPUSH", KEY, "a list")
            with pytest.raises(HistoriesUnreadable, match="another type"):
                await store.remember([arrivals((0, entry(1)))])
            redis.ask("SET", KEY, BROKEN["of another declaration"][0])
            with pytest.raises(HistoriesUnreadable):
                statistics((await store.remember([arrivals((0, entry(1)))]))[0], HistoryKernel(PLAN))
            with pytest.raises(HistoriesUnreadable):
                await store.fill(whole({0: [entry(1)]}))

    asyncio.run(run())
    assert redis.ask("GET", KEY) == BROKEN["of another declaration"][0]


@given(st.binary(max_size=200) | st.tuples(st.integers(0, 200), st.binary(max_size=9)).map(lambda each: changed(*each)))
def test_whatever_it_is_the_kernel_gets_only_what_it_can_count(value: bytes) -> None:
    own = arrivals(*[(0, entry(9, 9))] * 3)
    known = Known(own, [(value, NOW), (None, NOW), (GOOD, NOW)])
    try:
        expected = statistics(known, HistoryKernel(PLAN, compiled=False))
    except HistoriesUnreadable:
        with pytest.raises(HistoriesUnreadable):
            statistics(known, HistoryKernel(PLAN))
        return
    values, flags = statistics(known, HistoryKernel(PLAN))
    assert (values.tobytes(), flags.tobytes()) == (expected[0].tobytes(), expected[1].tobytes())


@given(st.data())
def test_packed_entries_are_the_same_again(data: st.DataObject) -> None:
    amounts, values = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 3))
    kept = data.draw(st.integers(1, 16))
    layout = EntryLayout(kept, amounts, values, b"1234567")
    most = int((2**63 - 1) ** 0.5) // kept - 1
    times, ids = st.integers(-(10**13), 10**14), st.integers(-(2**63), 2**63 - 1)
    minutes = st.integers(1, 10**8)
    label = st.just(int(MISSING)) | st.builds(
        lambda minute, fraud: 2 * 60_000 * minute + fraud, minutes, st.integers(0, 1)
    )
    amount = st.just(int(MISSING)) | st.integers(-most, most)
    value = st.just(int(MISSING)) | st.integers(1 - 2**47, 2**47 - 1)
    row = st.tuples(times, ids, times, label, *[amount] * amounts, *[value] * values)
    entries = np.array(data.draw(st.lists(row, max_size=5)), np.int64).reshape(-1, layout.width)
    packed = layout.pack(entries)
    assert len(packed) == len(entries) * layout.size
    np.testing.assert_array_equal(layout.unpack(packed), entries)
    parts = [packed[at : at + layout.size - 6] for at in range(0, len(packed), layout.size)]
    assert layout.pack_arrivals(entries) == parts
    unlabelled = entries.copy()
    unlabelled[:, LABEL] = MISSING  # these are packed in C, where it is built
    packed = layout.pack(unlabelled)
    parts = [packed[at : at + layout.size - 6] for at in range(0, len(packed), layout.size)]
    assert layout.pack_arrivals(unlabelled) == parts


def test_a_label_counts_from_the_full_minute_on() -> None:
    known_at = NOW - NOW % 60_000 + 1
    entries = rows([entry(1, label=2 * known_at + 1)])
    unpacked_again = LAYOUT.unpack(LAYOUT.pack(entries))
    assert unpacked_again is not None
    assert unpacked_again[0, LABEL] == 2 * (known_at - 1 + 60_000) + 1


@pytest.mark.parametrize(
    ("column", "value"), [(TIME, 2**60), (RECEIVED, 2**47), (4, 2**31), (5, 2**47), (TIME, MISSING)]
)
def test_what_has_no_place_in_an_entry_is_never_cut_off(column: int, value: int) -> None:
    entries = rows([entry(1)])
    entries[0, column] = value
    with pytest.raises(ValueError, match="outside of what its history may hold"):
        LAYOUT.pack(entries)
    if column == RECEIVED:  # which is not packed
        assert LAYOUT.pack_arrivals(entries) == LAYOUT.pack_arrivals(rows([entry(1)]))
        return
    with pytest.raises(ValueError, match="outside of what its history may hold"):
        LAYOUT.pack_arrivals(entries)


def test_another_declaration_has_another_mark_as_far_as_entries_depend_on_it() -> None:
    customer = PLAN.history
    others = [
        replace(customer, name="card"),
        replace(customer, key=("other_id",)),
        replace(customer, kept=5),
        replace(customer, decimals=3),
        replace(customer, statistics=ASKED[1:]),
        replace(customer, statistics=(Remembered(Statistic.KNOWN, "phone"), *ASKED)),
    ]
    marks = {EntryLayout.of(Plan(each)).mark for each in (customer, *others)}
    assert len(marks) == 7
    more_asked = replace(customer, statistics=(*ASKED, Remembered(Statistic.MEAN, "amount")))
    assert EntryLayout.of(Plan(more_asked)) == LAYOUT


def test_whole_histories_that_contradict_themselves_are_refused() -> None:
    for broken in (whole({1: [entry(2, 1), entry(1)]}), whole({1: [entry(each, each) for each in range(5)]})):
        with pytest.raises(ValueError, match="too many, or not in the order"):
            list(packed_histories(LAYOUT, Unpacked(broken.entries, broken.ends, broken.dropped)))


def test_ids_are_ordered_below_nothing_as_above_it(redis: PrivateRedis) -> None:
    """Redis compares numbers of 64 bits in two halves."""
    redis.ask("FLUSHALL")
    ids = [2**63 - 1, -(2**63), 0, -1, 2**32, 2**32 - 1, -(2**32)]

    async def run() -> list[int]:
        async with started(store_of(HistoryOptions(redis.url))) as store:
            await store.remember([arrivals(*((0, entry(each)) for each in ids))])
            known = await store.remember([arrivals((0, entry(7, 1)))], dry_run=True)
            return [int(each) for each in known[0].unpacked.entries[:, ID]]

    assert asyncio.run(run()) == sorted(ids)[-PLAN.kept :]
