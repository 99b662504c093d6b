"""Addresses as data: a use case of somebody else's declares its own, and they are served and documented as ours are."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.routes.addresses import every_address
from fraud_detection_api.schemas.address import Address, AnswerForm, BodyForm
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import OWN_ADDRESSES
from tests.examples import body_of, good_rows, slow_body_of
from tests.running_service import running_service
from tests.small_models import promoted, small_model

ROWS = good_rows(OWN_ADDRESSES, 5)
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service with such a use case."""
    folder: Path = tmp_path_factory.mktemp("addresses")
    promoted(Registry(folder / "models"), small_model(OWN_ADDRESSES))
    settings = {"use_cases": "tests.declared_use_cases:OWN_ADDRESSES"}
    with running_service(folder, settings) as service, service.client() as client:
        yield client


def test_every_declared_address_answers_in_its_own_words(client: httpx.Client) -> None:
    full = client.post("/score/own_addresses", json=ROWS).json()
    keys, scores = [row["tap"] for row in ROWS], [answer["fraud_probability"] for answer in full]
    pairs = list(zip(keys, scores, strict=True))
    assert client.post("/taps/full", json=ROWS).json() == full
    short = [{"tap": key, "fraud_probability": score} for key, score in pairs]
    assert client.post("/taps/scores", json=ROWS).json() == short
    flagged = [answer["decision"] == "flagged" for answer in full]
    verdicts = [{"tap": key, "is_suspicious": by, "risk": s} for (key, s), by in zip(pairs, flagged, strict=True)]
    for write in (body_of, slow_body_of):
        assert client.post("/taps/verdicts", content=write(ROWS), headers=JSON).json() == verdicts
        assert client.post("/taps/verdict", content=write(ROWS[:1])[1:-1], headers=JSON).json() == verdicts[0]


def test_an_address_refuses_as_every_other_does(client: httpx.Client) -> None:
    refused = client.post("/taps/verdict", json={"tap": 1})
    assert (refused.status_code, refused.json()["code"]) == (422, "input_refused")
    assert client.post("/taps/full?reasons=2", json=ROWS).json()[0].keys() >= {"decision"}
    assert client.post("/taps/scores?reasons=2", json=ROWS).status_code == 422
    assert client.get("/taps/scores").status_code == 405


def test_it_is_in_the_document(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    operation = paths["/taps/verdicts"]["post"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert (operation["summary"], schema["items"]["$ref"]) == ("Judge taps", "#/components/schemas/TapVerdict")


def test_an_address_is_declared_once() -> None:
    with pytest.raises(UseCaseInvalid, match="taken already"):
        every_address({"one": OWN_ADDRESSES, "two": OWN_ADDRESSES})
    assert "/fraud_detection" in every_address({"credit_accounts": CREDIT_ACCOUNTS})


@pytest.mark.parametrize("path", ["taps", "/Taps", "/taps/", "/{tap}", ""])
def test_a_path_is_plain_words(path: str) -> None:
    with pytest.raises(UseCaseInvalid, match="Address"):
        Address(path)


def test_vectors_are_answered_as_vectors() -> None:
    with pytest.raises(UseCaseInvalid, match="vector"):
        Address("/taps", BodyForm.VECTOR)
    with pytest.raises(UseCaseInvalid, match="vector"):
        Address("/taps", BodyForm.RECORD, AnswerForm.INLIER)
