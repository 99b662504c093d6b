"""Histories survive whatever becomes of the service or of Redis: from files, the answer log and the spool."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.orders import ORDERS
from tests.orders.live import Order, looked_at, order, predicted, scored
from tests.orders.shop import OrderShop
from tests.orders.streams import OrderStreams, order_streams
from tests.running_service import eventually
from tests.small_models import promoted, small_model
from tests.storage.histories.private_redis import PrivateRedis, private_redis

NUMBERS = count(10_000_000)
CUSTOMERS = (77, 78, 79)


def shop_of(folder: Path, histories: str = "memory", **more: object) -> OrderShop:
    """A shop with a small model for its champion."""
    promoted(Registry(folder / "models"), small_model(ORDERS))
    return OrderShop(folder, histories, partitions=2, more=more)


def send(client: httpx.Client, first: int, last: int) -> None:
    """Orders of three customers, one a minute each."""
    for minute in range(first, last):
        scored(client, [order(next(NUMBERS), each, minute, order_amount=5 + minute) for each in CUSTOMERS])


def probes(minute: float) -> list[Order]:
    """Orders that are only looked at."""
    return [order(1_000 + each, each, minute, order_amount=20) for each in CUSTOMERS]


def seen(client: httpx.Client, minute: float = 500) -> list[dict[str, object]]:
    """What is known of each customer."""
    return [looked_at(client, each) for each in probes(minute)]


@pytest.fixture
def redis() -> Iterator[PrivateRedis]:
    """A server of the test's own."""
    with private_redis() as server:
        yield server


class TestMemory:
    def test_a_killed_service_that_starts_again_knows_what_it_knew_though_answers_were_still_in_the_spool(
        self, tmp_path: Path
    ) -> None:
        shop = shop_of(tmp_path)
        with shop.services() as (service,), service.client() as client:
            send(client, 0, 5)
            eventually(lambda: shop.answered() == 15)
            send(client, 5, 12)
            before = seen(client)
            service.end(signal.SIGKILL)
        assert [each["customer_sum_order_amount_last_10"] for each in before] == [sum(range(7, 17))] * 3
        with shop.services() as (service,), service.client() as client:
            assert seen(client) == before
            send(client, 12, 13)
            assert {each["customer_count_1_day"] for each in seen(client)} == {13}

    def test_a_run_that_ends_while_the_service_runs_is_taken_up_beside_what_it_knows(self, tmp_path: Path) -> None:
        shop, streams = shop_of(tmp_path, reload_seconds=0.1), order_streams(10, 150, 1, seed=2)
        raw = streams.write(tmp_path / "raw", [range(1)])
        with shop.services() as (service,), service.client() as client:
            send(client, 0, 4)
            before = seen(client)
            shop.pipeline(raw, "--least-average-precision", "0", "--gap-days", "0")
            known = heavy_customer(streams)
            eventually(lambda: looked_at(client, known)["customer_is_new"] is False)
            told = looked_at(client, known)
            assert told["customer_distinct_email_last_10"]
            assert seen(client) == before
            send(client, 4, 6)
            after = seen(client)
            service.end(signal.SIGKILL)
        with shop.services() as (service,), service.client() as client:
            assert looked_at(client, known) == told
            assert seen(client) == after


def heavy_customer(streams: OrderStreams) -> Order:
    """An order of a customer that the raw orders know well."""
    (sent,) = streams.sent(streams.rows(range(1), range(1))[-1:])
    return sent | {"order_id": 5, "order_date": "2024-12-01T00:00:00Z"}


class TestRedis:
    def test_emptied_and_restored_it_knows_what_it_knew_and_orders_that_came_meanwhile(
        self, tmp_path: Path, redis: PrivateRedis
    ) -> None:
        shop, streams = shop_of(tmp_path, redis.url), order_streams(10, 150, 1, seed=2)
        shop.pipeline(streams.write(tmp_path / "raw", [range(1)]), "--least-average-precision", "0", "--gap-days", "0")
        with shop.services() as (service,), service.client() as client:
            send(client, 0, 6)
            eventually(lambda: shop.answered() == 18)
            packed, before, known = redis.packed(), seen(client), looked_at(client, heavy_customer(streams))
            redis.ask("FLUSHALL")
            assert {each["customer_is_new"] for each in seen(client)} == {True}
            assert shop.fraud("pipeline", "histories").startswith("Restored ")
            assert redis.packed() == packed
            assert (seen(client), looked_at(client, heavy_customer(streams))) == (before, known)
            shop.fraud("pipeline", "histories")
            assert redis.packed() == packed
            redis.ask("FLUSHALL")
            send(client, 6, 8)
            redis.ask("FLUSHALL")  # and nobody waits for the answers to come out of the spool
            shop.fraud("pipeline", "histories")
            assert {each["customer_count_1_day"] for each in seen(client)} == {8}
            assert looked_at(client, heavy_customer(streams)) == known

    def test_orders_that_arrive_while_histories_are_restored_are_not_lost(
        self, tmp_path: Path, redis: PrivateRedis
    ) -> None:
        shop = shop_of(tmp_path, redis.url)
        with shop.services() as (service,), service.client() as client:
            scored(client, [order(next(NUMBERS), 1_000 + each) for each in range(4_000)])
            eventually(lambda: shop.answered() == 4_000)
            redis.ask("FLUSHALL")
            with ThreadPoolExecutor(1) as thread:
                restoring = thread.submit(shop.fraud, "pipeline", "histories")
                live = 0
                while not restoring.done():
                    scored(client, [order(next(NUMBERS), 1_000 + live % 4_000, 5 + live // 4_000)])
                    live += 1
                assert restoring.result().startswith("Restored ")
            for each in (*range(0, 4_000, 97), live % 4_000):
                looked = looked_at(client, order(1, 1_000 + each, 55))
                assert looked["customer_count_1_hour"] == 1 + live // 4_000 + (each < live % 4_000)


def is_scored(client: httpx.Client) -> bool:
    """Whether an order is scored now."""
    return client.post("/orders/predict", json=probes(1)[0]).status_code == 200


class TestAway:
    def test_refused_orders_are_told_when_to_come_again_and_taken_once_redis_is_back(
        self, tmp_path: Path, redis: PrivateRedis
    ) -> None:
        shop = shop_of(tmp_path, redis.url)
        with shop.services(2) as services, services[0].client() as client, services[1].client() as other:
            send(client, 0, 1)
            redis.stop()
            for each in (client, other):
                for address, body in (("/orders/predict", probes(1)[0]), ("/score/orders", probes(1))):
                    found = each.post(address, json=body)
                    assert (found.status_code, found.json()["code"]) == (503, "histories_away")
                    assert found.headers["Retry-After"] == "1"
            redis.start()
            eventually(lambda: is_scored(client) and is_scored(other))
            assert not tmp_path.joinpath("spool", "histories").exists()

    def test_orders_are_scored_as_if_nothing_were_known_and_remembered_once_redis_is_back(
        self, tmp_path: Path, redis: PrivateRedis
    ) -> None:
        shop = shop_of(tmp_path, redis.url, histories_away="degrade")
        with shop.services(2) as services, services[0].client() as client, services[1].client() as other:
            send(client, 0, 2)
            before = redis.packed()
            redis.stop()
            answer = predicted(client, order(next(NUMBERS), CUSTOMERS[0], 2, order_amount=7))
            assert (answer["degraded"], answer["cold_start"]) == (True, ["customer", "email", "address"])
            assert [each["degraded"] for each in scored(other, probes(3), dry_run=True)] == [True] * 3
            send(other, 3, 5)
            services[1].end(signal.SIGKILL)  # its records wait on the disk
            redis.start()
            assert redis.packed() == {}  # it keeps nothing, so all that is there comes from the spool
            eventually(lambda: predicted(client, probes(9)[0], dry_run=True)["degraded"] is False)
            eventually(lambda: [each["customer_count_1_day"] for each in seen(client)] == [3, 2, 2])
            eventually(lambda: shop.answered() == 13)
            assert len(before) == 9
            shop.fraud("pipeline", "histories")
            assert [each["customer_count_1_day"] for each in seen(client)] == [5, 4, 4]
            send(client, 6, 7)
            eventually(lambda: shop.answered() == 16)
        said = shop.fraud("orders", "parity").strip()
        assert "7 degraded" in said
        assert ", 0 differences" in said
