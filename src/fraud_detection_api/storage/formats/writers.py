"""Tables into an open file: CSV whose text reads back as the same values, or Parquet."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import BinaryIO, Protocol

import numpy as np

from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.storage.formats.arrow import pa, parquet, pc

Layout = Mapping[str, "np.dtype[np.generic]"]
_TIME = np.dtype("datetime64[ms]")  # times in UTC; all other moments have no zone
_NEEDS_QUOTES = '[",\r\n]'


class TableWriter(Protocol):
    """Preparing rows may run in many threads at once; what it gives writes them, one after the other."""

    def prepared(self, columns: RawTable) -> Callable[[], object]:
        """Rows in the form of the file, to be written by the call of what is returned."""

    def finish(self) -> None:
        """Write what belongs at the end of the file."""


class CsvWriter:
    """Rows as lines of CSV, after a header."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file = file
        self._layout = layout
        header = ",".join(_quoted(pa.array(list(layout), pa.string())).to_pylist())
        self._file.write(header.encode() + b"\n")

    def prepared(self, columns: RawTable) -> Callable[[], object]:
        """The rows as bytes, ready to be written."""
        texts = [_as_text(_arrow(columns[name], dtype)) for name, dtype in self._layout.items()]
        missing = "" if len(texts) > 1 else '""'  # a line with nothing in it is no row
        rows = pc.binary_join_element_wise(*texts, _large(","), null_handling="replace", null_replacement=missing)
        lines = pc.binary_join_element_wise(rows, _large(""), _large("\n"))
        first, last = lines.offset, lines.offset + len(lines)
        offsets = np.frombuffer(lines.buffers()[1], dtype=np.int64)
        return partial(self._file.write, memoryview(lines.buffers()[2])[offsets[first] : offsets[last]])

    def finish(self) -> None:
        """Nothing comes after the last line."""


class ParquetWriter:
    """Rows as Parquet, a row group for each call."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._layout = layout
        self._schema = pa.schema([(name, _arrow_type(dtype)) for name, dtype in layout.items()])
        texts = [name for name, dtype in layout.items() if dtype.kind == "O"]
        self._writer = parquet.ParquetWriter(file, self._schema, use_dictionary=texts)

    def prepared(self, columns: RawTable) -> Callable[[], object]:
        """The rows as Arrow has them, ready to be written."""
        arrays = [_arrow(columns[name], dtype) for name, dtype in self._layout.items()]
        return partial(self._writer.write_batch, pa.record_batch(arrays, schema=self._schema))

    def finish(self) -> None:
        """The index of a Parquet file is its end."""
        self._writer.close()


def _arrow_type(dtype: "np.dtype[np.generic]") -> pa.DataType:
    if dtype.kind == "O":
        return pa.string()
    if dtype == _TIME:
        return pa.timestamp("ms", "UTC")
    return pa.timestamp("us") if dtype.kind == "M" else pa.from_numpy_dtype(dtype)


def _arrow(values: RawColumn, dtype: "np.dtype[np.generic]") -> pa.Array:
    if dtype.kind == "M" and dtype != _TIME:
        values = values.astype("datetime64[us]")  # Arrow 26 reads days as if they were half as wide
    return pa.array(values, _arrow_type(dtype), from_pandas=True)  # NaN is a missing value


def _as_text(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        return _quoted(array).cast(pa.large_string())
    has_no_zone = pa.types.is_timestamp(array.type) and not array.type.tz
    if has_no_zone and pc.equal(array, pc.floor_temporal(array, unit="day")).false_count == 0:
        array = array.cast(pa.date32())  # midnights all: these are days
    return array.cast(pa.large_string())  # of a float: the shortest text that reads back as the same float


def _large(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())  # not made on import, which Arrow would take for a reason to load pandas


def _quoted(texts: pa.Array) -> pa.Array:
    needs_quotes = pc.match_substring_regex(texts, _NEEDS_QUOTES)
    if not pc.any(needs_quotes).as_py():
        return texts
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(needs_quotes, pc.binary_join_element_wise('"', doubled, '"', ""), texts)
