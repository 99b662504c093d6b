"""Storing over HTTP while things break: servers away and back, many clients at once, a service killed in the middle."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from tests.running_service import RunningService, running_service
from tests.storage.databases import DATABASES, StorePlace, store_place
from tests.storage.private_servers import private_server

TABLE = "fraud"
MANY = 50_000


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    """An empty place of each kind."""
    with store_place(request.param, tmp_path) as place:
        yield place


def insertion(place: StorePlace, ids: list[int], seed: int = 0) -> bytes:
    """A body that stores these ids."""
    probabilities = np.random.default_rng(seed).random(len(ids)).tolist()
    names = ["fraud" if probability >= 0.5 else "nonfraud" for probability in probabilities]
    columns = {"id": ids, "outlier_prob": probabilities, "class_pred": names}
    return json.dumps({**columns, "project_name": place.project, "table_name": TABLE}).encode()


def insert(client: httpx.Client, body: bytes) -> httpx.Response:
    """Send a body to be stored."""
    return client.post("/insert", content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_a_server_that_is_away_means_503_and_one_that_is_back_means_200(kind: str, tmp_path: Path) -> None:
    with private_server(kind) as server:
        place = StorePlace(kind, server.url, "shop")
        settings = {**place.settings(), "store_timeout_seconds": 2}
        with running_service(tmp_path, settings) as service, service.client() as client:
            assert insert(client, insertion(place, [1])).status_code == 200
            server.stop()
            for answer in (insert(client, insertion(place, [2])), client.get(f"/scores/shop/{TABLE}")):
                assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
                assert answer.headers["Retry-After"] == "1"
            assert client.get("/ping").status_code == 200
            server.start()
            assert insert(client, insertion(place, [3])).status_code == 200
            page = client.get(f"/scores/shop/{TABLE}").json()
            assert [score["id"] for score in page["scores"]] == [1, 3]
            assert "root" not in service.log.read_text()
            log = service.log.read_text()
            assert log.count("cannot be used:") == log.count("can be used again") == 1


def test_a_server_that_says_nothing_means_503_and_the_service_can_be_ended_meanwhile(tmp_path: Path) -> None:
    with private_server("postgres") as server:
        place = StorePlace("postgres", server.url, "shop")
        settings = {**place.settings(), "store_timeout_seconds": 1, "store_pool": 2, "shutdown_seconds": 1}
        with running_service(tmp_path, settings) as service, service.client() as client:
            assert insert(client, insertion(place, [1])).status_code == 200
            with server.silent(), ThreadPoolExecutor(8) as threads:
                answer = insert(client, insertion(place, [2]))
                assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
                assert service.log.read_text().count("The store cannot be used:") == 1
                for number in range(8):  # more than there are connections
                    threads.submit(send_and_lose, service, insertion(place, [number]))
                time.sleep(0.5)
                start = time.monotonic()
                assert service.end() == -signal.SIGTERM
                assert time.monotonic() - start < 10  # and not as long as all of them would take


def test_eight_clients_that_insert_the_same_ids_at_once_are_all_answered_200(place: StorePlace, tmp_path: Path) -> None:
    ids = list(range(2_000))
    with running_service(tmp_path, {**place.settings(), "workers": 2}) as service:

        def client_of(seed: int) -> list[int]:
            shuffled = np.random.default_rng(seed).permutation(ids).tolist()
            with service.client() as client:
                return [insert(client, insertion(place, shuffled, seed + turn)).status_code for turn in range(4)]

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(client_of, range(8))) == [[200] * 4] * 8
    assert [row[0] for row in place.rows(TABLE)] == ids


def test_a_service_killed_while_it_inserts_has_stored_all_or_nothing(place: StorePlace, tmp_path: Path) -> None:
    ids = np.random.default_rng(0).choice(2**62, 2 * MANY, replace=False).tolist()
    settings = {**place.settings(), "store_timeout_seconds": 25}  # this machine may have other things to do
    with running_service(tmp_path, settings) as service:
        with service.client() as client:
            assert insert(client, insertion(place, ids[:1])).status_code == 200  # connects, which takes time, too
            start = time.monotonic()
            assert insert(client, insertion(place, ids[:MANY])).status_code == 200
            usual = time.monotonic() - start
        thread = threading.Thread(target=send_and_lose, args=(service, insertion(place, ids[MANY:])))
        thread.start()
        time.sleep(0.6 * usual)
        for process in (psutil.Process(service.process.pid), *service.workers()):
            process.kill()
        service.process.wait()
        thread.join()
    with running_service(tmp_path, settings) as service, service.client() as client:
        assert len(place.rows(TABLE)) in (MANY, 2 * MANY)
        assert insert(client, insertion(place, ids[MANY:][:10])).status_code == 200


def send_and_lose(service: RunningService, body: bytes) -> None:
    """Post what nobody may be left to answer."""
    with service.client() as client, suppress(httpx.TransportError):
        insert(client, body)


@pytest.mark.parametrize("kind", ["mysql+pymysql", "postgresql+psycopg"])
def test_a_password_reaches_neither_answer_nor_log(kind: str, tmp_path: Path) -> None:
    place = StorePlace(kind, f"{kind}://bob:s3cr%2Ft@127.0.0.1:1/shop", "shop")
    with running_service(tmp_path, {**place.settings(), "store_timeout_seconds": 1}) as service:
        with service.client() as client:
            answer = insert(client, insertion(place, [1]))
        told = answer.text + service.log.read_text()
    assert answer.status_code == 503
    assert not any(secret in told for secret in ("s3cr/t", "s3cr%2Ft"))
