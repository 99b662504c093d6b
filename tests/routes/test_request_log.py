"""Request ids and logs: every request can be followed, and no value of a record is ever written down."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.conftest import Shop
from tests.declared_use_cases import CARD_TAPS
from tests.examples import Row, body_of, good_rows
from tests.running_service import RunningService, SlowPost, eventually, running_service
from tests.small_models import SmallModel, promoted

MARK, MARKED_TEXT = 31.4159265358, "a-name-nobody-may-log"
USE_CASES = "tests.declared_use_cases:LOAN_APPLICATIONS,tests.declared_use_cases:BROKEN_TAPS"


class TestRequestId:
    @pytest.mark.parametrize("given", ["7", "0af7651916cd43dd-8448eb211c80319c", "a.b:c_d-e", "x" * 128])
    def test_the_callers_is_given_back(self, client: httpx.Client, given: str) -> None:
        assert client.get("/ping", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given

    @pytest.mark.parametrize("given", ["", "two words", "x" * 129, "a,b", '"', "{}", "caf\u00e9"])
    def test_one_that_could_do_harm_is_replaced(self, client: httpx.Client, given: str) -> None:
        found = client.get("/ping", headers=[(b"X-Request-ID", given.encode())]).headers["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{16}", found)

    def test_every_answer_has_one_of_its_own(self, client: httpx.Client) -> None:
        answers = [client.get("/nowhere"), client.get("/ping"), client.post("/fraud_detection", content=b"{")]
        assert len({answer.headers["X-Request-ID"] for answer in answers}) == 3


@pytest.fixture(scope="module")
def folder(small_models: dict[str, SmallModel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models of two use cases."""
    folder = tmp_path_factory.mktemp("logs")
    registry = Registry(folder / "models")
    for name in ("credit_accounts", "loan_applications"):
        promoted(registry, small_models[name])
    return folder


@pytest.fixture
def talkative(folder: Path) -> Iterator[RunningService]:
    """A service that logs everything it can, as JSON."""
    settings = {"log_json": True, "log_level": "DEBUG", "log_requests": "all", "use_cases": USE_CASES}
    with running_service(folder, settings) as service:
        yield service


def marked(rows: list[Row]) -> bytes:
    """Rows in which every number and every text is a marked one, good or bad."""
    return body_of([{name: MARK if not isinstance(row[name], str) else MARKED_TEXT for name in row} for row in rows])


class TestLog:
    def test_no_value_of_a_record_is_ever_in_it(
        self, talkative: RunningService, small_models: dict[str, SmallModel]
    ) -> None:
        loans, accounts = (small_models[name].use_case for name in ("loan_applications", "credit_accounts"))
        good_loans: list[Row] = [row | {"amount": MARK, "income": None} for row in good_rows(loans, 2)]
        accounts_in_order: list[Row] = [row | {"total_balance": MARK} for row in good_rows(accounts, 2)]
        with talkative.client() as client:
            bodies = {
                "/score/loan_applications": [body_of(good_loans), marked(good_loans), body_of([{MARKED_TEXT: MARK}])],
                "/fraud_detection": [body_of(accounts_in_order), marked(accounts_in_order), MARKED_TEXT.encode()],
                "/score/broken_taps": [body_of([row | {"amount": MARK} for row in good_rows(CARD_TAPS, 3)])],
            }
            statuses = [
                client.post(path, content=body, headers={"Content-Type": "application/json"}).status_code
                for path, each in bodies.items()
                for body in each
            ]
        talkative.end()
        assert statuses == [200, 422, 422, 200, 422, 422, 500]
        log = talkative.log.read_text()
        assert str(MARK) not in log
        assert MARKED_TEXT not in log
        assert len([line for line in talkative.json_log() if line.get("status")]) >= len(statuses)

    def test_every_request_is_a_line_with_its_id_status_and_time(self, talkative: RunningService) -> None:
        with talkative.client() as client:
            client.get("/ping", headers={"X-Request-ID": "first"})
            client.get("/nowhere", headers={"X-Request-ID": "second"})
        talkative.end()
        lines = {line["request_id"]: line for line in talkative.json_log() if "request_id" in line}
        assert (lines["first"]["message"], lines["first"]["status"]) == ("GET /ping", 200)
        assert (lines["second"]["message"], lines["second"]["status"]) == ("GET /nowhere", 404)
        assert isinstance(lines["first"]["seconds"], float)
        assert {"time", "level", "message"} <= set(lines["first"])

    def test_an_unforeseen_error_has_its_place_but_neither_trace_nor_values(self, talkative: RunningService) -> None:
        rows: list[Row] = [row | {"amount": MARK} for row in good_rows(CARD_TAPS, 1)]
        with talkative.client() as client:
            response = client.post("/score/broken_taps", json=rows, headers={"X-Request-ID": "broken"})
        assert response.status_code == 500
        assert response.json() == {"detail": "Internal error", "code": "internal_error"}
        assert response.headers["X-Request-ID"] == "broken"
        talkative.end()
        (line,) = (line for line in talkative.json_log() if line["message"] == "Unforeseen error")
        assert (line["error"], line["request_id"], line["level"]) == ("LookupError", "broken", "ERROR")
        assert "declared_use_cases.py" in str(line["frames"])
        log = talkative.log.read_text()
        assert "Traceback" not in log
        assert str(MARK) not in log

    def test_a_client_that_hangs_up_is_no_error_of_ours(self, talkative: RunningService) -> None:
        with SlowPost(talkative, "/fraud_detection", 100) as post:
            post.send(b"[")
        eventually(lambda: any(line.get("status") == 499 for line in talkative.json_log()))
        assert {line["level"] for line in talkative.json_log()} <= {"DEBUG", "INFO"}

    def test_what_is_no_http_is_still_a_line_of_json(self, talkative: RunningService) -> None:
        with SlowPost(talkative, "/ping", 0) as post:
            post.answer()
            post.socket.sendall(b"nonsense\r\n\r\n")
            assert post.socket.recv(100).startswith(b"HTTP/1.1 400")
        talkative.end()
        assert talkative.json_log()

    def test_a_path_cannot_forge_a_line(self, folder: Path) -> None:
        with running_service(folder, {"log_requests": "all"}) as service:
            with service.client() as client:
                client.get("/x%0a2024-01-01%2000:00:00.000%20ERROR%20forged")
            service.end()
            assert not [line for line in service.log_lines() if line.startswith("2024-01-01")]
            assert "%0A2024-01-01" in service.log.read_text()

    def test_by_default_only_failures_have_a_line(self, shop: Shop, client: httpx.Client) -> None:
        client.get("/ping", headers={"X-Request-ID": "quiet-one"})
        client.post("/fraud_detection", json=good_rows(CREDIT_ACCOUNTS, 1), headers={"X-Request-ID": "quiet-too"})
        client.get("/nowhere", headers={"X-Request-ID": "loud-one"})
        eventually(lambda: "loud-one" in shop.service.log.read_text())
        assert "quiet" not in shop.service.log.read_text()
        assert json.dumps("quiet-one") not in shop.service.log.read_text()
