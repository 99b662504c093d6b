"""GET /models and GET /models/{use_case}."""

import httpx

from tests.conftest import Shop


class TestModels:
    def test_every_use_case_is_listed_with_its_version(self, shop: Shop, client: httpx.Client) -> None:
        response = client.get("/models")
        assert response.status_code == 200
        assert {each["use_case"]: each["version"] for each in response.json()} == shop.versions


class TestModel:
    def test_what_is_served_is_described(self, shop: Shop, client: httpx.Client) -> None:
        found = client.get("/models/credit_accounts").json()
        assert found["version"] == shop.versions["credit_accounts"]
        assert (found["threshold"], found["created_at"]) == (0.5, "2024-06-01T00:00:00Z")
        assert found["parameters"] == {"max_depth": 5, "seed": 0}
        assert found["gate"]["passed"] is True

    def test_features_are_told_with_their_ranges_but_without_histograms(self, shop: Shop, client: httpx.Client) -> None:
        features = client.get("/models/loan_applications").json()["features"]
        made_for = {feature.name: feature for feature in shop.models["loan_applications"].manifest.features}
        assert [feature["name"] for feature in features] == list(made_for)
        for feature in features:
            assert (feature["low"], feature["high"]) == (made_for[feature["name"]].low, made_for[feature["name"]].high)
            assert not {name for name in feature if name.startswith("histogram")}
        (purpose,) = (feature for feature in features if feature["name"] == "purpose")
        assert purpose["categories"] == sorted(["car", "kitchen", "caf\u00e9 \u4e2d"])

    def test_the_digests_of_its_files_are_nobodys_business(self, client: httpx.Client) -> None:
        assert "files" not in client.get("/models/credit_accounts").json()

    def test_an_unknown_use_case_is_answered_with_the_known_ones(self, client: httpx.Client) -> None:
        for name in ("nobody", "credit_accounts%20", "%00", "..%2f..", "\u4e2d"):
            response = client.get(f"/models/{name}")
            assert response.status_code == 404
            assert response.json()["code"] in ("unknown_use_case", "not_found")
        found = client.get("/models/nobody").json()
        assert found["code"] == "unknown_use_case"
        assert "there are: credit_accounts, loan_applications, card_taps" in found["detail"]
