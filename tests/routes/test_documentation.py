"""GET /docs and GET /openapi.json: the page works without a network, from files of the package."""

import gzip
from html.parser import HTMLParser
from importlib.resources import files

import httpx
import pytest

PARTS = {
    "docs/swagger-ui.css": "text/css; charset=utf-8",
    "docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "docs/start.js": "text/javascript; charset=utf-8",
}


class Loaded(HTMLParser):
    """Every address that a page names, and whether it holds a script of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.own_scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.addresses += [str(found[name]) for name in ("src", "href", "action", "data") if name in found]
        self.own_scripts += tag in ("script", "style") and "src" not in found


def test_the_page_loads_nothing_but_files_of_the_package(client: httpx.Client) -> None:
    response = client.get("/docs")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Loaded()
    page.feed(response.text)
    assert set(page.addresses) == {"data:,", "openapi.json", *PARTS}
    assert page.own_scripts == 0


@pytest.mark.parametrize(("address", "media_type"), PARTS.items())
def test_every_part_is_there_and_may_be_kept_by_a_browser(client: httpx.Client, address: str, media_type: str) -> None:
    response = client.get(f"/{address}", headers={"Accept-Encoding": "gzip"})
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "public, max-age=86400"
    plain = client.get(f"/{address}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == response.content
    assert plain.headers["vary"] == response.headers["vary"] == "Accept-Encoding"


def test_a_browser_may_load_nothing_from_elsewhere_for_it(client: httpx.Client) -> None:
    headers = client.get("/docs").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_script_asks_nobody_whether_the_document_is_valid(client: httpx.Client) -> None:
    assert "validatorUrl: null" in client.get("/docs/start.js").text


def test_the_code_of_others_comes_with_its_licence() -> None:
    folder = files("fraud_detection_api.routes") / "swagger_ui"
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "SmartBear" in (folder / "NOTICE").read_text()
    assert b"SwaggerUIBundle" in gzip.decompress((folder / "swagger-ui-bundle.js.gz").read_bytes())


def test_the_document_is_openapi(client: httpx.Client) -> None:
    response = client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json()["openapi"].startswith("3.1")
