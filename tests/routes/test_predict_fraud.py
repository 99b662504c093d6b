"""POST /predict_fraud: one card transaction by the names of its columns, as it was promised, without its old faults."""

import json
from random import Random

import httpx
import numpy as np
import pytest

from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS
from tests.conftest import Shop
from tests.examples import Row, bad_spellings, good_rows, spelled_body

PATH = "/predict_fraud"
NAMES = ["Time", *(f"V{number}" for number in range(1, 29)), "Amount"]
ROW = good_rows(CARD_TRANSACTIONS, 1, seed=21)[0]


def post(client: httpx.Client, body: bytes) -> httpx.Response:
    """Post a body as JSON."""
    return client.post(PATH, content=body, headers={"Content-Type": "application/json"})


def places(response: httpx.Response) -> list[list[str | int]]:
    """Where a refused body is wrong."""
    assert response.status_code == 422, response.text
    return [problem["loc"] for problem in response.json()["detail"]]


def spelled(name: str, spelling: str) -> bytes:
    """The transaction with one value spelled like this."""
    return spelled_body([ROW], 0, name, spelling)[1:-1]


def test_a_transaction_has_the_thirty_columns_of_the_public_data_set() -> None:
    assert list(CARD_TRANSACTIONS.feature_names) == NAMES
    assert (CARD_TRANSACTIONS.label, CARD_TRANSACTIONS.order_column) == ("Class", "Time")


def test_it_is_answered_with_prediction_probability_threshold_and_version(shop: Shop, client: httpx.Client) -> None:
    model, version = shop.models["card_transactions"], shop.versions["card_transactions"]
    rows = model.training_rows[:80]
    for row, expected in zip(rows, model.scores(rows), strict=True):
        response = client.post(PATH, json=row)
        answer = response.json()
        assert response.status_code == 200
        assert list(answer) == ["prediction", "fraud_probability", "threshold", "model_version"]
        assert np.float32(answer["fraud_probability"]) == expected
        assert answer["prediction"] == int(expected >= np.float32(0.5))
        assert (answer["threshold"], answer["model_version"]) == (0.5, version)
        assert response.headers["X-Model-Version"] == version
        assert response.headers["Content-Type"] == "application/json"


def test_both_predictions_occur(shop: Shop, client: httpx.Client) -> None:
    rows = shop.models["card_transactions"].training_rows[:80]
    assert {client.post(PATH, json=row).json()["prediction"] for row in rows} == {0, 1}


def test_names_count_and_their_order_does_not(client: httpx.Client) -> None:
    expected = client.post(PATH, json=ROW).content
    names, random = list(ROW), Random(3)
    for _ in range(20):
        random.shuffle(names)
        assert client.post(PATH, json={name: ROW[name] for name in names}).content == expected
    swapped = ROW | {"V1": ROW["V2"], "V2": ROW["V1"]}
    turned = {name: swapped[name] for name in ["V2", "V1", *(each for each in NAMES if each not in ("V1", "V2"))]}
    assert client.post(PATH, json=turned).content == client.post(PATH, json=swapped).content


def test_white_space_around_it_and_an_escaped_name_change_nothing(client: httpx.Client) -> None:
    body = json.dumps(ROW).encode()
    expected = post(client, body).content
    assert post(client, b" \r\n\t" + body + b"\n  ").content == expected
    assert post(client, json.dumps(ROW, indent=4).encode()).content == expected
    assert post(client, body.replace(b'"V1"', b'"\\u00561"')).content == expected


def test_it_gives_the_same_probability_as_the_list(client: httpx.Client) -> None:
    (listed,) = client.post("/score/card_transactions", json=[ROW]).json()
    assert client.post(PATH, json=ROW).json()["fraud_probability"] == listed["fraud_probability"]


def test_every_wrong_value_is_refused_at_its_name(client: httpx.Client) -> None:
    for name in ("Time", "V3", "V28", "Amount"):
        (field,) = [each for each in CARD_TRANSACTIONS.fields if each.name == name]
        for what, spelling in bad_spellings(field, CARD_TRANSACTIONS).items():
            assert places(post(client, spelled(name, spelling))) == [["body", name]], (name, what)


def test_a_missing_and_an_unknown_name_are_refused_by_their_names(client: httpx.Client) -> None:
    without: Row = {name: value for name, value in ROW.items() if name != "V3"}
    assert places(client.post(PATH, json=without)) == [["body", "V3"]]
    assert places(client.post(PATH, json=ROW | {"V29": 1.0})) == [["body", "V29"]]
    assert places(client.post(PATH, json=without | {"v3": 1.0})) == [["body", "V3"], ["body", "v3"]]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([ROW]).encode(),
        json.dumps([ROW, ROW]).encode(),
        json.dumps(list(ROW.values())).encode(),
        json.dumps(list(ROW.values()) * 2).encode(),
        b",".join([json.dumps(ROW).encode()] * 2),
        json.dumps(ROW).encode() + b"]",
        json.dumps(ROW).encode() + b"],[",
        b"[" + json.dumps(ROW).encode(),
        json.dumps(ROW).encode() + b",",
        b"{}",
        b"[]",
        b"null",
        b"1",
        b'"text"',
        b"",
        b" \n",
    ],
    ids=lambda body: body[:12].decode() + "..." + body[-6:].decode(),
)
def test_what_is_not_one_transaction_is_refused(client: httpx.Client, body: bytes) -> None:
    assert all(place[0] == "body" for place in places(post(client, body)))


def test_a_name_that_comes_twice_is_the_last_one_as_in_every_reader_of_json(client: httpx.Client) -> None:
    body = json.dumps(ROW).encode()
    twice = body[:-1] + b', "V1": -0.5}'
    assert post(client, twice).content == client.post(PATH, json=ROW | {"V1": -0.5}).content


def test_no_error_is_answered_with_200(client: httpx.Client) -> None:
    assert client.get(PATH).status_code == 405
    assert client.post(PATH, content=json.dumps(ROW), headers={"Content-Type": "text/plain"}).status_code == 415
    assert post(client, b"{").json()["detail"][0]["type"] == "json_invalid"


def test_a_question_for_reasons_is_for_lists(client: httpx.Client) -> None:
    response = client.post(f"{PATH}?reasons=3&reasons_for=all", json=ROW)
    assert [problem["loc"] for problem in response.json()["detail"]] == [["query", "reasons"], ["query", "reasons_for"]]
