from typing import Self, final

# Immutable, and safe to use from many threads at once. Everything is int64, but for the statistics, which are float64.
@final
class Histories:
    # entries kept of a key, amounts and values in an entry, windows as pairs of records and milliseconds, and each
    # statistic as its number, its window, its column, and its scale or delay
    def __new__(cls, kept: int, amounts: int, values: int, windows: bytes, statistics: bytes, /) -> Self: ...
    # records by key and arrival, and where each key ends; gives float64 [records, statistics] and flags, uint8
    def from_stream(self, records: bytes | memoryview, ends: bytes | memoryview, /) -> tuple[bytes, bytes]: ...
    # the same of packed entries without the times of their arrival, and those, beside packed histories that begin with
    # this mark, each checked; None where a key is new; gives float64 [statistics, records]
    def from_packed(
        self, entries: list[bytes], received: list[int], mark: bytes, values: list[bytes | None], /
    ) -> tuple[bytes, bytes]: ...
