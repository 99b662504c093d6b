"""The quick reader of plain bodies accepts nothing that Pydantic would not, and reads the same values."""

import json
import math
import struct
from array import array
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Annotated

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from tests.features.mutations import mutated
from tests.thoroughness import times

Reader = pytest.importorskip("fraud_detection_api.features._json_rows", reason="needs gcc and python3-dev").Reader

Value = float | int | str | bytes | None
Row = list[Value]

REQUIRED = {"customer_id": "identifier", "open_accounts": "integer", "balance": "number", "email": "text"}
OPTIONAL = {"limit": "number", "arrears": "integer", "premium": "boolean", "note": "text"}
FIELDS = [(name, kind, name in OPTIONAL) for name, kind in (REQUIRED | OPTIONAL).items()]
README = (
    '[{"customer_id": 345435, "number_of_open_accounts": 23, "total_credit_limit": 12345,'
    ' "total_balance": 200000, "number_of_accounts_in_arrears": 2}]'
)

AS_THEY_ARE = ("customer_id", "email", "note")
MOST_ROWS = 1000


def _only_numbers(value: object) -> object:
    assert not isinstance(value, bool | str), "a number is written as a number"
    return value


Integer = Annotated[int, Field(strict=False), BeforeValidator(_only_numbers)]


class Account(BaseModel):
    """What Pydantic makes of the same fields."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    customer_id: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    open_accounts: Integer
    balance: float
    email: str
    limit: float | None = None
    arrears: Integer | None = None
    premium: bool | None = None
    note: str | None = None


ACCOUNTS = TypeAdapter(list[Account])
READER = Reader(FIELDS)


def validated(body: bytes) -> list[Row] | None:
    """The rows as Pydantic accepts them, numbers as the bits of a double, or None."""
    try:
        accounts = ACCOUNTS.validate_json(body)
    except ValidationError:
        return None
    return [
        [value if value is None or name in AS_THEY_ARE else struct.pack("<d", value) for name, value in account]
        for account in accounts
    ]


def read(body: bytes) -> list[Row] | None:
    """The rows as the reader accepts them, in the same shape, or None."""
    found = READER.read(body, MOST_ROWS)
    if found is None:
        return None
    size, raw, identifiers, texts = found
    numbers = [
        [None if math.isnan(value) else struct.pack("<d", value) for value in column]
        for column in np.frombuffer(raw).reshape(7, size).tolist()
    ]
    assert numbers.pop(2) == numbers.pop(5) == [bytes(8)] * size  # the places of texts
    columns = array("q", identifiers), *numbers[:2], texts[0], *numbers[2:], texts[1]
    return [list(row) for row in zip(*columns, strict=True)]


def assert_sound(body: bytes) -> bool:
    """True if the body was accepted; then Pydantic must have accepted it too, with the same values."""
    rows = read(body)
    assert rows is None or rows == validated(body), body
    return rows is not None


integers = st.integers(-(10**15) + 1, 10**15 - 1)
normal_floats = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
values = {
    "identifier": st.integers(-(2**63), 2**63 - 1),
    "integer": integers | integers.map(float),
    "number": normal_floats | st.integers(-(2**53), 2**53),
    "boolean": st.booleans(),
    "text": st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32, exclude_characters='"\\{\x7f')),
}
records = st.fixed_dictionaries(
    {name: values[kind] for name, kind in REQUIRED.items()},
    optional={name: st.none() | values[kind] for name, kind in OPTIONAL.items()},
)
orders = st.permutations([name for name, _, _ in FIELDS])
literals = (
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\Z")
    | st.from_regex(r"\A-?[0-9]{1,3}[.eE+-]?[0-9]{0,3}\Z")
    | st.tuples(normal_floats, st.integers(0, 20)).map(lambda pair: f"{pair[0]:.{pair[1]}e}")
)
spellings = literals | st.sampled_from(["null", "true", '""', '"2"', "-0", "-0.0", "NaN", "1e400", "[]", "{}"])
spaces = st.text(" \n\r\t", max_size=3)


@settings(max_examples=times(300), deadline=None)
@given(st.lists(records, max_size=4), orders, st.sampled_from([None, 1]))
def test_it_accepts_what_writers_write(rows: list[dict[str, Value]], order: list[str], indent: int | None) -> None:
    ordered = [{name: row[name] for name in order if name in row} for row in rows]
    assert assert_sound(json.dumps(ordered, ensure_ascii=False, indent=indent).encode())
    assert assert_sound(orjson.dumps(ordered))


@settings(max_examples=times(250), deadline=None)
@given(st.data())
def test_whatever_the_spelling_it_is_sound(data: st.DataObject) -> None:
    rows = []
    for _ in range(data.draw(st.integers(0, 3))):
        names = data.draw(orders)[: data.draw(st.integers(6, 8))]
        cells = [f'{data.draw(spaces)}"{name}":{data.draw(spaces)}{data.draw(spellings)}' for name in names]
        rows.append("{" + f"{data.draw(spaces)},".join(cells) + "}")
    assert_sound(f"{data.draw(spaces)}[{f'{data.draw(spaces)},'.join(rows)}]".encode())


def body_with(**spelled: str) -> bytes:
    """One plain row with these values, as spelled."""
    plain = {"customer_id": "1", "open_accounts": "2", "balance": "3.5", "email": '"a@b.c"'} | spelled
    return ("[{" + ",".join(f'"{name}":{value}' for name, value in plain.items()) + "}]").encode()


@settings(max_examples=times(1000), deadline=None)
@given(literals)
def test_numbers_have_the_bits_that_pydantic_gives_them(literal: str) -> None:
    for name in ("customer_id", "open_accounts", "balance"):
        assert_sound(body_with(**{name: literal}))


@settings(max_examples=times(1000), deadline=None)
@given(normal_floats, st.integers(0, 17))
def test_a_number_is_read_correctly_rounded(value: float, places: int) -> None:
    assert read(body_with(balance=repr(value))) is not None
    for literal in (repr(value), f"{value:.{places}e}"):
        rows = read(body_with(balance=literal))
        assert rows is None or rows[0][2] == struct.pack("<d", float(literal))


SEEDS = [
    body_with(),
    body_with(limit="null", arrears="3.0", premium="true", note='"caf\u00e9 \u4e2d \U0001f600"'),
    b' [ {"email" : "", "balance":-12345.670000000001 ,"customer_id":-9223372036854775808,"open_accounts":0} ]\n',
    b"[" + body_with(balance="1.5e-7")[1:-1] + b", " + body_with(premium="false", limit="0.1")[1:-1] + b"]",
]


def test_no_mutation_of_a_body_makes_it_unsound() -> None:
    random = Random(20240607)
    accepted = sum(assert_sound(mutated(random, random.choice(SEEDS))) for _ in range(times(40_000)))
    assert accepted > times(1_000)


@pytest.mark.parametrize("body", SEEDS)
def test_a_body_cut_short_is_declined_and_not_read_past_its_end(body: bytes) -> None:
    end = len(body.rstrip())
    assert [READER.read(memoryview(body)[:size], MOST_ROWS) for size in range(end)] == [None] * end
    assert READER.read(memoryview(body)[:end], MOST_ROWS) is not None


def random_floats(rows: int) -> bytes:
    """Rows as Python's own json writes them, with all the digits a float has."""
    random = Random(rows)
    scales = (1e-300, 1e-5, 1.0, 1e5, 1e300)
    floats = [random.gauss(0, 1) * random.choice(scales) for _ in range(rows)]
    row = {
        "customer_id": 7,
        "open_accounts": 23.0,
        "arrears": 1,
        "premium": True,
        "email": "caf\u00e9@b.c",
        "note": None,
    }
    return json.dumps([row | {"balance": value, "limit": 1 / value} for value in floats], ensure_ascii=False).encode()


PLAIN = {
    "empty": b"[]",
    "empty, spaced": b" \n[\t]\r ",
    "other order": json.dumps([dict(reversed(row.items())) for row in json.loads(body_with())]).encode(),
    "pretty-printed": json.dumps(json.loads(body_with(note="null")), indent=4).encode(),
    "random floats": random_floats(300),
    "more than the bytes that release the interpreter": random_floats(1000),
    "seventeen digits": body_with(open_accounts="2.3e1", balance="12345.670000000001", limit="-0.30000000000000004"),
    "nineteen digits": body_with(balance="0.0001234567890123456789", limit="9999999999999999999"),
    "largest and smallest": body_with(balance="1.7976931348623157e308", limit="2.2250738585072014E-308"),
    "zeros": body_with(open_accounts="-0", arrears="-0.0", balance="-0", limit="-0.0e-0"),
}


@pytest.mark.parametrize("body", PLAIN.values(), ids=PLAIN)
def test_a_plain_body_takes_the_quick_way(body: bytes) -> None:
    assert assert_sound(body)


def test_the_example_of_the_readme_becomes_columns() -> None:
    kinds = ("identifier", "integer", "number", "number", "integer")
    fields = [(name, kind, False) for name, kind in zip(json.loads(README)[0], kinds, strict=True)]
    found = Reader(fields).read(README.encode(), 1)
    assert found is not None
    size, numbers, identifiers, texts = found
    assert (size, array("d", numbers).tolist(), texts) == (1, [23.0, 12345.0, 200000.0, 2.0], [])
    assert array("q", identifiers).tolist() == [345435]


DECLINED = {
    "nothing": b"",
    "an object": body_with()[1:-1],
    "a byte order mark": b"\xef\xbb\xbf" + body_with(),
    "a zero byte behind": body_with() + b"\0",
    "a form feed": body_with() + b"\f",
    "a comma behind the last row": body_with()[:-1] + b",]",
    "a comma behind the last value": body_with()[:-2] + b",}]",
    "a comma missing": body_with().replace(b',"balance', b'"balance'),
    "a colon missing": body_with().replace(b":", b" "),
    "an array in the array": b"[" + body_with() + b"]",
    "a number beside a row": body_with()[:-1] + b",1]",
    "an unknown field": body_with(nmuber="1"),
    "a field twice": body_with()[:-2] + b',"balance":3.5}]',
    "a field missing": body_with().replace(b'"balance":3.5,', b""),
    "an escaped key": body_with().replace(b"balance", b"bal\\u0061nce"),
    "invalid UTF-8": body_with().replace(b"a@", b"\xff@"),
    "overlong UTF-8": body_with().replace(b"a@", b"\xc0\xaf"),
    "a surrogate in UTF-8": body_with().replace(b"a@", b"\xed\xa0\x80"),
    "past the last character": body_with().replace(b"a@", b"\xf4\x90\x80\x80"),
    "half a character": body_with().replace(b"b.c", b"\xe4\xb8"),
    "too many rows": b"[" + b",".join([body_with()[1:-1]] * (MOST_ROWS + 1)) + b"]",
}
NO_TEXT = ["null", "1", "true", "[]", "'a'", '"a', '"\\u0041"', '"\t"', '"a\0b"', '"{"']
NO_NUMBER = ["", "null", "true", '"23"', "[1]", "{}", "NaN", "-Infinity", "1e400", "-1e309", "5e-324", "nul", "null0"]
NO_NUMBER += ["+1", "01", "-01", "-", ".5", "5.", "1.e5", "1e", "1e+", "0x10", "1_0", "1,5", "1 2", "\uff11", "1" * 20]
NO_INTEGER = [*NO_NUMBER, "23.5", "1e-1", "1000000000000000", "1e15"]
NO_IDENTIFIER = [*NO_NUMBER, "23.0", "1e3", "9223372036854775808", "-9223372036854775809"]
NO_BOOLEAN = ["1", "0", '"true"', "True", "tru", "falsey", "1.0"]
SPELLED = {"balance": NO_NUMBER, "open_accounts": NO_INTEGER, "customer_id": NO_IDENTIFIER, "email": NO_TEXT}
SPELLED |= {"premium": NO_BOOLEAN}
DECLINED |= {f"{name} {word}": body_with(**{name: word}) for name, words in SPELLED.items() for word in words}


@pytest.mark.parametrize("body", DECLINED.values(), ids=[ascii(name) for name in DECLINED])
def test_whatever_is_not_plain_is_declined(body: bytes) -> None:
    assert read(body) is None


UNREADABLE = [[("a", "integer", False)] * 2, [("a", "decimal", False)], [(f"a{at}", "text", True) for at in range(257)]]


@pytest.mark.parametrize("fields", [*UNREADABLE, *([(name, "text", True)] for name in ('"', "a\\", "\n", "a\0"))])
def test_fields_that_cannot_be_read_are_refused(fields: list[tuple[str, str, bool]]) -> None:
    with pytest.raises(ValueError, match="field"):
        Reader(fields)


def test_a_record_may_have_256_fields_in_any_order() -> None:
    names = [f"field{number}" for number in range(256)]
    rows = [{name: float(Random(row).random()) for name in Random(row).sample(names, 256)} for row in range(5)]
    found = Reader([(name, "number", False) for name in names]).read(orjson.dumps(rows), 5)
    assert found is not None
    assert np.frombuffer(found[1]).reshape(256, 5).T.tolist() == [[row[name] for name in names] for row in rows]


def test_one_reader_serves_many_threads() -> None:
    body = random_floats(1000)
    expected = READER.read(body, MOST_ROWS)
    assert expected is not None
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: READER.read(body, MOST_ROWS), range(64))) == [expected] * 64
