"""Small files of accounts, and what is read from them."""

from pathlib import Path

import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.tables import Source, read_table

WANTED = {
    "account": Kind.INTEGER,
    "open": Kind.INTEGER,
    "balance": Kind.NUMBER,
    "premium": Kind.BOOLEAN,
    "channel": Kind.CATEGORY,
    "day": Kind.DATE,
}
TEXT = """account,ignored,open,balance,premium,channel,day
1,x,23,12.5,true,web,2024-01-31
2,"y, z",23.0,1e3,FALSE,"a ""quoted"", word",20240131
9007199254740993,,,NaN,,,
4,,NULL,,1,NA,2024-01-31T10:20:30
"""


def write(path: Path, text: str | bytes = TEXT) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path, **wanted: Kind) -> dict[str, list[object]]:
    """The columns of a table without problems, as lists."""
    table, problems = read_table(Source(str(path)), wanted or WANTED)
    assert problems == []
    return {name: column.tolist() for name, column in table.items()}


def refusal(location: Path | str, **wanted: Kind) -> str:
    """The sentence that a table is refused with."""
    with pytest.raises(DataRefused) as refused:
        read_table(Source(str(location)), wanted or WANTED)
    return refused.value.message
