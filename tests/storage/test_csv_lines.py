"""CSV in blocks: no row is cut, none is lost, and every row knows its line in the file."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.files import opened

WANTED = {"key": Kind.CATEGORY, "text": Kind.CATEGORY, "number": Kind.NUMBER}
CELLS = st.text(st.sampled_from('a ,"\r\n\u00e9'), max_size=8)
Rows = list[tuple[int, str, str]]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, Rows]:
    """A CSV file with blank lines and quoted line ends among its rows, and the line that each row starts in."""
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text, rows = f"key,text,number{line_end}", list[tuple[int, str, str]]()
    for number in range(draw(st.integers(0, 12))):
        text += line_end * draw(st.integers(0, 2))
        cell = draw(CELLS)
        rows.append((1 + _line_ends(text), f"row {number}", cell))
        written = io.StringIO(newline="")
        csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator=line_end).writerow(
            (f"row {number}", cell, number)
        )
        text += written.getvalue()
    return (text.removesuffix(line_end) if draw(st.booleans()) else text), rows


def _line_ends(text: str) -> int:
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@given(files(), st.integers(1, 5))
def test_rows_come_whole_and_in_order_with_their_lines_and_their_text(file: tuple[str, Rows], batch_rows: int) -> None:
    text, rows = file
    found: Rows = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text.encode())
        with opened(path, WANTED, batch_rows) as table:
            for batch in table.batches():
                columns, problems = batch.read()
                assert problems == []
                for row, key in enumerate(columns["key"].tolist()):
                    assert (columns["text"][row] or "") == batch.original(row, "text")
                    found.append((batch.line(row), key, batch.original(row, "text")))
    assert found == rows
