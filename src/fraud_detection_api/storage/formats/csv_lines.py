"""Where rows and lines of CSV text begin and end, quotes considered."""

import csv
import io

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused

_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'


class StrayQuote(Exception):
    """A quote in the middle of a value, at this place of the block."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def last_row_end(block: bytes, delimiter: str) -> int:
    """Just past the last line end outside quotes, 0 where there is none; the block starts where a row starts."""
    if b'"' not in block:
        return max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1  # a last \r may be half of \r\n
    cells = np.frombuffer(block, dtype=np.uint8)
    quotes = _quotes(cells, delimiter)
    ends = np.flatnonzero((cells == _LINE_FEED) | (cells == _RETURN))
    if len(ends) and block.endswith(b"\r"):
        ends = ends[:-1]
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0


def ends_inside_quotes(block: bytes, delimiter: str) -> bool:
    """Whether a quote is opened in the block and never closed."""
    return b'"' in block and len(_quotes(np.frombuffer(block, dtype=np.uint8), delimiter)) % 2 == 1


def count_lines(block: bytes) -> int:
    """How many lines end in the block: at \\n, \\r\\n or \\r."""
    return block.count(b"\n") + (block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0)


def rows_with_lines(block: bytes, delimiter: str, first_line: int) -> list[tuple[int, list[str]]]:
    """Every row that is not blank, with the line of the file that it starts in."""
    reader = csv.reader(io.StringIO(block.decode(errors="replace"), newline=""), delimiter=delimiter)
    rows, line = [], first_line
    try:
        for cells in reader:
            if cells:
                rows.append((line, cells))
            line = first_line + reader.line_num
    except csv.Error as error:
        raise DataRefused(f"The file is no CSV after line {line}: {error}.") from error
    return rows


def _quotes(cells: NDArray[np.uint8], delimiter: str) -> NDArray[np.intp]:
    """Every quote: the even ones open, the odd ones close, as long as each opens where a value starts."""
    quotes = np.flatnonzero(cells == _QUOTE)
    opening = quotes[::2]
    opening = opening[opening > 0]
    starts = np.isin(cells[opening - 1], [ord(delimiter), _LINE_FEED, _RETURN, _QUOTE])
    if not starts.all():
        raise StrayQuote(int(opening[~starts][0]))
    return quotes
