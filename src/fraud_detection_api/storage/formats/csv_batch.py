"""Some rows of a CSV file: parsed by Arrow at full speed, and once more, as text, where something is amiss."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.formats.arrow import arrow_csv, pa
from fraud_detection_api.storage.formats.arrow_columns import column, parsed_column
from fraud_detection_api.storage.formats.batch import Wanted
from fraud_detection_api.storage.formats.csv_lines import rows_with_lines
from fraud_detection_api.storage.formats.parsing import MISSING

_TYPES = {Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64()}


@dataclass(frozen=True)
class CsvLayout:
    """What all rows of a CSV file have in common; columns go by position, since unwanted names may repeat."""

    names: tuple[str, ...]
    delimiter: str
    wanted: Wanted

    def position(self, name: str) -> int:
        """The position of a column in a row."""
        return self.names.index(name)


class CsvBatch:
    """Some rows of a CSV file, as bytes until they are read."""

    def __init__(self, block: bytes, layout: CsvLayout, first_line: int, end: int) -> None:
        self.end = end
        self._block = block
        self._layout = layout
        self._first_line = first_line

    def read(self) -> tuple[RawTable, list[Problem]]:
        """The wanted columns, and what in them cannot be read."""
        cells, ragged = self._cells
        table, problems = _columns(cells, self._layout.wanted)
        return table, [*ragged.values(), *problems]

    def keep(self, rows: NDArray[np.intp]) -> RawTable:
        """The wanted columns of only these rows."""
        return _columns(self._cells[0].take(pa.array(rows)), self._layout.wanted)[0]

    def line(self, row: int) -> int:
        """The line of the file that the row starts in; the header is line 1."""
        return self._rows[row][0]

    def original(self, row: int, name: str) -> str:
        """The value as it is written; the whole row where it has too many or too few values."""
        cells = self._rows[row][1]
        if not name or len(cells) != len(self._layout.names):
            return self._layout.delimiter.join(cells)
        return cells[self._layout.position(name)] if name in self._layout.names else ""

    @cached_property
    def _cells(self) -> tuple[pa.Table, dict[int, Problem]]:
        if b"0x" not in self._block and b"0X" not in self._block:  # Arrow would take it for a number
            with suppress(pa.ArrowInvalid):
                return self._parsed(_TYPES), {}
        with suppress(pa.ArrowInvalid):
            return self._parsed({}), {}
        return self._parsed_row_by_row()

    def _parsed(self, types: dict[Kind, pa.DataType]) -> pa.Table:
        layout = self._layout
        places = {name: str(layout.position(name)) for name in layout.wanted}
        parsed = arrow_csv.read_csv(
            pa.BufferReader(self._block),
            arrow_csv.ReadOptions(
                column_names=[str(position) for position in range(len(layout.names))],
                block_size=len(self._block) + 1,
                use_threads=False,
            ),
            arrow_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=b'"' in self._block),
            arrow_csv.ConvertOptions(
                column_types={places[name]: types.get(kind, pa.string()) for name, kind in layout.wanted.items()},
                include_columns=list(places.values()),
                null_values=list(MISSING),
                strings_can_be_null=False,
            ),
        )
        return parsed.rename_columns(list(places))

    def _parsed_row_by_row(self) -> tuple[pa.Table, dict[int, Problem]]:
        layout, width = self._layout, len(self._layout.names)
        ragged = {
            row: Problem(row, "", f"{width} values expected, got {len(cells)}", kind="ragged")
            for row, (_, cells) in enumerate(self._rows)
            if len(cells) != width
        }
        texts = {name: self._texts(layout.position(name), width) for name in layout.wanted}
        return pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()}), ragged

    def _texts(self, position: int, width: int) -> list[str]:
        texts = [cells[position] if len(cells) == width else "" for _, cells in self._rows]
        undecoded = next((row for row, text in enumerate(texts) if "\ufffd" in text), None)
        if undecoded is not None:
            raise DataRefused(f"Line {self.line(undecoded)}: the text is not in UTF-8; save the file in UTF-8.")
        return texts

    @cached_property
    def _rows(self) -> list[tuple[int, list[str]]]:
        return rows_with_lines(self._block, self._layout.delimiter, self._first_line)


def _columns(cells: pa.Table, wanted: Wanted) -> tuple[RawTable, list[Problem]]:
    table, problems = {}, []
    for name, kind in wanted.items():
        array = cells.column(name).combine_chunks()
        table[name], found = (parsed_column if pa.types.is_string(array.type) else column)(array, kind, name)
        problems += found
    return table, problems
