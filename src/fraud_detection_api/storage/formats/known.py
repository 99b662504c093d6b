"""The formats that tables are read and written in: one entry each, found by the name of a file or by a content type."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fraud_detection_api.storage.formats.batch import OpenTable, Wanted
from fraud_detection_api.storage.formats.csv_reader import CsvReader
from fraud_detection_api.storage.formats.parquet_reader import ParquetReader
from fraud_detection_api.storage.formats.table_bytes import TableBytes
from fraud_detection_api.storage.formats.writers import CsvWriter, Layout, ParquetWriter, TableWriter


@dataclass(frozen=True)
class TableFormat:
    """How a table is recognised, read and written; what its rows are called where something is wrong with one."""

    name: str
    suffixes: tuple[str, ...]
    content_type: str
    reader: Callable[[TableBytes, Wanted, int], OpenTable]
    writer: Callable[[BinaryIO, Layout], TableWriter]
    unit: str
    compressions: tuple[str, ...] = ()  # that the whole file may have
    seeks: bool = False  # whether reading begins at the end


FORMATS = (
    TableFormat("CSV", (".csv",), "text/csv", CsvReader, CsvWriter, "line", ("gzip", "zstd")),
    TableFormat(
        "Parquet",
        (".parquet", ".pq"),
        "application/vnd.apache.parquet",
        ParquetReader,
        ParquetWriter,
        "row",
        seeks=True,
    ),
)
_COMPRESSED = {"gzip": ".gz", "zstd": ".zst"}

# What the name of a file ends in, longest first, and what that says of its bytes.
SUFFIXES: dict[str, tuple[TableFormat, str | None]] = {
    **{
        suffix + _COMPRESSED[compression]: (known, compression)
        for known in FORMATS
        for suffix in known.suffixes
        for compression in known.compressions
    },
    **{suffix: (known, None) for known in FORMATS for suffix in known.suffixes},
}
WRITTEN = tuple(suffix for suffix, (_, compression) in SUFFIXES.items() if compression is None)


def suffix_of(path: Path) -> str | None:
    """The known suffix that a file's name ends in."""
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)


def format_of(path: Path) -> TableFormat | None:
    """The format that a file's name says it has."""
    suffix = suffix_of(path)
    return None if suffix is None else SUFFIXES[suffix][0]


def format_sent_as(content_type: str) -> TableFormat | None:
    """The format that a Content-Type header names."""
    plain = content_type.partition(";")[0].strip().lower()
    return next((known for known in FORMATS if known.content_type == plain), None)
