"""The quick reader takes dates and times as Pydantic does, or leaves them to it."""

import json
import math
from datetime import date, datetime
from random import Random

import numpy as np
import pytest
from pydantic import TypeAdapter

from fraud_detection_api.features.rows import as_number
from fraud_detection_api.schemas.record import Record
from tests.features.mutations import TOKENS, mutated
from tests.thoroughness import times

Reader = pytest.importorskip("fraud_detection_api.features._json_rows", reason="needs gcc and python3-dev").Reader
MOST_ROWS = 1000


class Visit(Record):
    """Dates and times as records declare them."""

    day: date
    at: datetime
    left: datetime | None = None
    since: date | None = None


VISITS = TypeAdapter(list[Visit])
VISIT_READER = Reader([("day", "date", False), ("at", "time", False), ("left", "time", True), ("since", "date", True)])
VISIT_SEEDS = [
    b'[{"day":"2024-02-29","at":"2024-05-31T12:30:00Z"}]',
    b'[{"day":"0001-01-01","at":"1969-12-31 23:59:59.999999999-23:59","left":null,"since":"9999-12-31"}]',
    b'[{"day":"1900-02-28","at":"9999-12-31T00:00:00.1+05:45","left":"2000-02-29T00:00:00.1239Z","since":null}]',
]
VISIT_TOKENS = [*TOKENS, b"T", b"Z", b"+02:00", b"-00:00", b"29", b"60", b"24", b"0000-", b"."]


def visits_read(body: bytes) -> list[list[float | None]] | None:
    found = VISIT_READER.read(body, MOST_ROWS)
    if found is None:
        return None
    rows = np.frombuffer(found[1]).reshape(4, found[0]).T.tolist()
    return [[None if math.isnan(value) else value for value in row] for row in rows]


def visits_validated(body: bytes) -> list[list[float | None]] | None:
    try:
        visits = VISITS.validate_python(json.loads(body))
    except ValueError:  # JSON's and Pydantic's are such errors
        return None
    return [[None if value is None else as_number(value) for _, value in visit] for visit in visits]


def test_no_mutation_of_dates_and_times_makes_them_unsound() -> None:
    random, accepted = Random(20240531), 0
    for _ in range(times(20_000)):
        body = mutated(random, random.choice(VISIT_SEEDS), VISIT_TOKENS)
        rows = visits_read(body)
        assert rows is None or rows == visits_validated(body), body
        accepted += rows is not None
    assert accepted > times(500)


@pytest.mark.parametrize("body", VISIT_SEEDS)
def test_dates_and_times_cut_short_are_declined_and_those_as_written_are_taken(body: bytes) -> None:
    assert visits_read(body) == visits_validated(body) is not None
    for size in range(len(body)):  # in memory of just this size, and inside more
        assert VISIT_READER.read(bytes(body[:size]), MOST_ROWS) is None
        assert VISIT_READER.read(memoryview(body)[:size], MOST_ROWS) is None
