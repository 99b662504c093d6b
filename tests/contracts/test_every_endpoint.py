"""The rules for every endpoint of ours, kept by the addresses of the three detectors and of the store."""

import json
from datetime import datetime

import httpx
import pytest

from tests.conftest import Shop
from tests.contracts.requests import EXAMPLES, JSON, ExampleRequest, Place

WRONG = ("NaN", "Infinity", "-Infinity", "1e400", '"23"', "true", "false", "null", "[]", "{}")
EVERY = pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda example: f"{example.path} of {'many' if 'id' in str(example.numbers) else 'one'}"
)


def problems(response: httpx.Response) -> list[tuple[object, ...]]:
    """Where a refused body is wrong."""
    assert response.status_code == 422, response.text
    assert "X-Model-Version" not in response.headers
    body = response.json()
    assert body.keys() == {"detail", "code"}
    assert all({"type", "loc", "msg", "input"} <= set(problem) for problem in body["detail"])
    return [tuple(problem["loc"]) for problem in body["detail"]]


@EVERY
def test_what_works_is_answered_and_says_by_which_model(
    example: ExampleRequest, shop: Shop, client: httpx.Client
) -> None:
    response = example.post(client)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers.get("X-Model-Version") == (shop.versions[use_case_of(example)] if example.scores else None)
    if isinstance(example.body, list):
        assert len(response.json()) == len(example.body)


def use_case_of(example: ExampleRequest) -> str:
    """Who answers there."""
    own = {
        "/predict_fraud": "card_transactions",
        "/prediction": "platform_activity",
        "/prediction/purchases": "purchases",
        "/predict": "purchases",
    }
    return own.get(example.path, example.path.removeprefix("/score/"))


@pytest.mark.parametrize(
    ("example", "place", "spelling"),
    [
        pytest.param(example, place, spelling, id=f"{example.path}-{'.'.join(map(str, place))}-{spelling}")
        for example in EXAMPLES
        for place in example.numbers
        for spelling in WRONG
    ],
)
def test_what_is_no_finite_number_is_refused_in_its_place(
    example: ExampleRequest, place: Place, spelling: str, client: httpx.Client
) -> None:
    if example.path == "/insert" and len(place) == 1 and spelling == "[]":
        assert problems(example.post(client, example.with_value(place, spelling)))  # lists beside single values
        return
    found = problems(example.post(client, example.with_value(place, spelling)))
    assert set(found) == {("body", *place)}


@pytest.mark.parametrize(
    ("example", "place"), [pytest.param(each, at, id=f"{each.path}-{at}") for each in EXAMPLES for at in each.whole]
)
def test_an_integral_float_is_an_integer_and_a_fraction_is_none(
    example: ExampleRequest, place: Place, client: httpx.Client
) -> None:
    as_integer, as_float = (example.post(client, example.with_value(place, spelling)) for spelling in ("23", "23.0"))
    assert (as_float.status_code, as_float.content) == (200, as_integer.content)
    assert problems(example.post(client, example.with_value(place, "23.9"))) == [("body", *place)]


@EVERY
def test_an_unknown_field_is_refused_by_its_name(example: ExampleRequest, client: httpx.Client) -> None:
    place: Place = (1, "nmuber") if isinstance(example.body, list) else ("nmuber",)
    body = example.body if not isinstance(example.body, list) else example.body[1]
    assert isinstance(body, dict)
    assert problems(example.post(client, example.with_value(place, "1"))) == [("body", *place)]


@EVERY
def test_no_field_may_be_left_out(example: ExampleRequest, client: httpx.Client) -> None:
    several = isinstance(example.body, list)
    whole = example.body[1] if isinstance(example.body, list) else example.body
    assert isinstance(whole, dict)
    for name in whole.keys() - {"score"}:
        less = {each: value for each, value in whole.items() if each != name}
        body = json.dumps([whole, less] if several else less).encode()
        assert problems(example.post(client, body)) == [("body", 1, name) if several else ("body", name)]


@EVERY
@pytest.mark.parametrize("body", [b"", b"{", b"[1", b"nonsense", b"\xff\xfe", b'"text"', b"7"])
def test_what_cannot_be_read_is_an_error_by_its_status_and_in_one_shape(
    example: ExampleRequest, body: bytes, client: httpx.Client
) -> None:
    response = example.post(client, body)
    assert response.status_code in (400, 422)
    answer = response.json()
    assert set(answer) == {"detail", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/predict_fraud", 405, "method_not_allowed"),
        ("GET", "/prediction", 405, "method_not_allowed"),
        ("GET", "/predict", 405, "method_not_allowed"),
        ("GET", "/insert", 405, "method_not_allowed"),
        ("POST", "/model_information", 405, "method_not_allowed"),
        ("DELETE", "/scores/raizen_gasoline/fraud", 405, "method_not_allowed"),
        ("POST", "/prediction/card_transactions", 404, "not_found"),
        ("GET", "/scores/raizen_gasoline/nobody_made_this", 404, "store_table_missing"),
    ],
)
def test_every_other_error_has_its_status_a_detail_and_a_code(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert set(response.json()) == {"detail", "code"}
    assert isinstance(response.json()["detail"], str)


def test_what_was_stored_comes_back_as_a_page_of_the_same_shape(client: httpx.Client) -> None:
    for example in (each for each in EXAMPLES if each.path == "/insert"):
        assert example.post(client).json() == "values inserted"
    page = client.get("/scores/raizen_gasoline/fraud", params={"limit": 3}).json()
    assert list(page) == ["scores", "next"]
    assert [(one["id"], one["outlier_prob"], one["class_pred"]) for one in page["scores"]] == [
        (2, 0.5, "nonfraud"),
        (9, 0.02, "nonfraud"),
        (10, 0.93, "fraud"),
    ]
    assert page["next"] == 10
    rest = client.get("/scores/raizen_gasoline/fraud", params={"after": page["next"], "min_prob": 0.9}).json()
    assert rest["next"] is None
    assert 345435 in [one["id"] for one in rest["scores"]]  # beside whatever other tests have stored there
    assert all(datetime.fromisoformat(one["inserted_at"]).utcoffset() is not None for one in rest["scores"])
