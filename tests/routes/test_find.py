"""GET /orders/find: the latest orders of those who are known, from services that keep them in memory or in Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.known import USE_CASES
from fraud_detection_api.use_cases.orders import ORDERS
from tests.running_service import RunningService, eventually, running_service
from tests.small_models import promoted, small_model
from tests.storage.histories.private_redis import PrivateRedis, private_redis

DECLARED = {} if ORDERS in USE_CASES else {"use_cases": "fraud_detection_api.use_cases.orders:ORDERS"}
Order = dict[str, object]
_ids = count(1)


def order(customer: int, minute: int = 0, **others: object) -> Order:
    """An order that no other test sends."""
    own = {"order_id": next(_ids), "customer_id": customer, "order_date": f"2026-03-01T10:{minute:02}:00Z"}
    who = {"email": "kim@example.org", "ip_addr": "240.17.4.99", "order_amount": 12.5}
    return own | who | {"location_lat": 52.52, "location_long": None} | others


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry that has a model of orders."""
    folder = tmp_path_factory.mktemp("find")
    promoted(Registry(folder / "models"), small_model(ORDERS))
    return folder


@pytest.fixture(scope="module")
def redis() -> Iterator[PrivateRedis]:
    """A server of the module's own, which it may silence and stop."""
    with private_redis() as server:
        yield server


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[RunningService]:
    """A service that lists orders unless the settings say otherwise."""
    with running_service(folder, DECLARED | {"find": "orders"} | settings) as service:
        yield service


@pytest.fixture(scope="module", params=["memory", "two workers on Redis"])
def client(request: pytest.FixtureRequest, folder: Path) -> Iterator[httpx.Client]:
    """A client of a service that keeps orders in its memory, or of two processes that keep them in Redis."""
    settings: dict[str, object] = {}
    if request.param != "memory":
        settings = {"histories": request.getfixturevalue("redis").url, "workers": 2, "histories_prefix": "shared"}
    with serving(folder, **settings) as service, service.client() as client:
        yield client


def send(client: httpx.Client, *orders: Order, **query: object) -> None:
    """Have orders scored."""
    found = client.post("/score/orders", json=orders, params=query)  # type: ignore[arg-type]  # whatever a test asks
    assert found.status_code == 200, found.text


def find(client: httpx.Client, **query: object) -> list[Order]:
    """The latest orders that are found."""
    found = client.get("/orders/find", params=query)  # type: ignore[arg-type]  # whatever a test asks
    assert found.status_code == 200, found.text
    return [each["record"] for each in found.json()["latest"]]


def is_listing(client: httpx.Client) -> bool:
    """Whether lists are given."""
    return client.get("/orders/find").status_code == 200


def test_an_order_is_listed_as_it_was_sent(client: httpx.Client) -> None:
    one, other = order(9001), order(9002, location_long=13.405)
    assert client.post("/orders/predict", json=one).json()["order"] == one
    send(client, other)
    answer = client.get("/orders/find", params={"prefix": "900*", "num_items": 5}).json()
    assert [(each["key"], each["record"]) for each in answer["latest"]] == [("9001", one), ("9002", other)]
    assert all(each["received"].endswith("Z") for each in answer["latest"])
    assert answer["next"] is None


def test_of_a_customer_the_latest_order_is_listed_whatever_came_last(client: httpx.Client) -> None:
    first, last, late = order(9101, 5), order(9101, 9), order(9101, 7)
    send(client, last, first)
    assert find(client, prefix="9101") == [last]
    send(client, late)
    assert find(client, prefix="9101") == [last]
    send(client, last | {"order_amount": 99})  # known already
    assert find(client, prefix="9101") == [last]
    simultaneous = order(9101, 9)
    send(client, simultaneous)
    assert find(client, prefix="9101") == [simultaneous]


def test_customers_are_listed_in_the_order_of_their_ids_as_text_page_by_page(client: httpx.Client) -> None:
    customers = [92, 9200, 921, 9, *range(92_100, 92_300)]
    send(client, *(order(each) for each in reversed(customers)))
    expected = sorted((str(each) for each in customers), key=str.encode)
    keys, asked = list[str](), httpx.QueryParams(prefix="92*", num_items=50)
    page = client.get("/orders/find", params=asked).json()
    while page["next"] is not None:
        assert len(page["latest"]) == 50
        keys += [each["key"] for each in page["latest"]]
        page = client.get("/orders/find", params=asked.set("after", page["next"])).json()
    keys += [each["key"] for each in page["latest"]]
    assert keys == expected[1:]  # but for 9
    assert len(find(client, prefix="92")) == 10


def test_all_are_listed_by_a_star_by_nothing_and_where_nothing_is_asked(client: httpx.Client) -> None:
    send(client, *(order(9300 + each) for each in range(12)))
    everybody = find(client, num_items=1000)
    assert find(client, prefix="*", num_items=1000) == find(client, prefix="", num_items=1000) == everybody
    assert find(client) == everybody[:10]
    for pattern in ("**", "93?0", "9[3]*", "9.*", "%", "93*0", " 93", "é"):
        assert find(client, prefix=pattern) == [], pattern


def test_a_dry_run_is_not_listed(client: httpx.Client) -> None:
    send(client, order(9401), dry_run=True)
    assert find(client, prefix="9401") == []


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"num_items": 0}, "num_items"),
        ({"num_items": 1001}, "num_items"),
        ({"num_items": "ten"}, "num_items"),
        ({"prefix": "1" * 258}, "prefix"),
        ({"after": "1" * 257}, "after"),
        ({"limit": 10}, "limit"),
    ],
)
def test_what_cannot_be_asked_is_refused(client: httpx.Client, query: dict[str, str | int], place: str) -> None:
    refused = client.get("/orders/find", params=query)
    assert refused.status_code == 422
    assert [each["loc"] for each in refused.json()["detail"]] == [["query", place]]


def test_only_use_cases_that_there_are_and_that_are_kept_can_be_asked(client: httpx.Client) -> None:
    refused = {name: client.get(f"/{name}/find") for name in ("nobody", "credit_accounts")}
    assert {name: (each.status_code, each.json()["code"]) for name, each in refused.items()} == {
        "nobody": (404, "unknown_use_case"),
        "credit_accounts": (403, "find_closed"),
    }


def test_without_the_setting_nothing_is_kept_and_the_list_is_refused(folder: Path, redis: PrivateRedis) -> None:
    with (
        serving(folder, find="", histories=redis.url, histories_prefix="off") as service,
        service.client() as client,
    ):
        send(client, order(9501))
        refused = client.get("/orders/find")
        assert (refused.status_code, refused.json()["code"]) == (403, "find_closed")
        assert "FRAUD_FIND=orders" in refused.json()["detail"]
        assert redis.ask("KEYS", "off:orders:*") != []
        assert redis.ask("KEYS", "off:*latest*") == []


@pytest.mark.parametrize(("names", "code"), [("nobody", "unknown_use_case"), ("credit_accounts", "find_unusable")])
def test_the_service_does_not_start_with_what_could_never_be_listed(folder: Path, names: str, code: str) -> None:
    with pytest.raises(AssertionError) as caught, serving(folder, find=names):
        pass
    assert names in str(caught.value), code


def test_several_workers_without_a_server_refuse_to_list_what_each_has_a_part_of(folder: Path) -> None:
    with serving(folder, workers=2) as service, service.client() as client:
        refused = client.get("/orders/find")
        assert (refused.status_code, refused.json()["code"]) == (503, "histories_not_shared")


def test_while_redis_is_away_nobody_is_listed_and_what_was_scored_meanwhile_is_not_either(folder: Path) -> None:
    with private_redis() as server:
        settings = {"histories": server.url, "histories_away": "degrade", "histories_timeout_seconds": 0.5}
        with serving(folder, **settings) as service, service.client() as client:
            send(client, order(9601))
            server.stop()
            send(client, order(9602))
            refused = client.get("/orders/find")
            assert (refused.status_code, refused.json()["code"]) == (503, "histories_away")
            assert refused.headers["Retry-After"]
            server.start()
            back = order(9603)
            eventually(lambda: is_listing(client))
            send(client, back)
            assert find(client) == [back]


def test_a_service_that_starts_again_lists_whom_the_answer_log_knows(folder: Path) -> None:
    sent = [order(each, each % 7) for each in (9701, 9702, 9701, 9703, 9702, 9701)]
    settings = {"keep": "orders=full", "store": f"sqlite:///{folder / 'log'}", "spool": folder / "log_spool"}
    with serving(folder, **settings) as service, service.client() as client:
        send(client, *sent)
        listed = client.get("/orders/find").json()
    with serving(folder, **settings) as service, service.client() as client:
        again = client.get("/orders/find").json()
    assert [each["key"] for each in again["latest"]] == ["9701", "9702", "9703"]
    assert [each["record"] for each in again["latest"]] == [each["record"] for each in listed["latest"]]


def test_only_so_many_lists_are_looked_for_at_once(folder: Path, redis: PrivateRedis) -> None:
    settings = {"histories": redis.url, "max_requests_in_flight": 4, "histories_timeout_seconds": 60}
    with serving(folder, deadline_seconds=2, **settings) as service, service.client() as client:
        with redis.silent(), service.client() as other:
            with pytest.raises(httpx.ReadTimeout):
                other.get("/orders/find", timeout=0.5)
            refused = client.get("/orders/find")
            assert (refused.status_code, refused.json()["code"]) == (429, "too_busy")
        eventually(lambda: is_listing(client))
