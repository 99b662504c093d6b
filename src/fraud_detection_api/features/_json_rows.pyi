from collections.abc import Sequence
from typing import Self, final

# Immutable, and safe to use from many threads at once.
@final
class Reader:
    # (name, kind, optional); integer, number, boolean, date, time, identifier, text, text identifier; optional: None if
    # absent
    def __new__(cls, fields: Sequence[tuple[str, str, bool]]) -> Self: ...
    # None if declined; else n, float64 [numbers and texts, n] with zeros for texts, int64 [identifiers, n], and each
    # field's texts
    def read(
        self, body: bytes | bytearray | memoryview, most_rows: int, /
    ) -> tuple[int, bytes, bytes, list[list[str | None]]] | None: ...
