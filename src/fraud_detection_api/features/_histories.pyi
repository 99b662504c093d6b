from typing import Self, final

# Immutable, and safe to use from many threads at once. Everything is int64, but for the statistics, which are float64.
@final
class Histories:
    # entries kept of a key, amounts and values in an entry, windows as pairs of records and milliseconds, and each
    # statistic as its number, its window, its column, and its scale or delay
    def __new__(cls, kept: int, amounts: int, values: int, windows: bytes, statistics: bytes, /) -> Self: ...
    # records by key and arrival, and where each key ends; gives float64 [records, statistics] and flags, uint8
    def from_stream(self, records: bytes | memoryview, ends: bytes | memoryview, /) -> tuple[bytes, bytes]: ...
    # the same of records beside packed histories that begin with this mark, each checked; None where a key is
    # new; what comes of it is written into float64 [statistics, records] and uint8
    def from_packed(
        self, records: memoryview, mark: bytes, values: list[bytes | None], out: memoryview, flags: memoryview, /
    ) -> None: ...

# each entry as it is sent to a store that keeps so many, without the time of its arrival; so many amounts and values
def packed_arrivals(entries: bytes, kept: int, amounts: int, values: int, /) -> list[bytes]: ...
