"""What is wrong with what was sent: with a record, or with any other value of a request."""

from collections.abc import Mapping
from dataclasses import dataclass

Scalar = str | int | float | bool | None

MOST_PROBLEMS = 100  # a caller fixes the first ones; 100,000 bad records must not make a 100 MB answer


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field of one record."""

    row: int
    field: str
    message: str
    value: Scalar = None
    kind: str = "value_error"


@dataclass(frozen=True)
class Misfit:
    """What is wrong with one value of a request that is no list of records, and where it stands in it."""

    place: tuple[str | int, ...]
    message: str
    value: object = None
    kind: str = "value_error"
    context: Mapping[str, object] | None = None
