"""Blocks: columns in a Parquet file whose pieces are written one after the other and read one without the others.

Steps of the pipeline hand each other such files. Numbers stay what they are to the bit: NaN is a number here, and
nothing is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.storage.formats.arrow import pa, parquet
from fraud_detection_api.storage.formats.writers import Layout

_MOST_ROWS_IN_A_GROUP = 1 << 20  # Arrow divides larger ones by itself
_NOTES, _GROUPS = b"fraud_notes", b"fraud_groups_of_blocks"

Note = int | float | str | None | Sequence["Note"] | Mapping[str, "Note"]


class BlockWriter:
    """Writes blocks into an open file, and notes about all of them at its end."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._layout = layout
        self._schema = pa.schema([(name, _type_of(dtype)) for name, dtype in layout.items()])
        texts = [name for name, dtype in layout.items() if dtype.kind == "O"]
        self._writer = parquet.ParquetWriter(
            str(path), self._schema, compression="lz4", use_dictionary=texts, write_statistics=False, store_schema=False
        )
        self._groups: list[int] = []
        self.notes: dict[str, Note] = {}

    def write(self, columns: RawTable) -> None:
        """Add a block; it may have no rows."""
        arrays = [_arrow(columns[name], dtype) for name, dtype in self._layout.items()]
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._writer.write_table(table, row_group_size=_MOST_ROWS_IN_A_GROUP)
        self._groups.append(max(1, -(-table.num_rows // _MOST_ROWS_IN_A_GROUP)))

    def close(self) -> None:
        """Write what is known of the blocks, which is the end of the file."""
        self._writer.add_key_value_metadata({_GROUPS: orjson.dumps(self._groups), _NOTES: orjson.dumps(self.notes)})
        self._writer.close()


@contextmanager
def block_writer(path: Path, layout: Layout) -> Iterator[BlockWriter]:
    """A file of blocks to write; who calls it sees to it that nobody takes a part of it for the whole."""
    writer = BlockWriter(path, layout)
    try:
        yield writer
    finally:
        writer.close()


class Blocks:
    """A file of blocks that is read."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = parquet.ParquetFile(str(path), pre_buffer=False)
            metadata = self._file.metadata.metadata or {}
            groups, self.notes = orjson.loads(metadata[_GROUPS]), orjson.loads(metadata[_NOTES])
        except (OSError, pa.ArrowInvalid, KeyError) as error:
            raise DataRefused(f"{path} is no file that a step of the pipeline has written.") from error
        self._ends = np.cumsum(groups, dtype=np.int64).tolist()
        self._name = str(path)

    def __len__(self) -> int:
        return len(self._ends)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def rows(self) -> int:
        """Of all blocks together."""
        return int(self._file.metadata.num_rows)

    def read(self, number: int, names: Sequence[str] | None = None) -> dict[str, RawColumn]:
        """The block of that number, or only these columns of it."""
        first = self._ends[number - 1] if number else 0
        groups = list(range(first, self._ends[number]))
        try:
            table = self._file.read_row_groups(
                groups, columns=None if names is None else list(names), use_threads=False
            )
        except (OSError, pa.ArrowInvalid) as error:
            raise DataRefused(f"{self._name} cannot be read: {error}") from error
        return {name: _column(table.column(name)) for name in table.column_names}


@contextmanager
def blocks_in(path: Path) -> Iterator[Blocks]:
    """The blocks of a file, open for as long as they are read."""
    blocks = Blocks(path)
    try:
        yield blocks
    finally:
        blocks.close()


def _type_of(dtype: "np.dtype[np.generic]") -> pa.DataType:
    return pa.string() if dtype.kind == "O" else pa.from_numpy_dtype(dtype)


def _arrow(values: RawColumn, dtype: "np.dtype[np.generic]") -> pa.Array:
    return pa.array(values, _type_of(dtype), from_pandas=dtype.kind == "O")


def _column(found: pa.ChunkedArray) -> RawColumn:
    array = found.combine_chunks()
    if pa.types.is_string(array.type):
        codes = array.dictionary_encode()  # each text once in memory
        known = np.array([*codes.dictionary.to_pylist(), None], dtype=object)
        texts: RawColumn = known[codes.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]
        return texts
    numbers: RawColumn = array.to_numpy(zero_copy_only=False)
    return numbers
