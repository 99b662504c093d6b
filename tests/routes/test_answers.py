"""GET /answers: what was answered comes back over HTTP, with records and the reasons of the model that answered."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.examples import body_of, good_rows
from tests.running_service import RunningService, eventually, running_service
from tests.small_models import SmallModel, promoted

NAME = CREDIT_ACCOUNTS.name
JSON = {"Content-Type": "application/json"}
ROWS = 60


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, credit_model: SmallModel) -> Iterator[RunningService]:
    """A service that keeps everything and lets it be read."""
    folder = tmp_path_factory.mktemp("answers")
    promoted(Registry(folder / "models"), credit_model)
    settings = {"keep": f"{NAME}=full+reasons", "keep_readable": True, "max_requests_in_flight": 100}
    with running_service(folder, settings) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[httpx.Client]:
    """A client of it."""
    with service.client() as client:
        yield client


@pytest.fixture(scope="module")
def answered(client: httpx.Client) -> list[dict[str, object]]:
    """What was answered, with reasons, before it is read back."""
    body = body_of(good_rows(CREDIT_ACCOUNTS, ROWS))
    path, headers = f"/score/{NAME}?reasons=4&reasons_for=flagged", JSON | {"X-Request-ID": "asked"}
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code == 200
    eventually(lambda: bool(client.get(f"/answers/{NAME}").json().get("answers")))
    rows: list[dict[str, object]] = answer.json()
    return rows


def test_records_and_reasons_come_back_as_they_were_answered(
    client: httpx.Client, answered: list[dict[str, object]]
) -> None:
    found = client.get(f"/answers/{NAME}", params={"limit": ROWS}).json()
    assert found["next"] is None
    rows = good_rows(CREDIT_ACCOUNTS, ROWS)
    assert [answer["record"] for answer in found["answers"]] == rows
    for given, kept in zip(answered, found["answers"], strict=True):
        assert (kept["score"], kept["decision"]) == (given["fraud_probability"], given["decision"])
        assert (kept["request_id"], kept["address"]) == ("asked", f"/score/{NAME}")
        assert kept["reasons"] == (given["reasons"] if given["decision"] == "flagged" else None)
    assert any(answer["reasons"] for answer in found["answers"])


def test_pages_follow_each_other_and_filters_choose(client: httpx.Client, answered: list[dict[str, object]]) -> None:
    pages, after = [], None
    while True:
        page = client.get(f"/answers/{NAME}", params={"limit": 25} | ({"after": after} if after else {})).json()
        pages.append([answer["key"] for answer in page["answers"]])
        after = page["next"]
        if after is None:
            break
    assert [len(page) for page in pages] == [25, 25, 10]
    assert [key for page in pages for key in page] == [str(each["customer_id"]) for each in answered]
    flagged = [str(each["customer_id"]) for each in answered if each["decision"] == "flagged"]
    query = {"decision": "flagged", "from": "2020-01-01T00:00:00Z", "key": flagged[0]}
    (one,) = client.get(f"/answers/{NAME}", params=query).json()["answers"]
    assert one["key"] == flagged[0]
    assert client.get(f"/answers/{NAME}", params={"to": "2020-01-01T00:00:00Z"}).json() == {"answers": [], "next": None}


@pytest.mark.parametrize(
    "query",
    ["after=1", "limit=0", "limit=1001", "decision=fraud", "from=2026-01-01T00:00:00", "to=x", "until=x"],
)
def test_a_bad_query_is_refused_in_its_place(client: httpx.Client, query: str) -> None:
    refused = client.get(f"/answers/{NAME}?{query}")
    assert refused.status_code == 422, refused.text
    assert [problem["loc"] for problem in refused.json()["detail"]] == [["query", query.partition("=")[0]]]


def test_unknown_use_cases_and_logs_without_answers_are_404(client: httpx.Client) -> None:
    for name, code in (("nobody", "unknown_use_case"), ("purchases", "answers_missing")):
        refused = client.get(f"/answers/{name}")
        assert (refused.status_code, refused.json()["code"]) == (404, code)


def test_without_the_setting_nobody_reads_anything(tmp_path: Path) -> None:
    with running_service(tmp_path, {}) as service, service.client() as client:
        refused = client.get(f"/answers/{NAME}")
    assert (refused.status_code, refused.json()["code"]) == (403, "answers_closed")
    assert "FRAUD_KEEP_READABLE" in refused.json()["detail"]
