from typing import Self, final

# Immutable, and safe to use from many threads at once. Everything is int64, but for the statistics, which are float64.
@final
class Histories:
    # entries kept of a key, amounts and values in an entry, windows as pairs of records and milliseconds, each
    # statistic as its number, its window, its column, and its scale or delay, and the eight bytes with which packed
    # histories begin
    def __new__(
        cls, kept: int, amounts: int, values: int, windows: bytes, statistics: bytes, mark: bytes, /
    ) -> Self: ...
    # records by key and arrival, and where each key ends; gives float64 [records, statistics] and flags, uint8
    def from_stream(self, records: bytes | memoryview, ends: bytes | memoryview, /) -> tuple[bytes, bytes]: ...
    # the same of packed records, for each history their keys, entries, and what a store answered about those that have
    # a key, each checked: pairs of a packed history, None where it is new, and of when the record arrived; gives
    # float64 [statistics, records], flags [histories, records], and when each arrived, int64 [histories, records]
    @classmethod
    def recalled(
        cls,
        histories: list[Self],
        keys: list[list[bytes | None]],
        entries: list[list[bytes]],
        answers: list[list[object]],
        /,
    ) -> tuple[bytes, bytes, bytes]: ...
