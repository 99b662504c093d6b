"""Good and bad values of any use case, derived from its record alone: a new use case is covered without a new test."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import get_args

import numpy as np
from pydantic import TypeAdapter

from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind, Record, RecordField
from fraud_detection_api.schemas.times import FIRST_TIME, LAST_TIME, time_number, time_text
from fraud_detection_api.schemas.use_case import Rule, UseCase

Value = str | int | float | bool | None
Row = dict[str, Value]
SPREAD = 20 * 86_400_000  # milliseconds

WRONG_TYPES = {"a list": "[]", "an object": "{}", "a list of it": "[1]"}
NO_NUMBERS = WRONG_TYPES | {
    "a number as text": '"23"',
    "a text": '"many"',
    "an empty text": '""',
    "true": "true",
    "false": "false",
    "NaN": "NaN",
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "a number of 400 digits": "9" * 400,
}
NO_INTEGERS = NO_NUMBERS | {"a fraction": "23.9", "a small fraction": "1e-1"}
NO_BOOLEANS = WRONG_TYPES | {"one": "1", "zero": "0", "1.0": "1.0", "true as text": '"true"', "a text": '"yes"'}
NO_TEXTS = WRONG_TYPES | {"a number": "1", "a fraction": "1.5", "true": "true", "half a character": '"\\ud800"'}
NO_DATES = WRONG_TYPES | {
    "no such month": '"2024-13-01"',
    "no such day": '"2023-02-29"',
    "no dashes": '"20240131"',
    "a week": '"2024-W01-1"',
    "a moment": '"2024-01-31T00:00:00"',
    "a word": '"yesterday"',
    "an empty text": '""',
    "a number": "19753",
    "true": "true",
}
NO_TIMES = WRONG_TYPES | {
    "no such month": '"2024-13-01T00:00:00Z"',
    "no such day": '"2023-02-29T00:00:00Z"',
    "no such hour": '"2024-01-31T24:00:00Z"',
    "no such second": '"2024-01-31T23:59:60Z"',
    "no such offset": '"2024-01-31T23:59:00+24:00"',
    "no such minutes of an offset": '"2024-01-31T23:59:00+02:60"',
    "no zone": '"2024-01-31T12:30:00"',
    "no seconds": '"2024-01-31T12:30Z"',
    "no digits behind the point": '"2024-01-31T12:30:00.Z"',
    "ten digits behind the point": '"2024-01-31T12:30:00.1234567890Z"',
    "no colon in its offset": '"2024-01-31T12:30:00+0200"',
    "no dashes": '"20240131T123000Z"',
    "a day": '"2024-01-31"',
    "a word": '"yesterday"',
    "an empty text": '""',
    "a number": "1706704200000",
    "true": "true",
}
_WRONG = {
    Kind.INTEGER: NO_INTEGERS,
    Kind.NUMBER: NO_NUMBERS,
    Kind.BOOLEAN: NO_BOOLEANS,
    Kind.CATEGORY: NO_TEXTS,
    Kind.DATE: NO_DATES,
    Kind.TIME: NO_TIMES,
}


def bad_spellings(field: RecordField, use_case: UseCase) -> dict[str, str]:
    """JSON texts that the field must refuse, by what is wrong with them."""
    bad = dict(_WRONG[field.kind])
    if not field.optional:
        bad["null"] = "null"
    if field.kind is Kind.CATEGORY:
        return bad | ({"no such choice": '"nobody declared this"'} if choices(field, use_case) else {})
    return bad if field.kind is Kind.BOOLEAN else bad | _outside_bounds(field)


def _outside_bounds(field: RecordField) -> dict[str, str]:
    if field.kind is Kind.NUMBER:
        below, above = math.nextafter(field.low, -math.inf), math.nextafter(field.high, math.inf)
        return {"below the bound": repr(below), "above the bound": repr(above)}
    if field.kind is Kind.INTEGER:
        return {"below the bound": str(int(field.low) - 1), "above the bound": str(int(field.high) + 1)}
    if field.kind is Kind.TIME:
        times = {"below the bound": int(field.low) - 1, "above the bound": int(field.high) + 1}
        return {name: f'"{time_text(at)}"' for name, at in times.items() if FIRST_TIME <= at <= LAST_TIME}
    days = {"below the bound": field.low - 1, "above the bound": field.high + 1}
    return {name: f'"{_day(at)}"' for name, at in days.items() if abs(at) < 100_000}


def examples_of(field: RecordField, use_case: UseCase) -> list[Value]:
    """What its declaration shows."""
    return use_case.record.model_fields[field.attribute].examples or []


def choices(field: RecordField, use_case: UseCase) -> tuple[str, ...]:
    """The values of a Literal, or nothing."""
    return get_args(use_case.record.model_fields[field.attribute].annotation) if not field.optional else ()


def good_rows(use_case: UseCase, size: int, seed: int = 0) -> list[Row]:
    """Random records around the examples, no two of the same identifier, that break no bound and no rule."""
    random, rows, batch = Random(f"{use_case.name} {seed}"), list[Row](), list[Row]()
    while len(rows) < size:
        batch = [random_row(use_case, random, len(rows) + number) for number in range(2 * size)]
        broken = {problem.row for problem in problems_of(batch, use_case)}
        rows += [row for number, row in enumerate(batch) if number not in broken]
    return [_identified(row, use_case, number) for number, row in enumerate(rows[:size])]


def random_row(use_case: UseCase, random: Random, number: int = 0) -> Row:
    """A random record around the example; it may break a rule."""
    return _identified(
        {field.name: _good_value(field, use_case, random) for field in use_case.fields}, use_case, number
    )


def rule_breakers(use_case: UseCase, rule: Rule) -> list[Row]:
    """Records that break this rule and nothing else."""
    random = Random(rule.message)
    rows = [random_row(use_case, random, number) for number in range(500)]
    found: dict[int, list[str]] = {}
    for problem in problems_of(rows, use_case):
        found.setdefault(problem.row, []).append(problem.message)
    return [rows[row] for row, messages in found.items() if messages == [rule.message]]


def problems_of(rows: list[Row], use_case: UseCase) -> list[Problem]:
    """What the check finds in rows whose types are right."""
    return RecordCheck(use_case).problems(RecordReader(use_case).columns(records_of(rows, use_case)))


def columns_of(rows: Iterable[Row], use_case: UseCase) -> Columns:
    """The rows' columns, with what they know of each other where the use case has histories."""
    columns = RecordReader(use_case).columns(records_of(rows, use_case))
    if use_case.histories is None:
        return columns
    return replace(columns, remembered=Remembering(use_case).of_table(columns))


def records_of(rows: Iterable[Row], use_case: UseCase) -> list[Record]:
    """The rows as Pydantic makes records of them."""
    records: list[Record] = TypeAdapter(list[use_case.record]).validate_python(list(rows))  # type: ignore[name-defined]
    return records


def _good_value(field: RecordField, use_case: UseCase, random: Random) -> Value:
    return None if field.optional and random.random() < 0.25 else _present_value(field, use_case, random)


def _present_value(field: RecordField, use_case: UseCase, random: Random) -> Value:
    examples = examples_of(field, use_case)
    match field.kind:
        case Kind.BOOLEAN:
            return random.random() < 0.5
        case Kind.CATEGORY:
            return str(random.choice([*examples, *choices(field, use_case)]))
        case Kind.DATE:
            day = (date.fromisoformat(str(examples[0])) - date(1970, 1, 1)).days
            return str(_day(random.randint(*map(int, _around(day, field)))))
        case Kind.TIME:
            time = time_number(datetime.fromisoformat(str(examples[0])))
            return time_text(random.randint(max(time - SPREAD, int(field.low)), min(time + SPREAD, int(field.high))))
        case Kind.INTEGER:
            return random.randint(*map(int, _around(examples[0], field)))
        case Kind.NUMBER:
            value = random.uniform(*_around(examples[0], field))
            return random.choice([value, round(value, 2)]) if field.low < round(value, 2) < field.high else value


def _around(example: Value, field: RecordField) -> tuple[float, float]:
    assert isinstance(example, int | float)
    spread = max(abs(example), 10)
    return max(field.low, example - spread), min(field.high, example + spread)


def _identified(row: Row, use_case: UseCase, number: int) -> Row:
    """A row with an identifier of its own, where there is one, and keys of its own, of which nothing is known."""
    name = use_case.identifier
    keys = {key: _own_key(row[key], number) for key in keys_of(use_case) if row[key] is not None}
    return (row if name is None else row | {name: _identifier(row[name], number)}) | keys


def keys_of(use_case: UseCase) -> set[str]:
    """The fields that its histories are kept by."""
    return {name for each in (use_case.histories.of if use_case.histories else ()) for name in each.key}


def _own_key(value: Value, number: int) -> Value:
    return f"{number}-{value}" if isinstance(value, str) else 1_000 + number


def _identifier(example: Value, number: int) -> Value:
    if isinstance(example, str):
        return re.sub(r"\d+$", lambda digits: str(number).zfill(len(digits[0])), example)
    return 1_000 + number


def _day(days: float) -> date:
    return date(1970, 1, 1) + timedelta(days)


def body_of(rows: Iterable[Mapping[str, Value]]) -> bytes:
    """Rows as a request body that the quick reader takes."""
    return json.dumps(list(rows), ensure_ascii=False).encode()


def spelled_body(rows: list[Row], at: int, name: str, spelling: str) -> bytes:
    """The same body, with one value of one row spelled like this."""
    marked = [row | {name: "<here>"} if number == at else row for number, row in enumerate(rows)]
    return body_of(marked).replace(b'"<here>"', spelling.encode())


def slow_body_of(rows: Iterable[Row]) -> bytes:
    """Rows as a body that only Pydantic takes: one key is escaped."""
    body = body_of(rows)
    letter = body[3:4].decode()
    return body[:3] + f"\\u{ord(letter):04x}".encode() + body[4:]


def raw_table(rows: list[Row], use_case: UseCase) -> dict[str, RawColumn]:
    """Rows as the columns that a file reader hands over."""
    return {field.name: _raw_column([row.get(field.name) for row in rows], field.kind) for field in use_case.fields}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _is_whole(value: float) -> bool:
    return abs(value) < 2**63 and value == int(value)


def _raw_column(values: list[Value], kind: Kind) -> RawColumn:
    match kind:
        case Kind.CATEGORY:
            return np.array([*values, None], dtype=object)[:-1]
        case Kind.DATE:
            return np.array(values, dtype="datetime64[us]")
        case Kind.TIME:
            return np.array(
                [None if value is None else _moment(str(value)) for value in values], dtype="datetime64[us]"
            )
        case Kind.INTEGER if all(isinstance(value, int | float) and _is_whole(value) for value in values):
            return np.array([int(value or 0) for value in values], dtype=np.int64)
        case Kind.BOOLEAN if values and None not in values:
            return np.array(values, dtype=bool)
        case _:
            return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
