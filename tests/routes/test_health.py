"""GET /ping and GET /ready."""

import httpx

from tests.conftest import Shop


class TestPing:
    def test_the_service_is_up(self, client: httpx.Client) -> None:
        response = client.get("/ping")
        assert (response.status_code, response.json()) == (200, {"message": "Service is up!"})


class TestReady:
    def test_every_use_case_is_listed_with_its_version(self, shop: Shop, client: httpx.Client) -> None:
        response = client.get("/ready")
        assert response.status_code == 200
        assert response.json() == {
            "ready": True,
            "models": [
                {"use_case": name, "version": version, "problem": None, "refused_bundles": 0}
                for name, version in shop.versions.items()
            ],
        }
