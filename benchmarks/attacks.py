"""What a stranger may send: bodies, heads and ways of sending that are made to cost more than they weigh."""

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks.servers import HOST

LIST, SINGLE, VECTOR, INSERT = "/fraud_detection", "/predict_fraud", "/prediction", "/insert"
FULL, SCORES = "/score/credit_accounts", "/scores/raizen_gasoline/fraud"
REASONS = FULL + "?reasons=3&reasons_for=all"
RECORDS = 100_000
GOOD = b'{"customer_id":1,"number_of_open_accounts":5,"total_credit_limit":9.5,"total_balance":1.5,'
GOOD += b'"number_of_accounts_in_arrears":1}'
UNUSUAL = b'{"customer_id":1,"number_of_open_accounts":99,"total_credit_limit":9e8,"total_balance":9e8,'
UNUSUAL += b'"number_of_accounts_in_arrears":99}'
PIECE = 65_536


@dataclass(frozen=True)
class Attack:
    """What is sent on one connection, and how many bytes that is."""

    what: str
    size: int
    pieces: Callable[[], Iterable[bytes]]


def attacks(size: int) -> Iterator[Attack]:
    """Every attack, the large ones of about so many bytes."""
    yield from (posted(what, path, body) for what, path, body in bodies(size))
    yield from _chunked(size)
    yield from _heads(size)


def posted(what: str, path: str, body: bytes, *headers: bytes) -> Attack:
    """A body whose length is told."""
    head = _head(b"POST", path, b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers)
    return Attack(what, len(head) + len(body), lambda: (head, body))


def bodies(size: int) -> Iterator[tuple[str, str, bytes]]:
    """A name, an address, and a body of about so many bytes or of 100,000 records."""
    yield "one record, for comparison", LIST, _array(GOOD, 1)
    yield from _lists(size)
    yield from _answers()
    yield from _others(size)
    yield from _insertions(size)


def _lists(size: int) -> Iterator[tuple[str, str, bytes]]:
    escaped = GOOD.replace(b"customer_id", b"customer_i\\u0064")
    yield "100,000 good records", LIST, _array(GOOD, RECORDS)
    yield "100,000 records with an escape", LIST, _array(escaped, RECORDS)
    yield "100,000 records out of bounds", LIST, _array(GOOD.replace(b":5", b":-5"), RECORDS)
    yield "100,000 with an unknown name", LIST, _array(GOOD.replace(b"{", b'{"a":1,'), RECORDS)
    yield "a wrong one after 99,999", LIST, _array(escaped, RECORDS - 1)[:-1] + b",{}]"
    yield "empty objects", LIST, _array(b"{}", size // 3)
    yield "empty lists", LIST, _array(b"[]", size // 3)
    yield "digits", LIST, _array(b"7", size // 2)
    yield "nested lists", LIST, b"[" * size
    yield "nested objects", LIST, b'[{"a":' * (size // 6)
    yield "lists nested 900 deep", LIST, _array(b"[" * 900 + b"]" * 900, size // 1_801)
    yield "one long text", LIST, b'[{"customer_id":"' + b"a" * size + b'"}]'
    yield "one long text, wide", LIST, b'[{"customer_id":"' + "\U0001f600".encode() + b"a" * size + b'"}]'
    yield "one long number", LIST, b"[" + b"9" * size + b"]"
    yield "long fractions", LIST, _array(GOOD.replace(b"9.5", b"9." + b"5" * 120_000), size // 120_000)
    yield "long exponents", LIST, _array(GOOD.replace(b"9.5", b"9e" + b"5" * 120_000), size // 120_000)
    yield "a million names", LIST, b"[{" + b",".join(b'"a%d":1' % name for name in range(size // 12)) + b"}]"
    yield "objects of many names", LIST, _array(_names(10_000), size // 110_000)
    yield "one name again and again", LIST, _array(b"{" + b'"customer_id":1,' * 8_000 + b'"a":1}', size // 128_000)
    yield "objects of many lists", LIST, _array(b'{"a":[' + b"[]," * 40_000 + b"[]]}", size // 120_000)
    yield "spaces", LIST, b"[" + b" " * size + b"]"
    yield "invalid UTF-8", LIST, b'["' + b"\xff" * size + b'"]'
    yield "no JSON", LIST, b"a" * size


def _answers() -> Iterator[tuple[str, str, bytes]]:
    yield "100,000 records, all warned of", FULL, _array(UNUSUAL, RECORDS)
    yield "20,000 records, for reasons", REASONS, _array(GOOD, 20_000)
    yield "2,000 warned of, for reasons", REASONS, _array(UNUSUAL, 2_000)


def _others(size: int) -> Iterator[tuple[str, str, bytes]]:
    yield "empty objects, for reasons", REASONS, _array(b"{}", size // 3)
    yield "a list for one record", SINGLE, _array(b"{}", 40_000)
    yield "many names for one record", SINGLE, _names(10_000)
    yield "a long vector", VECTOR, b'{"feature_vector":[' + b"1," * 60_000 + b"1]}"
    yield "no address at all", "/nowhere", b"[" * size


def _insertions(size: int) -> Iterator[tuple[str, str, bytes]]:
    wide = "\U0001f600".encode()
    yield "100,000 scores to store", INSERT, scores_to_store(b"7", b"0.5", b'"fraud"')
    yield "100,000 wrong scores to store", INSERT, scores_to_store(b'"a"', b"7", b"null")
    yield "a wrong class after 99,999", INSERT, scores_to_store(b"7", b"0.5", b'"fraud"').replace(b'"]', b'x"]')
    yield "commas to store", INSERT, b"[" + b"," * size
    yield "empty lists to store", INSERT, scores_to_store(b"[]", b"[]", b"[]")
    yield "empty objects to store", INSERT, b'{"id":' + _array(b"{}", 390_000) + b"}"
    yield "many names to store", INSERT, _names(390_000)
    yield "digits to store", INSERT, _array(b"7", 390_000)
    yield "nested lists to store", INSERT, b"[" * 19_000_000
    yield "spaces to store", INSERT, b" " * 19_000_000
    yield "a long text to store", INSERT, b'{"id":"' + wide + b"a" * 19_000_000 + b'"}'
    yield "a text too long to store", INSERT, b'{"id":"' + wide + b"a" * size + b'"}'


def _chunked(size: int) -> Iterator[Attack]:
    yield _in_chunks("spaces, a chunk for each", b" ", 1, size)
    yield _in_chunks("spaces, 16 in a chunk", b" ", 16, size)
    yield _in_chunks("chunks with long extensions", b" ", 1, size, b";" + b"a" * 1_000)
    yield _in_chunks("an extension without an end", b" ", 1, size, b";" + b"a" * size)
    trailers = _head(b"POST", LIST, b"Content-Type: application/json", b"Transfer-Encoding: chunked") + b"0\r\n"
    yield Attack("trailers without an end", size, lambda: (trailers, *repeated(b"a: b\r\n", size)))
    zipped = gzip.compress(b" " * size)
    yield posted("a compressed body", LIST, zipped, b"Content-Encoding: gzip")
    yield posted("a body after 100-continue", LIST, b" " * size, b"Expect: 100-continue")


def _in_chunks(what: str, byte: bytes, length: int, size: int, extension: bytes = b"") -> Attack:
    head = _head(b"POST", LIST, b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    chunk = b"%x%b\r\n%b\r\n" % (length, extension, byte * length)
    return Attack(what, size, lambda: (head, *repeated(chunk, size), b"0\r\n\r\n"))


def _heads(size: int) -> Iterator[Attack]:
    start, end = b"GET /ping HTTP/1.1\r\n", b"Connection: close\r\n\r\n"
    yield Attack("many headers", size, lambda: (start, *repeated(b"a: b\r\n", size), end))
    yield Attack("one long header", size, lambda: (start, b"a: ", *repeated(b"b", size), b"\r\n", end))
    yield Attack("a long address", size, lambda: (b"GET /", *repeated(b"a", size), b" HTTP/1.1\r\n", end))
    yield Attack("a long query", size, lambda: (b"GET /ping?", *repeated(b"a=1&", size), b" HTTP/1.1\r\n", end))
    many = b"&".join(b"%x=" % name for name in range(5_000))
    yield posted("a query of many names", f"{REASONS}&{many.decode()}", _array(GOOD, 1))
    yield posted("one query name again and again", FULL + "?" + "reasons=1&" * 2_500 + "reasons=1", _array(GOOD, 1))
    pages = _head(b"GET", f"{SCORES}?{many.decode()}")
    yield Attack("pages asked for in many names", len(pages), lambda: (pages,))
    ahead = b"GET /ping HTTP/1.1\r\n\r\n"
    yield Attack("requests sent ahead", size, lambda: (*repeated(ahead, size), start, end))
    record = _array(GOOD, 1)
    post = b"POST %b HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    posts = post % (LIST.encode(), len(record), record)
    yield Attack("records sent ahead", size // 4, lambda: (*repeated(posts, size // 4), start, end))


def repeated(part: bytes, size: int) -> Iterator[bytes]:
    """The part again and again, whole, in pieces that are sent at once."""
    times = max(1, PIECE // len(part))
    piece = part * times
    for _ in range(max(1, size // len(piece))):
        yield piece


def scores_to_store(*columns: bytes, rows: int = RECORDS) -> bytes:
    """A body with one value of each column again and again."""
    names = (b"id", b"outlier_prob", b"class_pred")
    lists = b",".join(b'"%b":%b' % (name, _array(value, rows)) for name, value in zip(names, columns, strict=True))
    return b'{"project_name":"raizen_gasoline","table_name":"fraud",' + lists + b"}"


def _head(method: bytes, path: str, *headers: bytes) -> bytes:
    lines = (b"%b %b HTTP/1.1" % (method, path.encode()), b"Host: " + HOST.encode(), b"Connection: close", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _array(record: bytes, count: int) -> bytes:
    return b"[" + b",".join([record] * count) + b"]"


def _names(count: int) -> bytes:
    return b"{" + b",".join(b'"a%d":1' % name for name in range(count)) + b"}"
