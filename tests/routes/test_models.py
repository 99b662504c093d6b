"""GET /models, GET /models/{use_case} and GET /models/{use_case}/report."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from fraud_detection_api.model.bundle import REPORT, REPORT_DATA, Bundle
from fraud_detection_api.model.registry import Registry
from tests.conftest import Shop
from tests.declared_use_cases import EVERY_USE_CASE
from tests.running_service import running_service
from tests.training.fitting import accounts_file, fitted

NAME = "credit_accounts"
ADDRESS = f"/models/{NAME}/report"


@dataclass(frozen=True)
class Reported:
    """A service that serves a fitted model, and the model's bundle."""

    client: httpx.Client
    bundle: Bundle


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    """A service of a model that keeps its report."""
    folder = tmp_path_factory.mktemp("reported")
    version = fitted(accounts_file(folder), folder / "models").version
    with running_service(folder, {}) as service, service.client() as client:
        yield Reported(client, Registry(folder / "models").bundle(NAME, version))


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
        assert f"there are: {', '.join(use_case.name for use_case in EVERY_USE_CASE)}." in found["detail"]


class TestReport:
    def test_the_page_of_the_version_that_scores_now_is_given_as_it_is_kept(self, reported: Reported) -> None:
        response = reported.client.get(ADDRESS)
        assert response.status_code == 200
        assert response.content == reported.bundle.attached(REPORT)
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["x-model-version"] == reported.bundle.version
        assert response.headers["etag"] == f'"{reported.bundle.manifest.files[REPORT]}"'

    def test_the_same_is_given_as_json(self, reported: Reported) -> None:
        response = reported.client.get(ADDRESS, params={"format": "json"})
        assert response.content == reported.bundle.attached(REPORT_DATA)
        assert response.headers["content-type"] == "application/json"
        assert response.json()["manifest"]["metrics"].keys() == reported.bundle.manifest.metrics.keys()

    def test_a_browser_may_load_and_run_nothing_for_it(self, reported: Reported) -> None:
        headers = reported.client.get(ADDRESS).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["style-src"] == "'unsafe-inline'"
        assert "script-src" not in policy
        assert headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("spelled", ["{}", "W/{}", '"other", {}', "*"])
    def test_who_has_it_already_is_told_so_and_the_file_is_not_read(self, reported: Reported, spelled: str) -> None:
        first = reported.client.get(ADDRESS)
        assert reported.bundle.folder is not None
        file = reported.bundle.folder / REPORT
        aside = file.rename(file.with_suffix(".aside"))
        try:
            second = reported.client.get(ADDRESS, headers={"If-None-Match": spelled.format(first.headers["etag"])})
        finally:
            aside.rename(file)
        assert (second.status_code, second.content) == (304, b"")
        for name in ("etag", "cache-control", "x-model-version"):
            assert second.headers[name] == first.headers[name]

    @pytest.mark.parametrize("tag", ['"other"', "", "other", '"*"'])
    def test_who_has_another_one_gets_it(self, reported: Reported, tag: str) -> None:
        response = reported.client.get(ADDRESS, headers={"If-None-Match": tag})
        assert (response.status_code, response.content) == (200, reported.bundle.attached(REPORT))

    def test_another_format_is_refused(self, reported: Reported) -> None:
        assert reported.client.get(ADDRESS, params={"format": "pdf"}).status_code == 422

    def test_a_bundle_that_keeps_none_says_how_to_get_one(self, client: httpx.Client) -> None:
        response = client.get(ADDRESS)
        assert response.status_code == 404
        assert response.json()["code"] == "report_missing"
        assert f"fraud report {NAME}" in response.json()["detail"]

    def test_an_unknown_use_case_is_told_apart_from_a_missing_report(self, client: httpx.Client) -> None:
        assert client.get("/models/nobody/report").json()["code"] == "unknown_use_case"

    def test_without_a_model_there_is_no_report(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with running_service(tmp_path_factory.mktemp("empty"), {}) as service, service.client() as client:
            response = client.get(ADDRESS)
        assert response.status_code == 503
        assert response.json()["code"] == "model_missing"

    def test_a_report_of_which_a_byte_was_changed_is_refused(self, reported: Reported) -> None:
        assert reported.bundle.folder is not None
        file = reported.bundle.folder / REPORT
        kept = file.read_bytes()
        try:
            file.write_bytes(kept.replace(b"Passed", b"passed"))
            assert reported.client.get(ADDRESS).json()["code"] == "bundle_refused"
        finally:
            file.write_bytes(kept)
