from collections.abc import Sequence
from typing import Self, final

# Immutable, and safe to use from many threads at once.
@final
class Reader:
    # (name, kind, optional); integer, number, boolean, date, time, identifier or text; optional: None if absent
    def __new__(cls, fields: Sequence[tuple[str, str, bool]]) -> Self: ...
    # None if declined; else n, float64 [numbers, n], int64 [identifiers, n], int64 [texts, n, (start, length)]
    def read(
        self, body: bytes | bytearray | memoryview, most_rows: int, /
    ) -> tuple[int, bytes, bytes, bytes] | None: ...
