from typing import Self, final

# Immutable, and safe to use from many threads at once. Rows are int64.
@final
class Packer:
    # how many columns and lists of texts records have, the column of their time and its milliseconds, the secret;
    # amounts (column, scale, bytes, the largest), sources (0 a column, 1 a list of texts, 2 the identifier; place),
    # what is hashed (first source, sources), and for each history the hash of its key, how many amounts and hashes its
    # entry has, and 64 places of these
    def __new__(
        cls,
        columns: int,
        texts: int,
        time: int,
        unit: int,
        secret: bytes,
        amounts: bytes,
        sources: bytes,
        hashed: bytes,
        recipes: bytes,
        /,
    ) -> Self: ...
    # float64 [columns, records], int64 [records], and each list's texts; gives each history's keys and entries
    def pack(
        self, numbers: memoryview, identifiers: memoryview | bytes, texts: list[list[str | None]], /
    ) -> list[tuple[list[bytes | None], list[bytes]]]: ...
