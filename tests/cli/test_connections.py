"""What stands before a body, and what is sent ahead: bounded while it comes, in a service as everybody starts it."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from fraud_detection_api.cli.connections import MOST_AHEAD, MOST_HEAD
from tests.running_service import RunningService, running_service

GET, CLOSE = b"GET /ping HTTP/1.1\r\n", b"Connection: close\r\n\r\n"
CHUNKED = b"POST /insert HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
LINES = MOST_HEAD // len(b"a: b\r\n")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without models: heads come before them."""
    with running_service(tmp_path_factory.mktemp("connections"), {}) as service:
        yield service


def statuses(service: RunningService, *parts: bytes) -> list[int]:
    """Of all answers on one connection, to parts that are sent one by one, until the service closes it."""
    received = b""
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection, suppress(ConnectionError):
        for part in parts:
            connection.sendall(part)
        while more := connection.recv(65_536):
            received += more
    return [int(answer[:3]) for answer in received.split(b"HTTP/1.1 ")[1:]]


def test_heads_of_the_usual_size_are_taken(service: RunningService) -> None:
    assert statuses(service, GET, b"a: b\r\n" * (LINES - 20), CLOSE) == [200]
    assert statuses(service, b"GET /" + b"a" * (MOST_HEAD - 1_000) + b" HTTP/1.1\r\n", CLOSE) == [404]
    assert statuses(service, GET, b"a: " + b"b" * (MOST_HEAD - 1_000) + b"\r\n", CLOSE) == [200]


@pytest.mark.parametrize(
    "parts",
    [
        (GET, b"a: b\r\n" * 4 * LINES),
        (b"GET /ping?" + b"a" * 4 * MOST_HEAD,),
        (b"GET /ping?", *[b"a" * 1_000] * 400),
        (GET + b"a: ", *[b"b" * 1_000] * 400),
        (CHUNKED + b"1;a=", *[b"b" * 1_000] * 400),
        (CHUNKED + b"0\r\n" + b"a: b\r\n" * 4 * LINES,),
        (b"\r\n" * 2 * MOST_HEAD,),
    ],
    ids=[
        "headers",
        "address",
        "address in parts",
        "header in parts",
        "extension of a chunk",
        "trailers",
        "line breaks",
    ],
)
def test_what_does_not_end_is_refused_before_it_is_gathered(service: RunningService, parts: tuple[bytes, ...]) -> None:
    assert statuses(service, *parts) in ([400], [])  # closed; the answer may be lost to a client that is still sending


def test_requests_may_be_sent_ahead_up_to_a_bound(service: RunningService) -> None:
    few, many = b"".join([GET + b"\r\n"] * MOST_AHEAD), b"".join([GET + b"\r\n"] * (MOST_AHEAD + 2))
    assert statuses(service, few + GET + CLOSE) == [200] * (MOST_AHEAD + 1)
    assert statuses(service, many)[-1:] in ([400], [])


def test_a_body_that_nobody_wants_is_read_to_its_end(service: RunningService) -> None:
    post = b"POST /nowhere HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % 5_000_000
    assert statuses(service, post + b" " * 5_000_000, GET, CLOSE) == [404, 200]


def test_bodies_of_any_number_of_chunks_are_read(service: RunningService) -> None:
    chunks = b"1\r\n \r\n" * 100_000
    answer = statuses(service, CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), chunks, b"0\r\n\r\n")
    assert answer == [422]
