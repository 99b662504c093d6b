"""Orders are scored beside what was known before them, and are known from then on: in memory and in Redis alike."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.orders.live import Order, features, looked_at, order, orders_service, part, predicted, scored
from tests.running_service import RunningService, eventually
from tests.storage.answer_stores import AnswerStore, answer_store
from tests.storage.histories.private_redis import PrivateRedis, private_redis

KEYS = ["customer", "email", "address"]
CUSTOMERS, NUMBERS = count(1_000), count(1_000_000)
NAMED: Order = {"customer_id": 8_675_309_123, "email": "kim.novak@example.org", "ip_addr": "198.51.100.77"}
WORKERS = 2


class Shop:
    """A service of orders, the log of its answers, and where its histories are, if not in its memory."""

    def __init__(self, service: RunningService, answers: AnswerStore, redis: PrivateRedis | None) -> None:
        self.service, self.answers, self.redis = service, answers, redis


@pytest.fixture(scope="module", params=["memory", "redis"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A service with histories in its memory, and one of two workers with histories in Redis."""
    folder = tmp_path_factory.mktemp("orders")
    usual: dict[str, object] = {"keep": "orders=full", "log_requests": "all", "log_level": "DEBUG"}
    with answer_store("sqlite", folder) as answers:
        usual |= answers.settings
        if request.param == "memory":
            with orders_service(folder, usual) as service:
                yield Shop(service, answers, None)
            return
        with (
            private_redis() as server,
            orders_service(folder, usual | {"histories": server.url, "workers": WORKERS}) as service,
        ):
            yield Shop(service, answers, server)


@pytest.fixture
def client(shop: Shop) -> Iterator[httpx.Client]:
    """A client of that service."""
    with shop.service.client() as client:
        yield client


@pytest.fixture
def customer() -> int:
    """Somebody whom nobody knows yet."""
    return next(CUSTOMERS)


def new(customer: int, minute: float = 0, **others: object) -> Order:
    """An order that nobody has sent."""
    return order(next(NUMBERS), customer, minute, **others)


def test_an_unknown_customer_is_scored_and_said_to_be_unknown(client: httpx.Client, customer: int) -> None:
    sent = new(customer)
    answer = predicted(client, sent)
    assert answer["cold_start"] == KEYS
    assert (answer["truncated"], answer["degraded"]) == ([], False)
    probability = answer["fraud_probability"]
    assert isinstance(probability, float)
    assert 0 <= probability <= 1
    assert features(client, sent | {"order_id": next(NUMBERS), "customer_id": next(CUSTOMERS)})["customer_is_new"]
    told = part(answer, "order")
    assert {name: told[name] for name in sent if name != "order_date"} == {
        name: value for name, value in sent.items() if name != "order_date"
    }
    assert told["order_date"] == "2024-05-31T12:00:00Z"


def test_the_second_order_of_a_customer_shows_the_first(client: httpx.Client, customer: int) -> None:
    predicted(client, new(customer, 0, order_amount=120.5))
    answer = predicted(client, new(customer, 30, order_amount=60.25, email="other@example.org", ip_addr="10.9.9.9"))
    seen = part(answer, "features")
    assert answer["cold_start"] == (["email", "address"] if seen["email_is_new"] else [])
    assert seen["customer_mean_order_amount_last_10"] == seen["customer_sum_order_amount_last_10"] == 120.5
    assert seen["customer_ratio_order_amount_last_10"] == 0.5
    assert (seen["customer_count_1_hour"], seen["customer_seconds_since_last"]) == (1, 1800)
    assert (seen["customer_distinct_email_last_10"], seen["customer_known_email_last_10"]) == (1, False)
    assert seen["customer_is_new"] is False


def test_an_order_is_no_part_of_its_own_history(client: httpx.Client, customer: int) -> None:
    sent = new(customer, order_amount=999)
    for _ in range(2):
        seen = features(client, sent)
        assert seen["customer_count_1_day"] == 0
        assert seen["customer_largest_order_amount_last_10"] is None


def test_an_order_sent_again_sees_the_same_and_changes_nothing(client: httpx.Client, customer: int) -> None:
    for minute in range(3):
        predicted(client, new(customer, minute, order_amount=10 + minute))
    again, later = new(customer, 5), new(customer, 9)
    first = predicted(client, again)
    predicted(client, new(customer, 4))  # which the first answer could not know of
    seen = looked_at(client, later)
    assert [predicted(client, again) for _ in range(3)] == [first] * 3
    assert looked_at(client, later) == seen


def test_a_late_order_does_not_see_what_came_after_it_and_the_next_one_sees_it(
    client: httpx.Client, customer: int
) -> None:
    predicted(client, new(customer, 0))
    predicted(client, new(customer, 50))
    assert features(client, new(customer, 20))["customer_count_1_hour"] == 1
    assert features(client, new(customer, 55))["customer_count_1_hour"] == 3


def test_a_dry_run_leaves_no_trace(shop: Shop, client: httpx.Client, customer: int) -> None:
    predicted(client, new(customer, 0))
    before = shop.redis.packed() if shop.redis else {}
    sent = [new(customer, minute) for minute in (1, 2)]
    looked = [predicted(client, each, dry_run=True) for each in (*sent, *sent)]
    assert looked[:2] == looked[2:]
    assert part(looked[1], "features")["customer_count_1_hour"] == 1
    listed = scored(client, sent, dry_run=True)
    if shop.redis:
        assert shop.redis.packed() == before
    marker = new(customer, 3)
    assert features(client, marker)["customer_count_1_hour"] == 1
    shown = wait_for(shop, marker)
    assert not {str(each["order_id"]) for each in sent} & shown
    assert len(listed) == 2


def wait_for(shop: Shop, sent: Order) -> set[str]:
    """The orders in the answer log, once this one is among them."""
    shown: set[str] = set()

    def is_there() -> bool:
        shown.update(str(row["record_key"]) for row in shop.answers.rows("orders"))
        return str(sent["order_id"]) in shown

    eventually(is_there)
    return shown


def test_orders_of_one_request_see_each_other_in_the_order_of_their_events(client: httpx.Client, customer: int) -> None:
    backwards = [new(customer, minute, order_amount=10 * minute + 1) for minute in (40, 10, 30, 20)]
    answers = scored(client, backwards)
    assert [each["order_id"] for each in answers] == [each["order_id"] for each in backwards]
    assert [each["cold_start"] for each in answers] == [[], KEYS, [], []]
    seen = [looked_at(client, each) for each in backwards]
    assert [each["customer_count_1_hour"] for each in seen] == [3, 0, 2, 1]
    assert [each["customer_sum_order_amount_last_10"] for each in seen] == [101 + 301 + 201, 0, 101 + 201, 101]


def test_of_simultaneous_orders_the_one_with_the_lower_number_comes_first(client: httpx.Client, customer: int) -> None:
    sent = [new(customer) for _ in range(3)]
    scored(client, sent[::-1])
    assert [looked_at(client, each)["customer_count_1_day"] for each in sent] == [0, 1, 2]


def test_a_list_longer_than_one_round_trip_is_one_list(client: httpx.Client) -> None:
    customers = [next(CUSTOMERS) for _ in range(120)]
    sent = [new(customer, minute) for minute in range(10) for customer in customers]
    answers = scored(client, sent[::-1])
    assert [each["order_id"] for each in answers] == [each["order_id"] for each in sent[::-1]]
    assert [each["cold_start"] == KEYS for each in answers] == [False] * 1080 + [True] * 120
    counts = {looked_at(client, new(each, 11))["customer_count_1_hour"] for each in customers[::10]}
    assert counts == {10}


def test_orders_from_many_connections_at_once_are_all_remembered(shop: Shop, client: httpx.Client) -> None:
    customers = [next(CUSTOMERS) for _ in range(8)]
    sent = [new(customer, minute) for minute in range(15) for customer in customers]

    def send(number: int) -> list[int]:
        with shop.service.client() as own:
            return [
                int(str(features(own, each)["customer_count_1_hour"])) for each in sent[number::16] + sent[number::16]
            ]

    with ThreadPoolExecutor(16) as threads:
        counts = list(threads.map(send, range(16)))
    assert max(map(max, counts)) <= 14
    for customer in customers:
        seen = looked_at(client, new(customer, 16))
        assert (seen["customer_count_1_hour"], seen["email_count_1_hour"], seen["address_count_1_day"]) == (15, 15, 15)


def test_more_than_is_retained_is_said_to_be_truncated(client: httpx.Client, customer: int) -> None:
    answers = [predicted(client, new(customer, minute)) for minute in range(18)]
    assert [each["truncated"] for each in answers] == [[]] * 17 + [["customer", "email"]]
    assert part(answers[17], "features")["customer_count_1_day"] == 16
    assert part(answers[17], "features")["address_count_1_day"] == 17


def test_an_order_may_say_where_it_came_from_and_need_not(client: httpx.Client, customer: int) -> None:
    without = predicted(client, new(customer))
    there = predicted(client, new(next(CUSTOMERS), location_lat=52.52, location_long=13.405))
    assert part(without, "order")["location_lat"] is None
    assert part(there, "order")["location_long"] == 13.405


@pytest.mark.parametrize(
    "broken",
    [
        {"colour": "red"},
        {"order_amount": float("nan")},
        {"order_amount": float("inf")},
        {"order_amount": "12"},
        {"order_amount": -1},
        {"order_date": "yesterday"},
        {"order_date": "2024-02-30T00:00:00Z"},
        {"order_date": "1970-01-01T00:00:00Z"},
        {"location_lat": 91},
        {"email": ""},
        {"customer_id": 2.5},
        {"customer_id": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("address", ["/orders/predict", "/score/orders"])
def test_what_is_no_order_is_refused_in_its_place_and_not_remembered(
    client: httpx.Client, customer: int, broken: dict[str, object], address: str
) -> None:
    sent = json.dumps(new(customer) | broken)
    (field,) = broken
    body = sent if address == "/orders/predict" else f"[{json.dumps(new(customer))},{sent}]"
    found = client.post(address, content=body, headers={"Content-Type": "application/json"})
    assert found.status_code == 422
    assert {each["loc"][-1] for each in found.json()["detail"]} == {field}
    assert looked_at(client, new(customer, 1))["customer_is_new"] is True


def test_reasons_speak_of_what_was_known_of_the_customer(client: httpx.Client, customer: int) -> None:
    usual = [new(customer, 60 * hour, order_amount=10) for hour in range(6)]
    scored(client, usual)
    (answer,) = scored(client, [new(customer, 400, order_amount=640)], reasons=20, reasons_for="all", dry_run=True)
    reasons: object = answer["reasons"]
    assert isinstance(reasons, list)
    told = {each["field"] for each in reasons}
    assert any(name.startswith(("customer_", "email_", "address_")) for name in told)
    assert all(each["sentence"] for each in reasons)


def test_nobody_is_named_in_redis_or_in_the_log(shop: Shop, client: httpx.Client) -> None:
    sent = [new(0, minute) | NAMED for minute in range(3)]
    predicted(client, sent[0])
    scored(client, sent, reasons=3)
    client.post("/orders/predict", json=sent[0] | {"order_amount": "much"})
    client.post("/score/orders", json=[sent[0], sent[1] | {"order_date": 7}])
    number = int(str(NAMED["customer_id"]))
    raw = [str(each).encode() for each in NAMED.values()]
    raw += [number.to_bytes(8, "big"), number.to_bytes(8, "little")]
    if shop.redis:
        keys = shop.redis.ask("KEYS", "*")
        assert isinstance(keys, list)
        kept = shop.redis.packed()
        assert set(kept) == set(keys), "all that is there is a packed history"
        assert kept
        assert not [key for key, value in kept.items() for each in raw if each in key or each in value]
    lines = shop.service.log.read_bytes()
    assert b"/orders/predict" in lines
    assert not [each for each in raw if each in lines]


@pytest.mark.parametrize("way", ["setting", "option"])
def test_several_workers_do_not_each_remember_a_part(tmp_path: Path, way: str) -> None:
    serve = (sys.executable, "-m", "fraud_detection_api.cli.main", "serve")
    command = (*serve, "--workers", "2") if way == "option" else serve
    settings = {"workers": 2} if way == "setting" else {}
    with orders_service(tmp_path, settings, command) as service, service.client() as client:
        for address, body in (("/orders/predict", new(1)), ("/score/orders", [new(1)])):
            found = client.post(address, json=body)
            assert (found.status_code, found.json()["code"]) == (503, "histories_not_shared")
            assert "FRAUD_HISTORIES" in found.json()["detail"]
