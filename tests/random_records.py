"""Hypothesis strategies for records of any use case: mostly good, with bad values mixed in."""

from collections.abc import Mapping
from datetime import date, timedelta

from hypothesis import strategies as st

from fraud_detection_api.schemas.record import Kind, RecordField
from fraud_detection_api.schemas.times import FIRST_TIME, LAST_TIME, time_text
from fraud_detection_api.schemas.use_case import UseCase
from tests.examples import Row, Value, bad_spellings, choices, examples_of

FIRST_DAY = date(1970, 1, 1)


def rows_of(use_case: UseCase, most: int = 4) -> st.SearchStrategy[list[Row]]:
    """Rows that JSON and a table can both hold; some of them break types, bounds or rules."""
    fields = {field.name: _values(field, use_case) for field in use_case.fields}
    return st.lists(st.fixed_dictionaries(fields), max_size=most)


def spelled_rows_of(use_case: UseCase) -> st.SearchStrategy[bytes]:
    """Bodies whose values are spelled in every way that JSON knows, and in some that it does not."""
    spellings = {field.name: _spellings(field, use_case) for field in use_case.fields}
    return st.lists(_spelled_row(spellings), max_size=3).map(lambda rows: f"[{','.join(rows)}]".encode())


@st.composite
def _spelled_row(draw: st.DrawFn, spellings: Mapping[str, st.SearchStrategy[str]]) -> str:
    names = list(spellings)
    spelled = {name: draw(spelling) for name, spelling in spellings.items()}
    order = draw(st.just(names) | st.permutations(names))
    left_out = draw(st.sampled_from([None, None, None, *names]))
    return "{" + ",".join(f'"{name}": {spelled[name]}' for name in order if name != left_out) + "}"


def _spellings(field: RecordField, use_case: UseCase) -> st.SearchStrategy[str]:
    good = _likely_values(field, use_case).map(_as_json)
    bad = st.sampled_from(sorted(bad_spellings(field, use_case).values()))
    return st.integers(0, 30).flatmap(lambda number: bad if number == 0 else good)


def _as_json(value: Value) -> str:
    if isinstance(value, str):
        return f'"{value}"' if value.isprintable() and not set(value) & set('"\\') else '"plain"'
    return "null" if value is None else repr(value).lower()


def _values(field: RecordField, use_case: UseCase) -> st.SearchStrategy[Value]:
    likely, wild = _likely_values(field, use_case), _wild_values(field)
    return st.integers(0, 30).flatmap(lambda number: wild if number == 0 else likely)


def _likely_values(field: RecordField, use_case: UseCase) -> st.SearchStrategy[Value]:
    examples = examples_of(field, use_case)
    known: st.SearchStrategy[Value] = st.sampled_from([*examples, *choices(field, use_case)])
    match field.kind:
        case Kind.BOOLEAN:
            likely: st.SearchStrategy[Value] = st.booleans()
        case Kind.INTEGER:
            low, high = int(max(field.low, -(2**50))), int(min(field.high, 2**50))
            likely = known | st.integers(low, high)
        case Kind.NUMBER:
            likely = known | st.floats(field.low, field.high, width=64) | known.map(_nudged)
        case Kind.DATE:
            first, last = int(max(field.low, -700_000)), int(min(field.high, 2_900_000))
            likely = known | st.integers(first, last).map(_as_iso)
        case Kind.TIME:
            likely = known | st.integers(int(field.low), int(field.high)).flatmap(written_times)
        case Kind.CATEGORY:
            likely = known if choices(field, use_case) else known | st.text(st.characters(exclude_categories=["Cs"]))
    return likely | st.none() if field.optional else likely


def _wild_values(field: RecordField) -> st.SearchStrategy[Value]:
    match field.kind:
        case Kind.BOOLEAN:
            return st.none()
        case Kind.INTEGER:
            beyond = [int(max(field.low, -(2**62))) - 1, int(min(field.high, 2**62)) + 1]
            return st.none() | st.sampled_from([*beyond, 0, -1, 0.0, -0.0, 23.0, 23.9, 1e300, 1e-300])
        case Kind.NUMBER:
            return st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
        case Kind.DATE:
            return st.none() | st.dates().map(str)
        case Kind.TIME:
            return st.none() | st.integers(FIRST_TIME, LAST_TIME).flatmap(written_times)
        case Kind.CATEGORY:
            return st.none() | st.just("") | st.text(max_size=3).map(lambda text: f"5{text!a}")


def _nudged(value: Value) -> Value:
    return value * 1.0000000001 if isinstance(value, float) else value


def written_times(milliseconds: int) -> st.SearchStrategy[Value]:
    """A time in some of the ways to write it: in any zone, and finer than it is read."""
    offset, digits = st.integers(-23 * 60 - 59, 23 * 60 + 59), st.integers(0, 999_999)
    return st.tuples(st.sampled_from("T "), st.integers(0, 9), offset | st.none(), digits).map(
        lambda drawn: _written(milliseconds, *drawn)
    )


def _written(milliseconds: int, separator: str, places: int, offset: int | None, digits: int) -> str:
    shown = min(max(milliseconds + (offset or 0) * 60_000, FIRST_TIME), LAST_TIME)
    text = time_text(shown - shown % 1000).removesuffix("Z").replace("T", separator)
    fraction = f".{shown % 1000:03}{digits:06}"[: places + 1] if places else ""
    if offset is None:
        return f"{text}{fraction}Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{text}{fraction}{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def _as_iso(days: int) -> str:
    return str(FIRST_DAY + timedelta(days))
