"""POST /predict: one customer's purchases, and what class they are put into."""

import httpx
import pytest

from fraud_detection_api.use_cases.purchases import PURCHASES
from tests.conftest import Shop
from tests.examples import bad_spellings, good_rows, spelled_body

ROW = good_rows(PURCHASES, 1, seed=4)[0]


def test_a_customer_gets_class_percentile_and_score(shop: Shop, client: httpx.Client) -> None:
    model = shop.models["purchases"]
    rows = model.training_rows[:80]
    flagged, scores = model.library.flagged(model.matrix(rows)), model.scores(rows)
    listed = client.post("/score/purchases", json=rows).json()
    for row, is_anomaly, score, beside in zip(rows, flagged, scores, listed, strict=True):
        response = client.post("/predict", json=row)
        assert response.status_code == 200
        assert response.json() == {
            "user_id": row["user_id"],
            "class_pred": "fraud" if is_anomaly else "nonfraud",
            "outlier_prob": beside["anomaly_percentile"],
            "anomaly_score": pytest.approx(score, abs=1e-6),
            "model_version": shop.versions["purchases"],
        }
    assert set(flagged.tolist()) == {True, False}


@pytest.mark.parametrize("user_id", [0, -1, 2**53 - 1, -(2**53) + 1])
def test_an_id_keeps_every_digit(client: httpx.Client, user_id: int) -> None:
    assert client.post("/predict", json=ROW | {"user_id": user_id}).json()["user_id"] == user_id


def test_every_wrong_value_is_refused_at_its_name(client: httpx.Client) -> None:
    for field in PURCHASES.fields:
        for what, spelling in bad_spellings(field, PURCHASES).items():
            body = spelled_body([ROW], 0, field.name, spelling)[1:-1]
            response = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
            assert response.status_code == 422, (field.name, what)
            assert [each["loc"] for each in response.json()["detail"]] == [["body", field.name]], (field.name, what)


def test_a_list_of_customers_is_refused(client: httpx.Client) -> None:
    assert client.post("/predict", json=[ROW]).status_code == 422
