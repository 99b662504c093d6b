"""Histories brought back into a store that has lost them: from the files of the run that made them, then the log."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.final_states import KeyStates, final_states
from fraud_detection_api.features.history_plan import Plan
from fraud_detection_api.features.remembering import Arrivals, Remembering
from fraud_detection_api.pipeline.loaded import LoadedHistories
from fraud_detection_api.pipeline.raw_records import checked_batches, raw_files
from fraud_detection_api.pipeline.states import read_states, states_file
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.histories.layout import EntryLayout
from fraud_detection_api.storage.histories.store import HistoryStore, WholeHistories
from fraud_detection_api.training.tables.remembered import arrivals_in

KEYS_AT_ONCE = 500


def whole_histories(use_case: UseCase, plan: Plan, states: KeyStates) -> WholeHistories:
    """The final states of keys as a store is filled with them."""
    name = f"{use_case.name}:{plan.history.name}".encode()
    return WholeHistories(EntryLayout.of(plan), name, states.keys, states.entries, states.ends, states.dropped)


async def fill_from_files(store: HistoryStore, remembering: Remembering, loaded: LoadedHistories) -> dict[str, int]:
    """Fill a store with what was known at the end of a run; how many keys of each history there were."""
    counts = dict.fromkeys((each.name for each in remembering.histories.of), 0)
    for kernel in remembering.kernels:
        history = kernel.plan.history
        for partition in range(loaded.partitions):
            for states in read_states(Path(loaded.features) / states_file(history, partition), kernel.plan):
                await _fill(store, remembering.use_case, kernel.plan, states)
                counts[history.name] += len(states.keys)
    return counts


async def fill_from_log(store: HistoryStore, remembering: Remembering, pages: Iterable[Columns]) -> int:
    """Fill a store with records that were answered, as they arrived then; how many there were."""
    count = 0
    for columns in pages:
        if columns.remembered is None:
            continue
        keyed = remembering.at_keys(columns, Arrivals(columns.remembered.received))
        for kernel, each in zip(remembering.kernels, keyed, strict=True):
            await _fill(store, remembering.use_case, kernel.plan, final_states(kernel.plan, each))
        count += len(columns)
    return count


async def _fill(store: HistoryStore, use_case: UseCase, plan: Plan, states: KeyStates) -> None:
    """Some keys at a time, so that a service which fills its own memory goes on answering."""
    for first in range(0, len(states.keys), KEYS_AT_ONCE):
        some = states.part(first, min(first + KEYS_AT_ONCE, len(states.keys)))
        await store.fill(whole_histories(use_case, plan, some))
        await asyncio.sleep(0)


def records_of(remembering: Remembering, loaded: LoadedHistories) -> Iterator[tuple[Columns, Arrivals]]:
    """The records that histories were made of, a bounded number at once."""
    for path in raw_files(Path(loaded.raw)):
        for rows in checked_batches(path, remembering.use_case, skip_bad_rows=loaded.skip_bad_rows):
            times = remembering.times(rows.columns)
            yield rows.columns, arrivals_in(rows.part.raw, times, remembering.use_case)
