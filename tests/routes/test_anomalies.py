"""POST /prediction and GET /model_information as they were promised; what used to be a 500 has a place now."""

import httpx
import pytest

from tests.conftest import Shop

VECTOR = [21.5, 4.25]


def predict(client: httpx.Client, body: str) -> httpx.Response:
    """POST /prediction."""
    return client.post("/prediction", content=body, headers={"Content-Type": "application/json"})


def test_a_vector_is_an_inlier_or_not_and_nothing_else_is_said(shop: Shop, client: httpx.Client) -> None:
    model = shop.models["platform_activity"]
    rows = model.training_rows[:100]
    flagged = model.library.flagged(model.matrix(rows))
    for row, is_anomaly in zip(rows, flagged, strict=True):
        found = client.post("/prediction", json={"feature_vector": [row["mean"], row["sd"]]})
        assert (found.status_code, found.json()) == (200, {"is_inlier": -1 if is_anomaly else 1})
        assert found.headers["X-Model-Version"] == shop.versions["platform_activity"]
    assert set(flagged.tolist()) == {True, False}


def test_the_score_is_scikit_learns_under_both_spellings(shop: Shop, client: httpx.Client) -> None:
    model = shop.models["platform_activity"]
    for row, expected in zip(model.training_rows[:50], model.scores(model.training_rows[:50]), strict=True):
        vector = [row["mean"], row["sd"]]
        answer = client.post("/prediction", json={"feature_vector": vector, "score": True}).json()
        assert list(answer) == ["is_inlier", "anomaly_score", "anomoly_score"]
        assert answer["anomaly_score"] == answer["anomoly_score"] == pytest.approx(expected, abs=1e-6)
        assert answer["anomaly_score"] < 0


def test_false_is_what_nothing_means(client: httpx.Client) -> None:
    bodies = ({"feature_vector": VECTOR}, {"feature_vector": VECTOR, "score": False})
    plain, said = (client.post("/prediction", json=body) for body in bodies)
    assert plain.json() == said.json()


def test_the_misspelt_name_is_documented_as_deprecated(client: httpx.Client) -> None:
    answer = client.get("/openapi.json").json()["components"]["schemas"]["InlierPrediction"]["properties"]
    assert answer["anomoly_score"]["deprecated"] is True
    assert "deprecated" not in answer["anomaly_score"]


@pytest.mark.parametrize(
    ("vector", "place"),
    [
        ("[]", None),
        ("[1]", None),
        ("[1, 2, 3]", None),
        ("{}", None),
        ("null", None),
        ('"1, 2"', None),
        ("7", None),
        ("[NaN, 1]", 0),
        ("[1, NaN]", 1),
        ("[1, Infinity]", 1),
        ("[-Infinity, 1]", 0),
        ("[1e400, 1]", 0),
        ("[1, null]", 1),
        ('[1, "2"]', 1),
        ("[true, 1]", 0),
        ("[1, [2]]", 1),
        ("[1, -2e12]", 1),
        ("[2e12, 1]", 0),
    ],
)
def test_what_is_no_vector_of_the_features_is_422_with_its_place(
    client: httpx.Client, vector: str, place: int | None
) -> None:
    response = predict(client, f'{{"feature_vector": {vector}}}')
    assert response.status_code == 422, response.text
    assert response.headers["Content-Type"] == "application/json"
    for problem in response.json()["detail"]:
        assert problem["loc"][:2] == ["body", "feature_vector"]
        assert place is None or problem["loc"] == ["body", "feature_vector", place]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"feature_vector": [1, 2], "score": 1}', ["body", "score"]),
        ('{"feature_vector": [1, 2], "score": "true"}', ["body", "score"]),
        ('{"feature_vector": [1, 2], "score": null}', ["body", "score"]),
        ('{"feature_vector": [1, 2], "scores": true}', ["body", "scores"]),
        ('{"score": true}', ["body", "feature_vector"]),
        ("[1, 2]", ["body"]),
        ('{"feature_vector": [1, 2', ["body"]),
        ("", ["body"]),
    ],
)
def test_what_is_asked_wrongly_is_422_with_its_place(client: httpx.Client, body: str, place: list[str]) -> None:
    response = predict(client, body)
    assert response.status_code == 422, response.text
    (problem,) = response.json()["detail"]
    assert problem["loc"][: len(place)] == place


def test_other_widths_have_addresses_of_their_own(shop: Shop, client: httpx.Client) -> None:
    asked = {"feature_vector": [702.5, 3653, 0], "score": True}
    found = client.post("/prediction/purchases", json=asked)
    row = {"user_id": 7, "total_liters": 702.5, "total_amount_paid": 3653, "is_premium": False}
    (listed,) = client.post("/score/purchases", json=[row]).json()
    assert found.headers["X-Model-Version"] == shop.versions["purchases"]
    assert found.json()["anomaly_score"] == listed["anomaly_score"]
    assert client.post("/prediction/card_transactions", json=asked).status_code == 404


@pytest.mark.parametrize("truth", [2, -1, 0.5, 1e30])
def test_what_is_true_or_false_is_0_or_1_in_a_vector(client: httpx.Client, truth: float) -> None:
    response = client.post("/prediction/purchases", json={"feature_vector": [702.5, 3653, truth]})
    assert response.status_code == 422
    assert [problem["loc"] for problem in response.json()["detail"]] == [["body", "feature_vector", 2]]


def test_the_deployed_model_is_told_by_its_parameters(shop: Shop, client: httpx.Client) -> None:
    response, model = client.get("/model_information"), shop.models["platform_activity"]
    answer = response.json()
    assert response.status_code == 200
    parameters = {"n_estimators": 25, "contamination": 0.1, "random_state": 0}
    assert {name: answer[name] for name in parameters} == parameters
    assert answer["model_version"] == shop.versions["platform_activity"]
    assert answer["features"] == ["mean", "sd"]
    assert answer["threshold"] == model.manifest.threshold
    assert answer["trained_at"] == "2024-06-01T00:00:00Z"
