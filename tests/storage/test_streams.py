"""Tables in streams: what a pipe brings reads like a file, and what goes into a pipe is the file's bytes."""

import gzip
import io
import os
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.files import opened, opened_stream, stream_writer, write_table
from fraud_detection_api.storage.formats.known import FORMATS, TableFormat, format_of, format_sent_as

ROWS = 5_000
COLUMNS = {
    "account": np.arange(ROWS),
    "balance": np.arange(ROWS) / 8,
    "channel": np.array([f"web, {row % 7}" for row in range(ROWS)], dtype=object),
}
WANTED = {"account": Kind.INTEGER, "balance": Kind.NUMBER, "channel": Kind.CATEGORY}
LAYOUT = {name: values.dtype for name, values in COLUMNS.items()}
CSV = FORMATS[0]

each_format = pytest.mark.parametrize("known", FORMATS, ids=[known.name for known in FORMATS])


def piped(content: bytes) -> BinaryIO:
    """A stream that can be read once, from its beginning, a little at a time."""
    source, sink = os.pipe()

    def send() -> None:
        with open(sink, "wb") as file:  # noqa: PTH123 - no path leads there
            file.write(content)

    threading.Thread(target=send, daemon=True).start()
    return open(source, "rb", buffering=0)  # noqa: PTH123 - as above; read to its end by the test


def file_of(known: TableFormat, folder: Path) -> Path:
    path = folder / f"table{known.suffixes[0]}"
    write_table(path, COLUMNS)
    return path


@each_format
def test_a_pipe_reads_like_the_file(known: TableFormat, tmp_path: Path) -> None:
    path = file_of(known, tmp_path)
    with piped(path.read_bytes()) as stream, opened_stream(stream, known, WANTED, 700) as table:
        found = [batch.read() for batch in table.batches()]
    with opened(path, WANTED, 700) as file:
        expected = [batch.read() for batch in file.batches()]
    assert len(found) > 1
    assert [problems for _, problems in found] == [[]] * len(found)
    for name in WANTED:
        column = np.concatenate([table[name] for table, _ in found])
        assert column.tolist() == np.concatenate([table[name] for table, _ in expected]).tolist()
        assert column.tolist() == COLUMNS[name].tolist()


@each_format
def test_what_goes_into_a_pipe_is_the_bytes_of_the_file(known: TableFormat, tmp_path: Path) -> None:
    path, source_and_sink = file_of(known, tmp_path), os.pipe()
    received: list[bytes] = []

    def receive() -> None:
        with open(source_and_sink[0], "rb") as file:  # noqa: PTH123 - no path leads there
            received.append(file.read())

    reader = threading.Thread(target=receive)
    reader.start()
    with open(source_and_sink[1], "wb") as sink, stream_writer(sink, known, LAYOUT) as table:  # noqa: PTH123 - as above
        table.prepared(COLUMNS)()
    reader.join()
    assert received == [path.read_bytes()]


def test_a_compressed_stream_is_read_as_it_comes(tmp_path: Path) -> None:
    packed = gzip.compress(file_of(CSV, tmp_path).read_bytes())
    with piped(packed) as stream, opened_stream(stream, CSV, WANTED, 700, "gzip") as table:
        batches = list(table.batches())
    assert batches[-1].end == len(packed)
    assert sum(len(batch.read()[0]["account"]) for batch in batches) == ROWS


def test_a_stream_of_csv_is_not_held_in_memory() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # of bytes, always
            line = b"account\n" if self.given == 0 else b"1234567\n"
            size = len(buffer) // len(line) * len(line)
            buffer[:size] = line * (size // len(line)) if self.given else (line + b"1234567\n" * (size // 8 - 1))
            self.given += size
            return size

    endless = Endless()
    with opened_stream(io.BufferedReader(endless, 1 << 16), CSV, {"account": Kind.INTEGER}, 1_000) as table:
        batches = table.batches()
        assert [next(batches).read()[0]["account"][0] for _ in range(20)] == [1234567] * 20
    assert endless.given < 4_000_000


def test_a_stream_that_is_no_table_is_refused() -> None:
    with pytest.raises(DataRefused, match="The table is empty"), opened_stream(io.BytesIO(b"  \n"), CSV, WANTED, 10):
        pass
    no_parquet = opened_stream(io.BytesIO(b"account\n1\n"), FORMATS[1], WANTED, 10)
    with pytest.raises(DataRefused, match="The table is not a Parquet file"), no_parquet:
        pass


@each_format
def test_a_format_is_known_by_its_suffixes_and_by_its_content_type(known: TableFormat) -> None:
    assert [format_of(Path(f"Table{suffix.upper()}")) for suffix in known.suffixes] == [known] * len(known.suffixes)
    assert format_sent_as(f"{known.content_type.upper()}; charset=utf-8") is known
    assert format_of(Path("table.txt")) is format_sent_as("text/plain") is None
