"""The latest record of each customer, by the text of the customer's id: what is kept of it, asked for and found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MOST_KEY_BYTES = 256  # of an id: a longer one is not listed, since a query could not name it
MOST_RECORD_BYTES = 8_192  # of a record: of a longer one it is kept that it came, and nothing of what it said
NOT_KEPT = b"null"


class LatestRecord(NamedTuple):
    """A record that may be the latest of somebody: the one with the latest time is, of several the highest id."""

    key: bytes  # the text of whose it is
    time: int
    id: int
    record: bytes  # JSON
    received: int | None = None  # ms since 1970; without it, the store says when

    @property
    def is_listed(self) -> bool:
        """Whether its key is short enough."""
        return len(self.key) <= MOST_KEY_BYTES

    @property
    def kept(self) -> bytes:
        """What is kept of what it said."""
        return self.record if len(self.record) <= MOST_RECORD_BYTES else NOT_KEPT


@dataclass(frozen=True)
class LatestRecords:
    """Such records of one use case."""

    name: bytes
    records: Sequence[LatestRecord]

    @property
    def listed(self) -> list[LatestRecord]:
        """Those whose keys are short enough."""
        return [each for each in self.records if each.is_listed]


@dataclass(frozen=True)
class Wanted:
    """So many of those whose keys begin with the prefix, in the order of their bytes, after a key if one is given."""

    prefix: bytes = b""
    after: bytes | None = None
    most: int = 10

    @property
    def start(self) -> bytes | None:
        """The key after which to begin; without one, with the first that begins with the prefix."""
        return self.after if self.after is not None and self.after >= self.prefix else None

    @property
    def end(self) -> bytes:
        """What is greater than all that begins with the prefix: no text has this byte."""
        return self.prefix + b"\xff"


class Found(NamedTuple):
    """The latest record of one key."""

    key: bytes
    record: bytes
    received: int


@dataclass(frozen=True)
class LatestPage:
    """What was found, and after which key more may follow."""

    found: Sequence[Found]
    next: bytes | None


def page_of(found: Sequence[Found], most: int) -> LatestPage:
    """A page of records of which one more than wanted was looked for."""
    return LatestPage(found[:most], found[most - 1].key if len(found) > most else None)
