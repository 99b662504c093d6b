"""The files of a run, read again: its histories for a store that has lost them, its records for a comparison."""

from collections.abc import Iterator
from pathlib import Path

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.remembering import Arrivals, Remembering
from fraud_detection_api.pipeline.filling import fill
from fraud_detection_api.pipeline.loaded import LoadedHistories
from fraud_detection_api.pipeline.raw_records import checked_batches, raw_files
from fraud_detection_api.pipeline.states import read_states, states_file
from fraud_detection_api.storage.histories.store import HistoryStore
from fraud_detection_api.training.tables.remembered import arrivals_in


async def fill_from_files(store: HistoryStore, remembering: Remembering, loaded: LoadedHistories) -> dict[str, int]:
    """Fill a store with what was known at the end of a run; how many keys of each history there were."""
    counts = dict.fromkeys((each.name for each in remembering.histories.of), 0)
    for kernel in remembering.kernels:
        history = kernel.plan.history
        for partition in range(loaded.partitions):
            for states in read_states(Path(loaded.features) / states_file(history, partition), kernel.plan):
                await fill(store, remembering.use_case, kernel.plan, states)
                counts[history.name] += len(states.keys)
    return counts


def records_of(remembering: Remembering, loaded: LoadedHistories) -> Iterator[tuple[Columns, Arrivals]]:
    """The records that histories were made of, a bounded number at once."""
    for path in raw_files(Path(loaded.raw)):
        for rows in checked_batches(path, remembering.use_case, skip_bad_rows=loaded.skip_bad_rows):
            times = remembering.times(rows.columns)
            yield rows.columns, arrivals_in(rows.part.raw, times, remembering.use_case)
