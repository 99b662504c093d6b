"""What a history says is the same in C, in numpy and by hand, to the bit, whatever arrives late, twice or at once."""

import sys
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.features.histories import HistoryKernel
from fraud_detection_api.features.history_numpy import COLD, REPEATED, TRUNCATED, Flags, Numbers, Whole
from fraud_detection_api.features.history_plan import MISSING, Plan
from fraud_detection_api.schemas.histories import History, Remembered, Statistic, Window
from tests.features.history_by_hand import Event, Seen, replay

HOUR = 3_600_000
AMOUNT, EMAIL, ADDRESS = "amount", "email", "address"
WINDOWS = (Window(), Window(records=3), Window(hours=2), Window(records=2, hours=1), Window(days=1))
OF_AMOUNTS = (
    Statistic.SUM, Statistic.MEAN, Statistic.DEVIATION, Statistic.SMALLEST, Statistic.LARGEST, Statistic.RATIO,
)  # fmt: skip
OF_VALUES = (Statistic.DISTINCT, Statistic.SAME, Statistic.KNOWN)
EVERYTHING = tuple(
    asked
    for window in WINDOWS
    for asked in (
        *(Remembered(each, AMOUNT, window) for each in OF_AMOUNTS),
        *(Remembered(each, name, window) for each in OF_VALUES for name in (EMAIL, ADDRESS)),
        *(Remembered(each, over=window) for each in (Statistic.COUNT, Statistic.SINCE, Statistic.NEW)),
        *(Remembered(each, over=window, delay_days=0.1) for each in (Statistic.FRAUDS, Statistic.FRAUD_SHARE)),
    )
)
CUSTOMER = History("customer", ("customer_id",), EVERYTHING, kept=5)


MARK = b"8 letter"


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Events in the order of their arrival: many at once, some late, some twice, of few keys and of one."""
    whole = st.integers(0, 3)
    events: list[Event] = []
    for received in range(draw(st.integers(0, 40))):
        if events and draw(st.integers(0, 9)) == 0:
            events.append(replace(draw(st.sampled_from(events)), received=received * HOUR))
            continue
        late = draw(st.sampled_from((0, 0, 0, 1, 5, 30)))
        time = max(0, received - late) * HOUR
        label = draw(st.none() | st.tuples(st.integers(time, time + 5 * HOUR), st.booleans()))
        amounts = {AMOUNT: draw(st.none() | st.integers(-50, 100_000))}
        values = {EMAIL: draw(st.none() | whole), ADDRESS: draw(whole)}
        key, id_ = draw(st.integers(0, 2)), draw(st.integers(-(2**62), 2**62))
        events.append(Event(key, id_, time, received * HOUR, amounts, values, label))
    return events


def entry_of(event: Event, plan: Plan) -> list[int]:
    """An event as the kernel has it."""
    label = MISSING if event.label is None else 2 * event.label[0] + event.label[1]
    values = [event.amounts[name] for name in plan.amounts] + [event.values[name] for name in plan.values]
    whole = [MISSING if value is None else value for value in values]
    return [event.time, event.id, event.received, label, *whole]


def by_key(events: list[Event], plan: Plan) -> tuple[Whole, Whole, Whole]:
    """Records key by key, where each key ends, and where in the stream each record stood."""
    places = sorted(range(len(events)), key=lambda at: events[at].key)
    records = np.array([entry_of(events[at], plan) for at in places], np.int64).reshape(-1, plan.width)
    ends = np.cumsum([sum(event.key == key for event in events) for key in range(3)])
    return records, ends.astype(np.int64), np.array(places, np.int64)


def as_arrays(seen: list[Seen], places: Whole) -> tuple[Numbers, Flags]:
    ordered = [seen[at] for at in places]
    values = np.array([each.values for each in ordered], np.float64).reshape(-1, len(EVERYTHING))
    flags = [TRUNCATED * each.truncated + COLD * each.cold + REPEATED * each.repeated for each in ordered]
    return values, np.array(flags, np.uint8)


def assert_same_bits(found: tuple[Numbers, Flags], expected: tuple[Numbers, Flags]) -> None:
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(
        np.signbit(found[0][~np.isnan(found[0])]), np.signbit(expected[0][~np.isnan(expected[0])])
    )
    np.testing.assert_array_equal(found[1], expected[1])


@given(streams())
def test_a_stream_gives_what_a_loop_over_lists_gives(events: list[Event]) -> None:
    kernel = HistoryKernel(Plan(CUSTOMER))
    records, ends, places = by_key(events, kernel.plan)
    expected = as_arrays(list(replay(CUSTOMER, events)), places)
    assert_same_bits(kernel.from_stream(records, ends), expected)
    assert_same_bits(HistoryKernel(kernel.plan, compiled=False).from_stream(records, ends), expected)


@given(streams(), st.randoms(use_true_random=False))
def test_what_is_kept_does_not_depend_on_the_order_of_arrival(events: list[Event], random: Random) -> None:
    """The last record of each key sees the same, in whatever order those before it came in."""
    kernel = HistoryKernel(Plan(CUSTOMER))
    once = list({(each.key, each.id): replace(each, received=0) for each in events}.values())
    last = [Event(key, 2**62 + 1, 100 * HOUR, 0, {AMOUNT: 5}, {EMAIL: 1, ADDRESS: 1}) for key in range(3)]
    shuffled = once.copy()
    random.shuffle(shuffled)
    found = []
    for order in (once, shuffled):
        records, ends, _ = by_key(order + last, kernel.plan)
        values, flags = kernel.from_stream(records, ends)
        found.append((values[ends - 1].tobytes(), flags[ends - 1].tobytes()))
    assert found[0] == found[1]


@given(streams())
def test_entries_of_a_store_give_what_the_stream_gave(events: list[Event]) -> None:
    kernel = HistoryKernel(Plan(CUSTOMER))
    plan = kernel.plan
    records, ends, _ = by_key(events, plan)
    values, flags = kernel.from_stream(records, ends)
    kept, counts, dropped = _remembered(plan, records, ends)
    found = kernel.from_entries(records, kept, np.cumsum(counts).astype(np.int64), dropped)
    assert_same_bits(found, (values, flags))


def _remembered(plan: Plan, records: Whole, ends: Whole) -> tuple[Whole, Whole, Whole]:
    """What a store holds of each record's key just before it."""
    kept, counts, dropped = [], [], []
    start = 0
    for end in ends.tolist():
        entries: list[list[int]] = []
        gone = int(MISSING)
        for record in records[start:end].tolist():
            kept += entries
            counts.append(len(entries))
            dropped.append(gone)
            if record[1] not in [entry[1] for entry in entries]:
                entries = sorted([*entries, record], key=lambda entry: (entry[0], entry[1]))
                gone = max(gone, entries[0][0]) if len(entries) > plan.kept else gone
                entries = entries[-plan.kept :]
        start = end
    shaped = np.array(kept, np.int64).reshape(-1, plan.width)
    return shaped, np.array(counts, np.int64), np.array(dropped, np.int64)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("windows", "statistics"),
    [
        ([(1, 0)], [(14, 0, 0, 1)]),
        ([(1, 0)], [(-1, 0, 0, 1)]),
        ([(1, 0)], [(1, 1, 0, 1)]),
        ([(1, 0)], [(1, 0, 5, 1)]),
        ([(1, 0)], [(1, 0, 0, -1)]),
        ([(-1, 0)], [(1, 0, 0, 1)]),
        ([(0, 2**62)], [(1, 0, 0, 1)]),
        ([], [(1, 0, 0, 1)]),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(windows: list[tuple[int, int]], statistics: list[tuple[int, ...]]) -> None:
    from fraud_detection_api.features._histories import Histories

    with pytest.raises(ValueError, match="no such plan"):
        Histories(4, 0, 1, np.array(windows, np.int64).tobytes(), np.array(statistics, np.int64).tobytes(), MARK)


@pytest.mark.compiled
def test_records_that_do_not_fit_are_refused() -> None:
    from fraud_detection_api.features._histories import Histories

    rest = np.zeros((1, 2), np.int64).tobytes(), np.array([[1, 0, 0, 0]], np.int64).tobytes()
    plan = Histories(2, 0, 0, *rest, MARK)
    with pytest.raises(ValueError, match="no such plan"):
        Histories(2, 0, 0, *rest, b"layout")
    row = np.zeros(4, np.int64).tobytes()
    for records, ends in ((row[:-1], [1]), (row, [2]), (row, []), (row * 2, [2, 1]), (row, [-1, 1])):
        with pytest.raises(ValueError, match="do not fit together"):
            plan.from_stream(records, np.array(ends, np.int64).tobytes())


KEY, ENTRY, NEW = b"8 letter", bytes(20), (None, 0)
MISFITS: list[tuple[list[object], list[object], list[object]]] = [
    ([KEY], [ENTRY], []),
    ([KEY], [ENTRY], [NEW, NEW]),
    ([None], [ENTRY], [NEW]),
    ([], [ENTRY], [NEW]),
    ([KEY], [], [NEW]),
    ([KEY], [ENTRY], [None]),
    ([KEY], [ENTRY], [(None,)]),
    ([KEY], [ENTRY], [(None, 0, 0)]),
    ([KEY], [ENTRY], [[]]),
    ([KEY], [ENTRY], [b"12"]),
    ([KEY], [ENTRY], [(None, "0")]),
    ([KEY], [ENTRY], [(None, None)]),
    ([KEY], [ENTRY], [(0, 0)]),
    ([KEY], [ENTRY], [("text", 0)]),
    ([KEY], [ENTRY], [(None, 2**47)]),
    ([KEY], [ENTRY], [(None, -(2**47))]),
    ([KEY], [ENTRY], [(MARK, 0)]),
    ([KEY], [ENTRY[:-1]], [NEW]),
    ([KEY], [ENTRY + b"1"], [NEW]),
    ([KEY], [b""], [NEW]),
    ([KEY], [None], [NEW]),
    ([KEY], [b"\x7f" + ENTRY[1:]], [NEW]),
]


@pytest.mark.compiled
def test_answers_that_do_not_fit_are_refused() -> None:
    from fraud_detection_api.features._histories import Histories

    rest = np.zeros((1, 2), np.int64).tobytes(), np.array([[1, 0, 0, 0]], np.int64).tobytes()
    plan = Histories(2, 0, 0, *rest, MARK)

    def recalled(keys: list[object], entries: list[object], answers: list[object]) -> tuple[bytes, bytes, bytes]:
        return plan.recalled([plan], [keys], [entries], [answers])  # type: ignore[list-item]  # whatever it is

    for keys, entries, answers in MISFITS:
        with pytest.raises(ValueError, match=r"fit together|none of this layout|answer|cannot be one|such a time"):
            recalled([*keys], [*entries], [*answers])
    with pytest.raises(OverflowError):
        recalled([KEY], [ENTRY], [(None, 2**64)])
    for others in ([], [plan, plan], [None], [object()]):
        with pytest.raises(ValueError, match="fit together"):
            plan.recalled(others, [[KEY]], [[ENTRY]], [[NEW]])  # type: ignore[arg-type]  # whatever it is
    with pytest.raises(ValueError, match="fit together"):
        plan.recalled([plan], [[KEY]], [[ENTRY]], [(NEW,)])  # type: ignore[list-item]  # no list
    nothing = np.array([0.0]).tobytes()
    assert recalled([KEY], [ENTRY], [[None, 5]]) == (nothing, b"\2", (5).to_bytes(8, sys.byteorder))
    assert recalled([None], [ENTRY], []) == (nothing, b"\2", bytes(8))
    assert recalled([], [], []) == (b"", b"", b"")
    late = (2**47 + 5).to_bytes(8, "big") + bytes(12)  # of the year 6429: it arrives as late as anything can
    assert recalled([None], [late], []) == (nothing, b"\2", (2**47 - 1).to_bytes(8, sys.byteorder))
