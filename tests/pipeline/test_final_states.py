"""What is known of each key in the end: what somebody would hold who had remembered record after record."""

from bisect import insort
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.features.final_states import KeyStates, final_states
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import ID, MISSING, TIME, Plan
from fraud_detection_api.features.remembering import AtKeys, in_turn
from fraud_detection_api.pipeline.states import KEYS_AT_ONCE, read_states, write_states
from fraud_detection_api.schemas.histories import History, Remembered, Statistic
from tests.features.history_by_hand import Event
from tests.features.test_histories import CUSTOMER, entry_of, streams

PLAN = Plan(CUSTOMER)


def one_by_one(plan: Plan, arrived: AtKeys) -> dict[int, tuple[list[tuple[int, ...]], int]]:
    """The entries of each key, and the latest time that was dropped."""
    known: dict[int, tuple[list[tuple[int, ...]], int]] = {}
    for row in in_turn(arrived.entries).tolist():
        key, entry = int(arrived.keys[row]), tuple(arrived.entries[row].tolist())
        if key == MISSING:
            continue
        entries, dropped = known.get(key, ([], int(MISSING)))
        if all(each[ID] != entry[ID] for each in entries):
            insort(entries, entry, key=lambda each: (each[TIME], each[ID]))
            gone = entries[: -plan.kept]
            del entries[: -plan.kept]
            dropped = max([dropped, *(each[TIME] for each in gone)])
        known[key] = entries, dropped
    return known


def as_dict(states: KeyStates) -> dict[int, tuple[list[tuple[int, ...]], int]]:
    starts = [0, *states.ends.tolist()][: len(states.keys)]
    return {
        key: ([tuple(entry) for entry in states.entries[start:end].tolist()], dropped)
        for key, start, end, dropped in zip(
            states.keys.tolist(), starts, states.ends.tolist(), states.dropped.tolist(), strict=True
        )
    }


def arrived_from(events: list[Event]) -> AtKeys:
    keys = np.array([MISSING if event.key == 0 else event.key for event in events], np.int64)
    entries = np.array([entry_of(event, PLAN) for event in events], np.int64).reshape(-1, PLAN.width)
    return AtKeys(keys, entries)


@given(streams())
def test_states_are_those_of_one_record_after_the_other(events: list[Event]) -> None:
    arrived = arrived_from(events)
    assert as_dict(final_states(PLAN, arrived)) == one_by_one(PLAN, arrived)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), max_size=40))
def test_what_comes_again_with_another_time_may_have_been_forgotten(moments: list[tuple[int, int]]) -> None:
    plan = Plan(History("customer", ("customer_id",), (Remembered(Statistic.COUNT),), kept=2))
    entries = np.array([[time, id_, place, MISSING] for place, (time, id_) in enumerate(moments)], np.int64)
    arrived = AtKeys(np.ones(len(moments), np.int64), entries.reshape(-1, 4))
    assert as_dict(final_states(plan, arrived)) == one_by_one(plan, arrived)


def test_states_come_back_from_a_file_some_keys_at_once(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    size = 3 * KEYS_AT_ONCE
    entries: Whole = random.integers(0, 2**40, (size, PLAN.width))
    states = final_states(PLAN, AtKeys(random.integers(0, 2 * KEYS_AT_ONCE, size), entries))
    write_states(tmp_path / "states.parquet", PLAN, states)
    found = list(read_states(tmp_path / "states.parquet", PLAN))
    assert all(len(each.keys) <= KEYS_AT_ONCE for each in found)
    together: dict[int, tuple[list[tuple[int, ...]], int]] = {}
    for each in found:
        together |= as_dict(each)
    assert together == as_dict(states)
