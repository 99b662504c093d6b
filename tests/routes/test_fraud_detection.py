"""POST /fraud_detection: the credit accounts' own address, exactly as it was promised."""

import json

import httpx
import numpy as np

from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.conftest import Shop
from tests.examples import Row, bad_spellings, body_of, good_rows, slow_body_of, spelled_body

README: list[Row] = [
    {
        "customer_id": 345435,
        "number_of_open_accounts": 23,
        "total_credit_limit": 12345,
        "total_balance": 200000,
        "number_of_accounts_in_arrears": 2,
    }
]


def post(client: httpx.Client, body: bytes) -> httpx.Response:
    """Post a body as JSON."""
    return client.post("/fraud_detection", content=body, headers={"Content-Type": "application/json"})


def test_the_readmes_example_gets_a_probability(shop: Shop, client: httpx.Client) -> None:
    response = client.post("/fraud_detection", json=README)
    (answer,) = response.json()
    assert (response.status_code, list(answer)) == (200, ["customer_id", "fraud_probability"])
    assert answer["customer_id"] == 345435
    (expected,) = shop.models["credit_accounts"].scores(README)
    assert np.float32(answer["fraud_probability"]) == expected
    assert response.headers["X-Model-Version"] == shop.versions["credit_accounts"]
    assert response.headers["Content-Type"] == "application/json"


def test_no_accounts_get_no_probabilities(client: httpx.Client) -> None:
    response = post(client, b"[]")
    assert (response.status_code, response.content) == (200, b"[]")


def test_it_gives_the_same_scores_as_the_generic_door(client: httpx.Client) -> None:
    rows = good_rows(CREDIT_ACCOUNTS, 500, seed=11)
    for write in (body_of, slow_body_of):
        short = post(client, write(rows)).json()
        full = client.post("/score/credit_accounts", json=rows).json()
        names = ("customer_id", "fraud_probability")
        assert short == [{name: answer[name] for name in names} for answer in full]


def test_whatever_the_service_it_replaces_scored_without_a_word_is_refused(client: httpx.Client) -> None:
    rows = [dict(README[0])] * 8
    for field in CREDIT_ACCOUNTS.fields:
        for what, spelling in bad_spellings(field, CREDIT_ACCOUNTS).items():
            response = post(client, spelled_body(rows, 7, field.name, spelling))
            assert response.status_code == 422, (field.name, what)
            assert response.json()["detail"][0]["loc"] == ["body", 7, field.name]


def test_more_accounts_in_arrears_than_open_accounts_are_refused(client: httpx.Client) -> None:
    response = client.post("/fraud_detection", json=[README[0] | {"number_of_accounts_in_arrears": 24}])
    assert response.status_code == 422
    assert response.json() == {
        "detail": [
            {
                "type": "rule",
                "loc": ["body", 0, "number_of_accounts_in_arrears"],
                "msg": "More accounts in arrears than open accounts",
                "input": 24.0,
            }
        ],
        "code": "input_refused",
    }


def test_a_record_outside_the_trained_range_is_scored(client: httpx.Client) -> None:
    odd = README[0] | {"number_of_open_accounts": 100_000, "total_balance": -1e12, "total_credit_limit": 1e12}
    response = client.post("/fraud_detection", json=[odd])
    assert response.status_code == 200
    assert 0 <= response.json()[0]["fraud_probability"] <= 1


def test_a_large_body_is_answered_like_many_small_ones(client: httpx.Client) -> None:
    rows = good_rows(CREDIT_ACCOUNTS, 3_000, seed=12)
    whole = post(client, body_of(rows)).json()
    parts = [post(client, body_of(rows[at : at + 100])).json() for at in range(0, len(rows), 100)]
    assert whole == [answer for part in parts for answer in part]


def test_only_post_is_answered(client: httpx.Client) -> None:
    response = client.get("/fraud_detection")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"
    assert json.loads(response.content)["detail"] == "This address takes POST only."
