"""Remembered rows: what histories say of records, by the number of each record's row in its raw file.

There is a file for each history and partition, in which each batch of each raw file has its block.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Numbers, Remembered
from fraud_detection_api.features.history_numpy import Flags, Whole
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.pipeline.scattered import Scatter
from fraud_detection_api.schemas.histories import Histories, History
from fraud_detection_api.storage.blocks import Blocks, BlockWriter, blocks_in
from fraud_detection_api.storage.formats.writers import Layout

_ROW, _FLAGS = "row", "flags"


def remembered_file(history: History, partition: int) -> str:
    """The name of a file."""
    return f"{history.name}-{partition:04}.parquet"


def layout_of(history: History) -> Layout:
    """The columns of its blocks: the features have their own names."""
    values = {each.name: np.dtype(np.float64) for each in history.features}
    return {_ROW: np.dtype(np.int64), _FLAGS: np.dtype(np.uint8), **values}


def write_remembered(writer: BlockWriter, history: History, rows: Whole, values: Numbers, flags: Flags) -> None:
    """Write the block of a batch."""
    columns: dict[str, RawColumn] = {_ROW: rows, _FLAGS: flags}
    writer.write(columns | {each.name: values[:, at] for at, each in enumerate(history.features)})


@dataclass(frozen=True)
class RememberedRows:
    """All files of a run, open: for each history one for each partition."""

    histories: Histories
    files: Sequence[Sequence[Blocks]]

    def of_batch(self, batch: int, rows: NDArray[np.intp]) -> Remembered:
        """What all histories say of these rows: all that can be used of a batch, counted over all files."""
        values = np.empty((len(self.histories.features), len(rows)))
        flags = np.empty((len(self.files), len(rows)), np.uint8)
        first = 0
        for at, (history, files) in enumerate(zip(self.histories.of, self.files, strict=True)):
            names = [each.name for each in history.features]
            found = [blocks.read(batch) for blocks in files]
            order = _places(found, rows)
            flags[at] = _joined(found, _FLAGS)[order]
            for place, name in enumerate(names, first):
                values[place] = _joined(found, name)[order]
            first += len(names)
        return Remembered(values, flags, np.zeros(flags.shape, np.int64))


@contextmanager
def remembered_rows(folder: Path, histories: Histories, scatter: Scatter) -> Iterator[RememberedRows]:
    """Open all files."""
    with ExitStack() as stack:
        yield RememberedRows(
            histories,
            [
                [
                    stack.enter_context(blocks_in(folder / remembered_file(history, partition)))
                    for partition in range(scatter.partitions)
                ]
                for history in histories.of
            ],
        )


def _places(found: Sequence[dict[str, RawColumn]], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each row stands among what the partitions have of it."""
    numbers = _joined(found, _ROW)
    order = np.argsort(numbers, kind="stable")
    if not np.array_equal(numbers[order], rows):
        raise DataRefused("The raw records are no longer those that were partitioned: run the pipeline on them again.")
    return order


def _joined(found: Sequence[dict[str, RawColumn]], name: str) -> RawColumn:
    joined: RawColumn = np.concatenate([each[name] for each in found])
    return joined
