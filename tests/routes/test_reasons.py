"""Asking for reasons over HTTP: mistakes are told, limits hold, and others are answered meanwhile."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import httpx
import psutil
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.conftest import Shop
from tests.declared_use_cases import CARD_TAPS, LEDGERS
from tests.examples import Row, body_of, good_rows, slow_body_of
from tests.running_service import RunningService, running_service
from tests.small_models import SmallModel, promoted, small_model

PATH = "/score/credit_accounts"
BODY = body_of(good_rows(CREDIT_ACCOUNTS, 3))
ALL = "?reasons=4&reasons_for=all"
MISTAKES = {
    "?reasons=21": ["query", "reasons"],
    "?reasons=-1": ["query", "reasons"],
    "?reasons=four": ["query", "reasons"],
    "?reasons=": ["query", "reasons"],
    "?reasons=1.5": ["query", "reasons"],
    "?reasons=4&reasons_for=some": ["query", "reasons_for"],
    "?reasons=4&reasons_for=": ["query", "reasons_for"],
    "?reasons_for=FLAGGED": ["query", "reasons_for"],
}
NOTHING_ASKED = (
    "",
    "?reasons=0",
    "?reasons=00",
    "?reasons=4&reasons=0",
    "?reasons_for=all",
    "?reasons_for=%61ll",
)


def post(client: httpx.Client, query: str, body: bytes = BODY, path: str = PATH) -> httpx.Response:
    return client.post(f"{path}{query}", content=body, headers={"Content-Type": "application/json"})


@pytest.fixture(scope="module")
def crowded(credit_model: SmallModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that takes eight requests at once, two of them with reasons, and has a use case with a slow rule."""
    folder: Path = tmp_path_factory.mktemp("crowded")
    promoted(Registry(folder / "models"), credit_model)
    settings = {"max_requests_in_flight": 8, "use_cases": "tests.declared_use_cases:SLOW_TAPS"}
    with running_service(folder, settings) as service:
        yield service


def test_a_long_answer_comes_as_a_whole_with_its_length(client: httpx.Client) -> None:
    rows = good_rows(CREDIT_ACCOUNTS, 300)
    response = post(client, ALL, body_of(rows))
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert [answer["customer_id"] for answer in response.json()] == [row["customer_id"] for row in rows]
    assert all(answer["reasons"] for answer in response.json())


@pytest.mark.parametrize("query", MISTAKES)
def test_mistakes_are_told_at_their_place(client: httpx.Client, query: str) -> None:
    response = post(client, query)
    assert response.status_code == 422
    assert [problem["loc"] for problem in response.json()["detail"]] == [MISTAKES[query]]


def test_wrong_records_are_refused_as_without_reasons(client: httpx.Client) -> None:
    for body in (BODY.replace(b"total_balance", b"balance"), b"[{", b"[1]", BODY[:-1] + b",{}]"):
        plain, asked = post(client, "", body), post(client, ALL, body)
        assert (asked.status_code, asked.json()) == (plain.status_code, plain.json())
        assert asked.status_code in (400, 422)


def test_of_a_repeated_question_the_last_counts(client: httpx.Client) -> None:
    found = post(client, f"?reasons=1&{ALL[1:]}")
    assert found.content == post(client, ALL).content


def test_the_short_answer_has_none(client: httpx.Client) -> None:
    plain = post(client, "", path="/fraud_detection")
    assert [plain.status_code, post(client, ALL, path="/fraud_detection").status_code] == [200, 422]


def test_large_bodies_get_theirs(client: httpx.Client) -> None:
    rows = good_rows(CREDIT_ACCOUNTS, 3) * 700
    found = post(client, ALL, body_of(rows)).json()
    assert found == post(client, ALL).json() * 700


@pytest.mark.compiled
def test_the_library_is_not_needed_for_them(shop: Shop, client: httpx.Client) -> None:
    assert post(client, ALL).json()[0]["reasons"]
    mapped = [Path(each.path).parts for each in psutil.Process(shop.service.process.pid).memory_maps()]
    assert not [parts for parts in mapped if "xgboost" in parts]


def test_other_requests_are_answered_while_reasons_are_found(shop: Shop, client: httpx.Client) -> None:
    done = threading.Event()

    def ask() -> None:
        with shop.service.client() as asking:
            assert len(post(asking, ALL, body_of(good_rows(CREDIT_ACCOUNTS, 100) * 200)).json()) == 20_000
        done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    answered = 0
    while not done.is_set():
        assert post(client, "", path="/fraud_detection").status_code == 200
        answered += 1
    thread.join()
    assert answered > 20


def test_too_many_at_once_are_told_to_come_again_and_leave_room_for_others(crowded: RunningService) -> None:
    slow, taps = "/score/slow_taps", body_of(good_rows(CARD_TAPS, 1))
    with ThreadPoolExecutor(3) as pool, crowded.client() as client:
        asked = [pool.submit(post, client, ALL, taps, slow) for _ in range(3)]
        refused = next(as_completed(asked)).result()
        assert (refused.status_code, refused.json()["code"]) == (429, "too_busy")
        assert refused.headers["Retry-After"] == "1"
        assert {post(client, query).status_code for query in NOTHING_ASKED} == {200}
        assert {post(client, query).status_code for query in MISTAKES} == {422}
        assert not all(each.done() for each in asked)
        assert sorted(each.result().json()["code"] for each in asked) == ["model_missing", "model_missing", "too_busy"]
        assert post(client, ALL).json()[0]["reasons"]


def test_whole_numbers_too_large_for_json_integers_are_shown_as_numbers(tmp_path: Path) -> None:
    promoted(Registry(tmp_path / "models"), small_model(LEDGERS))
    values = [0, 7, -(2**63), 2**63, 2**64 - 2**11, 2**64, -(2**64), 10**38]
    rows: list[Row] = [{"entry": number + 1, "balance": value} for number, value in enumerate(values)]
    settings = {"use_cases": "tests.declared_use_cases:LEDGERS"}
    with running_service(tmp_path, settings) as service, service.client() as client:
        for body in (body_of(rows), slow_body_of(rows)):
            found = post(client, ALL, body, "/score/ledgers")
            assert found.status_code == 200, found.text
            shown = [answer["reasons"][0]["value"] for answer in found.json()]
            assert [float(value) for value in shown] == [float(value) for value in values]
            assert [type(value) for value in shown] == [int] * 5 + [float] * 3
