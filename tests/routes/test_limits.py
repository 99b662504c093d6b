"""Limits: rows, bytes, requests in flight, the deadline; each refused early, each with its own code."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.routes.admission import MOST_QUERY
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.conftest import Shop
from tests.declared_use_cases import CARD_TAPS
from tests.examples import body_of, good_rows, slow_body_of
from tests.running_service import RunningService, SlowPost, eventually, running_service
from tests.small_models import SmallModel, promoted

PATH = "/fraud_detection"
ROWS = good_rows(CREDIT_ACCOUNTS, 20)
BODY = body_of(ROWS[:3])
MOST_RECORDS, MOST_BYTES = 10, 5_000
LARGEST = 2_000_000  # bytes: it comes in many pieces


@pytest.fixture(scope="module")
def folder(credit_model: SmallModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry and a champion."""
    folder = tmp_path_factory.mktemp("limits")
    promoted(Registry(folder / "models"), credit_model)
    return folder


@pytest.fixture(scope="module")
def small(folder: Path) -> Iterator[RunningService]:
    """A service that takes few rows and few bytes."""
    with running_service(folder, {"max_records": MOST_RECORDS, "max_body_bytes": MOST_BYTES}) as service:
        yield service


@pytest.fixture(scope="module")
def crowded(folder: Path) -> Iterator[RunningService]:
    """A service that takes two requests at once."""
    with running_service(folder, {"max_requests_in_flight": 2}) as service:
        yield service


@pytest.fixture(scope="module")
def narrow(folder: Path) -> Iterator[RunningService]:
    """A service that holds one of the largest bodies at once, as it does at least."""
    with running_service(folder, {"max_body_bytes": LARGEST, "max_bytes_in_flight": 1}) as service:
        yield service


@pytest.fixture(scope="module")
def hurried(folder: Path) -> Iterator[RunningService]:
    """A service with a short deadline."""
    with running_service(folder, {"deadline_seconds": 1, "use_cases": "tests.declared_use_cases:SLOW_TAPS"}) as service:
        yield service


def refused_with(answer: tuple[int, object, bytes]) -> tuple[int, str]:
    """Status and code of a refusal that was read from a socket."""
    status, _, body = answer
    return status, json.loads(body)["code"]


class TestRecords:
    @pytest.mark.parametrize("path", ["/fraud_detection", "/score/credit_accounts"])
    def test_as_many_as_allowed_are_answered_and_one_more_is_413(self, small: RunningService, path: str) -> None:
        with small.client() as client:
            assert client.post(path, json=ROWS[:MOST_RECORDS]).status_code == 200
            response = client.post(path, json=ROWS[: MOST_RECORDS + 1])
        assert (response.status_code, response.json()["code"]) == (413, "too_many_records")
        assert "at most 10 records" in response.json()["detail"]

    def test_too_many_are_not_looked_at_one_by_one(self, small: RunningService) -> None:
        with small.client() as client:
            for body in (b"[" + b"{}," * 500 + b"{}]", b"[" + b"7," * 2_000 + b"7]"):
                response = client.post(PATH, content=body, headers={"Content-Type": "application/json"})
                assert (response.status_code, response.json()["code"]) == (413, "too_many_records")


class TestQueries:
    @pytest.mark.parametrize("path", ["/ping", "/score/credit_accounts", "/scores/raizen_gasoline/fraud"])
    def test_one_too_long_is_414_before_its_names_are_looked_at(self, small: RunningService, path: str) -> None:
        with small.client() as client:
            for size, expected in ((MOST_QUERY, 422), (MOST_QUERY + 1, 414)):
                method = "POST" if path.startswith("/score/") else "GET"
                answer = client.request(method, f"{path}?{'a' * size}", json=ROWS[:1] if method == "POST" else None)
                assert answer.status_code == expected
        assert answer.json()["code"] == "query_too_long"


class TestBytes:
    def test_one_too_many_is_413(self, small: RunningService) -> None:
        headers = {"Content-Type": "application/json"}
        with small.client() as client:
            assert client.post(PATH, content=BODY.ljust(MOST_BYTES), headers=headers).status_code == 200
            response = client.post(PATH, content=BODY.ljust(MOST_BYTES + 1), headers=headers)
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
        assert "at most 5,000 bytes" in response.json()["detail"]

    def test_an_announced_size_is_refused_before_a_byte_of_it_was_sent(self, small: RunningService) -> None:
        with SlowPost(small, PATH, length=10**12) as post:
            assert refused_with(post.answer()) == (413, "body_too_large")

    def test_an_upload_in_chunks_is_refused_when_it_grows_too_large_and_not_at_its_end(
        self, small: RunningService
    ) -> None:
        with SlowPost(small, PATH) as post:
            for _ in range(MOST_BYTES // 1_000 + 1):
                post.send(b" " * 1_000)
            status, headers, body = post.answer()
        assert (status, json.loads(body)["code"]) == (413, "body_too_large")
        assert headers["Connection"] == "close"

    def test_an_upload_in_small_chunks_is_answered(self, small: RunningService) -> None:
        with SlowPost(small, PATH) as post:
            for at in range(0, len(BODY), 7):
                post.send(BODY[at : at + 7])
            post.socket.sendall(b"0\r\n\r\n")
            status, _, answer = post.answer()
        assert (status, len(json.loads(answer))) == (200, 3)


def two_fit(crowded: RunningService, client: httpx.Client) -> bool:
    """Whether a request is answered while another is half sent, and that one after it."""
    with SlowPost(crowded, PATH, len(BODY)) as slow, suppress(OSError):  # who is refused early may not send the rest
        slow.send(BODY[:50])
        meanwhile = client.post(PATH, json=ROWS[:1]).status_code
        slow.send(BODY[50:])
        return (meanwhile, slow.answer()[0]) == (200, 200)
    return False


class TestRequestsInFlight:
    def test_one_too_many_is_429_until_another_is_done(self, crowded: RunningService) -> None:
        with crowded.client() as client, ExitStack() as stack:
            halves = [stack.enter_context(SlowPost(crowded, PATH, len(BODY))) for _ in range(2)]
            for post in halves:
                post.send(BODY[:50])
            eventually(lambda: client.post(PATH, content=BODY).status_code == 429)
            response = client.post("/score/credit_accounts", json=ROWS[:1])
            assert (response.status_code, response.json()["code"]) == (429, "too_busy")
            assert response.headers["Retry-After"] == "1"
            assert client.get("/ping").status_code == client.get("/ready").status_code == 200
            for post in halves:
                post.send(BODY[50:])
                assert post.answer()[0] == 200
            assert client.post(PATH, json=ROWS[:1]).status_code == 200

    def test_a_client_that_hangs_up_makes_room(self, crowded: RunningService) -> None:
        with crowded.client() as client:
            for _ in range(3):
                while not hung_up(crowded, client):
                    pass
                eventually(lambda: two_fit(crowded, client))

    def test_a_pile_up_is_answered_or_told_to_come_again(self, crowded: RunningService) -> None:
        found: list[httpx.Response] = []

        def post_a_lot() -> None:
            with crowded.client() as client:
                found.extend(client.post(PATH, json=ROWS * 100) for _ in range(10))

        threads = [threading.Thread(target=post_a_lot) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 120
        assert {response.status_code for response in found} <= {200, 429}
        assert all(len(response.json()) == 2_000 for response in found if response.status_code == 200)
        assert all(response.headers["Retry-After"] for response in found if response.status_code == 429)


def hung_up(crowded: RunningService, client: httpx.Client) -> bool:
    """Two clients fill the service and leave; not if it had no room for one of them, since somebody asked too soon."""
    with SlowPost(crowded, PATH, len(BODY)) as one, SlowPost(crowded, PATH, len(BODY)) as other:
        posts = [one, other]
        for post in posts:
            post.send(BODY[:50])
        eventually(
            lambda: (
                client.post(PATH, json=ROWS[:1]).status_code == 429
                or any(answer_has_come(post.socket) for post in posts)
            )
        )
        return not any(answer_has_come(post.socket) for post in posts)


def some(client: httpx.Client, path: str = PATH, size: int = 1_000_000) -> httpx.Response:
    """The answer to a body that comes in several pieces."""
    return client.post(path, content=BODY.ljust(size), headers={"Content-Type": "application/json"})


@contextmanager
def held(narrow: RunningService, client: httpx.Client, length: int | None = LARGEST) -> Iterator[SlowPost]:
    """A client that keeps the last byte of a body for itself, once the service holds all the others."""
    while True:
        with SlowPost(narrow, PATH, length) as post:
            post.send(BODY.ljust(LARGEST - 1))
            eventually(lambda: some(client).status_code == 429 or answer_has_come(post.socket))
            for _ in range(20):  # and what is still on its way arrives
                client.get("/ping")
            if not answer_has_come(post.socket):  # else it was this one for which there was no room
                yield post
                return


class TestBytesInFlight:
    def test_too_many_are_429_until_a_body_is_answered(self, narrow: RunningService) -> None:
        with narrow.client() as client, held(narrow, client) as post:
            response = some(client, "/score/credit_accounts")
            assert (response.status_code, response.json()["code"]) == (429, "too_busy")
            words = "2,000,000 bytes of requests are already in flight; try again in a second."
            assert response.json()["detail"] == words
            assert response.headers["Retry-After"] == "1"
            assert client.post(PATH, json=ROWS[:1]).status_code == 200
            post.send(b" ")
            assert post.answer()[0] == 200
            assert some(client, size=LARGEST).status_code == 200

    @pytest.mark.parametrize("length", [LARGEST, None])
    def test_a_client_that_hangs_up_gives_them_back(self, narrow: RunningService, length: int | None) -> None:
        with narrow.client() as client:
            for _ in range(3):
                with held(narrow, client, length):
                    assert some(client).status_code == 429
                eventually(lambda: some(client, size=LARGEST).status_code == 200)

    def test_what_is_refused_gives_them_back(self, narrow: RunningService) -> None:
        with narrow.client() as client:
            for body, status in [(b"[7]", 422), (b"{", 413)] * 2:
                refused = client.post(PATH, content=body.ljust(LARGEST), headers={"Content-Type": "application/json"})
                assert refused.status_code == status
            assert some(client, size=LARGEST).status_code == 200


class TestDeadline:
    def test_a_body_that_does_not_come_is_408(self, hurried: RunningService) -> None:
        with SlowPost(hurried, PATH, len(BODY)) as post:
            post.send(BODY[:-1])
            status, headers, body = post.answer()
        assert (status, json.loads(body)["code"]) == (408, "body_too_slow")
        assert headers["Connection"] == "close"

    def test_a_body_that_takes_too_long_to_score_is_503(self, hurried: RunningService) -> None:
        with hurried.client() as client:
            response = client.post("/score/slow_taps", json=good_rows(CARD_TAPS, 1_000))
            assert (response.status_code, response.json()["code"]) == (503, "deadline_exceeded")
            assert response.headers["Retry-After"] == "1"
            assert client.post(PATH, json=ROWS[:1]).status_code == 200


class TestLargeSlowBody:
    def test_the_service_goes_on_answering_while_it_looks_at_one(self, shop: Shop, client: httpx.Client) -> None:
        rows = good_rows(CREDIT_ACCOUNTS, 500) * 50
        body = slow_body_of([*rows, rows[0] | {"total_balance": "a lot"}])
        pings = 0
        with SlowPost(shop.service, PATH, len(body)) as post:
            post.send(body[:-1])
            post.send(body[-1:])
            while not answer_has_come(post.socket):
                assert client.get("/ping").status_code == 200
                pings += 1
            status, _, answer = post.answer()
        assert status == 422
        assert [problem["loc"] for problem in json.loads(answer)["detail"]] == [["body", 25_000, "total_balance"]]
        assert pings > 3

    def test_of_many_problems_the_first_are_told(self, client: httpx.Client) -> None:
        rows = good_rows(CREDIT_ACCOUNTS, 3_000)
        for row in rows[1_500:]:
            row["total_balance"] = None
        response = client.post(PATH, json=rows)
        assert response.status_code == 422
        places = [problem["loc"] for problem in response.json()["detail"]]
        assert places == [["body", row, "total_balance"] for row in range(1_500, 1_600)]


def answer_has_come(connection: socket.socket) -> bool:
    """Whether there is something to read."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(30)
