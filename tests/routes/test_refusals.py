"""Refusals: the right status, one body shape, nothing repeated without end, no inside of the service shown."""

import json
from typing import Any

import httpx
import pytest

from tests.declared_use_cases import CARD_TAPS
from tests.examples import body_of, good_rows

SCORING = ("/fraud_detection", "/score/credit_accounts", "/score/loan_applications", "/score/card_taps")
JSON = {"Content-Type": "application/json"}
ROW = body_of(good_rows(CARD_TAPS, 1))[1:-1]
NASTY_BODIES = {
    "nothing": b"",
    "spaces": b"  \n",
    "deep nesting": b"[" * 100_000 + b"]" * 100_000,
    "deep nesting in a record": b'[{"amount": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}]",
    "a list that never ends": b"[" * 10_000,
    "an integer of 5,000 digits": b'[{"amount": ' + b"9" * 5_000 + b"}]",
    "an integer of 4,000 digits": b'[{"tap": ' + b"9" * 4_000 + b"}]",
    "a number with 100,000 decimals": b'[{"amount": 0.' + b"1" * 100_000 + b"}]",
    "half a character as a value": b'[{"amount": "\\ud800"}]',
    "half a character as a key": b'[{"\\udfff": 1}]',
    "NaN": b"NaN",
    "infinity": b"[Infinity]",
    "invalid UTF-8": b'[{"amount": "\xff\xfe"}]',
    "overlong UTF-8": b'[{"\xc0\xaf": 1}]',
    "gzip without saying so": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "a byte order mark and no JSON": b"\xef\xbb\xbf",
    "UTF-16": '[{"amount": 1}]'.encode("utf-16"),
    "a string": b'"text"',
    "a number": b"17",
    "null": b"null",
    "true": b"true",
    "an object": b'{"records": []}',
    "two documents": b"[][]",
    "a comma too many": b"[" + ROW + b",]",
    "single quotes": b"[{'amount': 1}]",
    "a comment": b"[/* nothing */]",
    "a form": b"amount=1&tap=2",
    "XML": b"<?xml version='1.0'?><records/>",
    "zero bytes": b"\x00" * 1_000,
    "a hundred and more errors": b"[" + b",".join([b"{}"] * 400) + b"]",
    "a hundred and more wrong items": b"[" + b",".join([b"7"] * 4_000) + b"]",
    "a record of unknown fields": json.dumps([{f"field{number}": number for number in range(5_000)}]).encode(),
    "an unknown field with a long name": json.dumps([{"a" * 100_000: 1}]).encode(),
    "a long text": json.dumps([{"amount": "a" * 100_000}]).encode(),
}


def post(client: httpx.Client, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """Post what must be refused as unreadable or wrong; the refusal."""
    response = client.post(path, content=body, headers=headers)
    assert response.status_code in (400, 422), (response.status_code, response.text[:500])
    assert response.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = response.json()
    if response.status_code == 422:
        assert (set(found), found["code"]) == ({"detail", "code"}, "input_refused")
        assert all({"type", "loc", "msg"} <= set(problem) for problem in found["detail"])
        assert all(problem["loc"][0] == "body" for problem in found["detail"])
    else:
        assert (set(found), found["code"]) == ({"detail", "code"}, "body_unreadable")
    return found


@pytest.mark.parametrize("path", SCORING)
@pytest.mark.parametrize("body", NASTY_BODIES.values(), ids=NASTY_BODIES)
def test_a_nasty_body_is_refused_in_one_shape(client: httpx.Client, path: str, body: bytes) -> None:
    found = post(client, path, body, JSON)
    if isinstance(found["detail"], list):
        assert 1 <= len(found["detail"]) <= 100
    assert len(json.dumps(found)) < 200_000


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "nonsense"},
        {"Content-Type": ""},
        {},
    ],
)
def test_what_is_not_called_json_is_not_read_as_json(client: httpx.Client, headers: dict[str, str]) -> None:
    for path in (*SCORING, "/predict", "/prediction", "/insert"):
        response = client.post(path, content=b"[" + ROW + b"]" + b" " * 100_000, headers=headers)
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
        assert "Content-Type: application/json" in response.json()["detail"]


@pytest.mark.parametrize("path", [*SCORING, "/predict", "/prediction"])
def test_an_unknown_query_parameter_is_refused(client: httpx.Client, path: str) -> None:
    response = client.post(path, params={"reason": 2}, content=b"[]", headers=JSON)
    (problem,) = response.json()["detail"]
    assert (response.status_code, problem["loc"], problem["type"]) == (422, ["query", "reason"], "extra_forbidden")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/v1+json"])
def test_json_by_any_of_its_names_is_read(client: httpx.Client, content_type: str) -> None:
    response = client.post("/score/card_taps", content=b"[" + ROW + b"]", headers={"Content-Type": content_type})
    assert response.status_code == 200


def test_a_body_that_says_it_is_compressed_is_not_unpacked(client: httpx.Client) -> None:
    for encoding in ("gzip", "br", "deflate"):
        post(client, "/score/card_taps", b"\x1f\x8b\x08\x00", JSON | {"Content-Encoding": encoding})


def test_a_byte_order_mark_before_good_json_does_no_harm(client: httpx.Client) -> None:
    response = client.post("/score/card_taps", content=b"\xef\xbb\xbf[" + ROW + b"]", headers=JSON)
    assert response.status_code == 200


def test_an_error_repeats_no_more_of_the_body_than_helps(client: httpx.Client) -> None:
    long = json.dumps([{"amount": "a" * 1_000, "tap": list(range(1_000)), "x" * 1_000: {str(n): n for n in range(99)}}])
    for problem in post(client, "/score/card_taps", long.encode(), JSON)["detail"]:
        assert len(json.dumps(problem)) < 5_000


def test_what_is_nested_is_repeated_to_a_few_levels(client: httpx.Client) -> None:
    (problem,) = post(client, "/score/card_taps", b"[" + ROW[:-1] + b',"amuont":[[[[[[1]]]]]]}]', JSON)["detail"]
    assert (problem["loc"], problem["input"]) == (["body", 0, "amuont"], [[["..."]]])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/score/credit_accounts", 405, "method_not_allowed"),
        ("POST", "/score/nobody", 404, "not_found"),
        ("DELETE", "/ping", 405, "method_not_allowed"),
        ("PATCH", "/ping", 405, "method_not_allowed"),
        ("GET", "/models/nobody", 404, "unknown_use_case"),
        ("GET", "/ping/", 404, "not_found"),
        ("POST", "/fraud_detection/", 404, "not_found"),
        ("GET", "/docs/nothing.js", 404, "not_found"),
        ("GET", "/redoc", 404, "not_found"),
        ("TRACE", "/models", 405, "method_not_allowed"),
    ],
)
def test_every_other_refusal_has_a_detail_and_a_code(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path)
    found = response.json()
    assert (response.status_code, found["code"], set(found)) == (status, code, {"detail", "code"})
    assert found["detail"].endswith(".")


@pytest.mark.parametrize(("path", "allowed"), [("/fraud_detection", "POST"), ("/ping", "GET, HEAD")])
def test_a_wrong_method_is_told_the_right_ones(client: httpx.Client, path: str, allowed: str) -> None:
    response = client.delete(path)
    assert response.headers["Allow"] == allowed
    assert response.json()["detail"] == f"This address takes {allowed} only."


@pytest.mark.parametrize("path", ["/ping/", "/fraud_detection/", "/models/", "/docs/", "/score/card_taps/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_redirected_to_wherever_the_caller_says_it_is(client: httpx.Client, path: str, method: str) -> None:
    response = client.request(method, path, headers=JSON | {"Host": "elsewhere.example"}, content=b"[" + ROW + b"]")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.json()["detail"] == "There is no such address: none ends with a slash."
    assert "Location" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/ping",
        "/ready",
        "/models",
        "/models/credit_accounts",
        "/models/credit_accounts/report",
        "/model_information",
        "/scores/raizen_gasoline/fraud",
        "/openapi.json",
        "/docs",
        "/docs/start.js",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_query_parameter_that_nobody_declared_is_refused(client: httpx.Client, path: str, method: str) -> None:
    response = client.request(method, path, params={"reason": "2"})
    assert response.status_code == 422
    if method == "GET":
        assert response.json() == {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["query", "reason"],
                    "msg": "Extra inputs are not permitted",
                    "input": "2",
                }
            ],
            "code": "input_refused",
        }


@pytest.mark.parametrize(
    "path", ["/ping", "/ready", "/models", "/models/credit_accounts", "/openapi.json", "/docs", "/nowhere", "/predict"]
)
def test_head_is_answered_as_get_is_without_a_body(client: httpx.Client, path: str) -> None:
    head, got = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    varies = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in varies} == {
        k: v for k, v in got.headers.items() if k not in varies
    }
