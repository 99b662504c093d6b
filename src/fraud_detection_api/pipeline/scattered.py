"""Scattered entries: each raw file's records as histories know them, by the partition that their key belongs to.

A file has a block for each batch, history and partition, in this order, so that one partition of one history is read
without the rest. Entries keep the number of their row in the raw file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import LABEL, MISSING, RECEIVED, TIME
from fraud_detection_api.features.remembering import AtKeys, Remembering
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.storage.blocks import Blocks, BlockWriter, blocks_in
from fraud_detection_api.storage.formats.writers import Layout

BATCHES, SKIPPED = "batches", "skipped"
_ROW, _KEY = "row", "key"
_WHOLE = np.dtype(np.int64)


@dataclass(frozen=True)
class Scatter:
    """How many histories there are, and how many partitions."""

    histories: int
    partitions: int

    def block(self, batch: int, history: int, partition: int) -> int:
        """The number of a block in its file."""
        return (batch * self.histories + history) * self.partitions + partition


@dataclass(frozen=True)
class Piece:
    """What a batch of a raw file has in one partition: the numbers of the rows, their keys and entries."""

    rows: Whole
    keyed: AtKeys


def layout_of(remembering: Remembering) -> Layout:
    """The columns of all blocks: numbers of entries by their place; histories that have fewer leave the last at 0."""
    return dict.fromkeys((_ROW, _KEY, *_numbers(max(each.plan.width for each in remembering.kernels))), _WHOLE)


def write_scattered(writer: BlockWriter, scatter: Scatter, rows: Whole, keyed: AtKeys, width: int) -> None:
    """Write the blocks of one history of a batch."""
    partitions = _partitions(keyed.keys, rows, scatter.partitions)
    order = np.argsort(partitions, kind="stable")  # of two bytes: numpy counts instead of comparing
    ends = np.searchsorted(partitions[order], np.arange(scatter.partitions), side="right").tolist()
    columns: dict[str, RawColumn] = {_ROW: rows[order], _KEY: keyed.keys[order]}
    nothing = np.zeros(len(rows), np.int64)
    own = keyed.entries.shape[1]
    columns |= {name: keyed.entries[order, at] if at < own else nothing for at, name in enumerate(_numbers(width))}
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        writer.write({name: values[start:end] for name, values in columns.items()})


def pieces_of(folder: Path, scatter: Scatter, history: int, partition: int, width: int) -> Iterator[Piece]:
    """One partition of one history: of every raw file and batch what it has there, in their order."""
    names = _numbers(width)
    for path in scattered_files(folder):
        with blocks_in(path) as blocks:
            for batch in range(batches_of(blocks)):
                found = blocks.read(scatter.block(batch, history, partition), (_ROW, _KEY, *names))
                entries = np.empty((len(found[_ROW]), width), np.int64)
                for at, name in enumerate(names):
                    entries[:, at] = found[name]
                yield Piece(found[_ROW].astype(np.int64), AtKeys(found[_KEY].astype(np.int64), entries))


def times_and_labels(folder: Path, scatter: Scatter) -> Iterator[tuple[Whole, Whole, Whole]]:
    """When all records happened, when they arrived, and their labels, a bounded number at once."""
    names = [_numbers(LABEL + 1)[at] for at in (TIME, RECEIVED, LABEL)]
    for path in scattered_files(folder):
        with blocks_in(path) as blocks:
            for batch in range(batches_of(blocks)):
                every = range(scatter.partitions)
                found = [blocks.read(scatter.block(batch, 0, partition), names) for partition in every]
                times, received, labels = (
                    np.concatenate([each[name] for each in found]).astype(np.int64) for name in names
                )
                yield times, received, labels


def scattered_files(folder: Path) -> list[Path]:
    """One for each raw file."""
    return sorted(folder.glob("*.parquet"))


def batches_of(blocks: Blocks) -> int:
    """In how many batches a raw file was read."""
    return int(blocks.notes[BATCHES])


def _partitions(keys: Whole, rows: Whole, count: int) -> "np.ndarray[tuple[int], np.dtype[np.uint16]]":
    """Keys are hashes; records without one go anywhere."""
    hashes = np.where(keys == MISSING, rows, keys).view(np.uint64)
    found: np.ndarray[tuple[int], np.dtype[np.uint16]] = (hashes % np.uint64(count)).astype(np.uint16)
    return found


def _numbers(width: int) -> list[str]:
    return [f"n{at}" for at in range(width)]
