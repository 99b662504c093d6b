"""The files of a run, read again: its histories for a store that has lost them, its records for a comparison."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.remembering import Arrivals, Remembering
from fraud_detection_api.history_errors import HistoriesForeign
from fraud_detection_api.pipeline.filling import fill, fill_latest
from fraud_detection_api.pipeline.loaded import LoadedHistories
from fraud_detection_api.pipeline.raw_records import checked_batches, raw_files
from fraud_detection_api.pipeline.states import read_states, states_file
from fraud_detection_api.services.latest_records import LatestByEntity
from fraud_detection_api.storage.histories.latest import LatestRecords
from fraud_detection_api.storage.histories.store import HistoryStore
from fraud_detection_api.training.tables.remembered import arrivals_in


async def fill_from_files(
    store: HistoryStore, remembering: Remembering, loaded: LoadedHistories, *, is_listed: bool = False
) -> dict[str, int]:
    """Fill a store with what was known at the end of a run; how many keys of each history there were.

    Where the use case is listed, the latest record of each customer is filled in, too, from the run's raw records.
    """
    if loaded.hashes != remembering.hashes_mark:
        raise HistoriesForeign(remembering.use_case.name)
    counts = dict.fromkeys((each.name for each in remembering.histories.of), 0)
    for kernel in remembering.kernels:
        history = kernel.plan.history
        for partition in range(loaded.partitions):
            for states in read_states(Path(loaded.features) / states_file(history, partition), kernel.plan):
                await fill(store, remembering.use_case, kernel.plan, states)
                counts[history.name] += len(states.keys)
    if is_listed:
        batches = _latest(remembering, loaded)
        while latest := await asyncio.to_thread(
            next, batches, None
        ):  # in a thread, so that a service goes on answering
            await fill_latest(store, latest)
    return counts


def _latest(remembering: Remembering, loaded: LoadedHistories) -> Iterator[LatestRecords]:
    """The latest record of each customer, batch by batch."""
    latest = LatestByEntity(remembering)
    for columns, arrivals in records_of(remembering, loaded):
        yield latest(columns, remembering.times(columns) if arrivals.received is None else arrivals.received)


def records_of(remembering: Remembering, loaded: LoadedHistories) -> Iterator[tuple[Columns, Arrivals]]:
    """The records that histories were made of, a bounded number at once."""
    for path in raw_files(Path(loaded.raw)):
        for rows in checked_batches(path, remembering.use_case, skip_bad_rows=loaded.skip_bad_rows):
            times = remembering.times(rows.columns)
            yield rows.columns, arrivals_in(rows.part.raw, times, remembering.use_case)
