"""CSV, plain or compressed, block by block of whole rows."""

import csv
import io
from collections.abc import Iterator

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.storage.formats.arrow import pa
from fraud_detection_api.storage.formats.batch import Wanted
from fraud_detection_api.storage.formats.csv_batch import CsvBatch, CsvLayout
from fraud_detection_api.storage.formats.csv_lines import StrayQuote, count_lines, ends_inside_quotes, last_row_end
from fraud_detection_api.storage.formats.table_bytes import CountedStream, TableBytes

_SAMPLE_BYTES = 1 << 16
_MOST_BLOCK_BYTES = 1 << 21
_MOST_ROW_BYTES = 1 << 26
_DELIMITERS = ",;\t|"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CsvReader:
    """CSV with a header; `names` are its columns."""

    def __init__(self, given: TableBytes, wanted: Wanted, batch_rows: int) -> None:
        self.size = given.size
        self._name = given.name
        self._sent = CountedStream(given.stream)
        self._stream = (
            pa.CompressedInputStream(pa.PythonFile(self._sent, "r"), given.compression)
            if given.compression
            else self._sent
        )
        self._ahead = self._read(_SAMPLE_BYTES).removeprefix(_BYTE_ORDER_MARK)
        self._layout, self._first_line = self._take_header(wanted)
        self.names = self._layout.names
        line_bytes = len(self._ahead) / max(count_lines(self._ahead), 1)
        self._block_bytes = min(max(int(line_bytes * batch_rows), 1), _MOST_BLOCK_BYTES)

    def batches(self) -> Iterator[CsvBatch]:
        """Every row once, in order, about as many at a time as asked for."""
        line, buffer, length = self._first_line, self._ahead, self._block_bytes
        while buffer := buffer + self._read(length - len(buffer)):
            if self.size and self._sent.position > self.size:
                raise DataRefused(f"{self._name} grows while it is read.")  # we might never come to its end
            end = self._row_end(buffer[:length], len(buffer) < length, line)
            if end:
                yield CsvBatch(buffer[:end], self._layout, line, self._sent.position)
                line += count_lines(buffer[:end])
                buffer, length = buffer[end:], self._block_bytes
            else:
                length *= 2  # one row is longer than a block
                if length > _MOST_ROW_BYTES:
                    raise DataRefused(f"{self._name}: the row in line {line} is too long; is a quote never closed?")

    def _row_end(self, block: bytes, is_last: bool, line: int) -> int:
        delimiter = self._layout.delimiter
        try:
            if not is_last:
                return last_row_end(block, delimiter)
            if ends_inside_quotes(block, delimiter):
                raise DataRefused(f"{self._name}: a quote is opened in or after line {line} and never closed.")
        except StrayQuote as stray:
            found = line + count_lines(block[: stray.place])
            raise DataRefused(
                f'{self._name}, line {found}: a quote (") in the middle of a value; '
                "quote the whole value and double the quotes in it."
            ) from None
        return len(block)

    def _read(self, size: int) -> bytes:
        pieces = []
        try:
            while size > 0 and (piece := self._stream.read(size)):
                pieces.append(piece)
                size -= len(piece)
        except OSError as error:
            raise DataRefused(f"{self._name} cannot be read: {error}") from error
        return b"".join(pieces)

    def _take_header(self, wanted: Wanted) -> tuple[CsvLayout, int]:
        if b"\0" in self._ahead:
            raise DataRefused(f"{self._name} holds no text in UTF-8; save it as CSV in UTF-8, or as Parquet.")
        lines = self._ahead.splitlines(keepends=True)
        blank = next((index for index, line in enumerate(lines) if line.strip()), None)
        if blank is None:
            raise DataRefused(f"{self._name} is empty; the first line of a CSV file names its columns.")
        delimiter = max(_DELIMITERS, key=lines[blank].decode(errors="replace").count)
        header = b"".join(lines[blank:]).decode(errors="replace")
        reader = csv.reader(io.StringIO(header, newline=""), delimiter=delimiter)
        names = tuple(name if name in wanted else name.strip() for name in next(reader))
        used = blank + reader.line_num
        self._ahead = b"".join(lines[used:])
        found = {name: kind for name, kind in wanted.items() if name in names}
        twice = [name for name in found if names.count(name) > 1]
        if twice:
            raise DataRefused(f"{self._name} has more than one column {', '.join(twice)}: rename all but one.")
        return CsvLayout(names, delimiter, found), used + 1
