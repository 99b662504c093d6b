"""The Postman collection knows every address, with examples that work; `make postman` runs it against a live server."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter

from fraud_detection_api.app import create_app
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.settings import Settings
from fraud_detection_api.use_cases import USE_CASES

COLLECTION = Path(__file__).parents[1] / "postman_collection.json"
BASE = "{{baseUrl}}"
DOCUMENTATION = {("GET", "/openapi.json"), ("GET", "/docs")}


class Script(BaseModel):
    """Lines of JavaScript."""

    exec: list[str]


class Event(BaseModel):
    """When a script runs."""

    listen: str
    script: Script


class Body(BaseModel):
    """What is posted."""

    raw: str


class Url(BaseModel):
    """An address below the base."""

    raw: str


class Request(BaseModel):
    """What is sent."""

    method: str
    url: Url
    body: Body | None = None

    @property
    def address(self) -> tuple[str, str]:
        """Method and path, as the OpenAPI document spells them."""
        path = self.url.raw.removeprefix(BASE).partition("?")[0]
        return self.method, re.sub(r":(\w+)", r"{\1}", path)


class Item(BaseModel):
    """A request and its checks."""

    name: str
    request: Request
    event: list[Event]


class Folder(BaseModel):
    """Requests on one subject."""

    name: str
    item: list[Item]


class Variable(BaseModel):
    """What a user of the collection may set."""

    key: str
    value: str


class Collection(BaseModel):
    """A Postman collection, as far as it is looked at here."""

    variable: list[Variable]
    item: list[Folder]

    def items(self) -> list[Item]:
        """Every request of every folder."""
        return [item for folder in self.item for item in folder.item]


@pytest.fixture(scope="module")
def collection() -> Collection:
    return Collection.model_validate_json(COLLECTION.read_bytes())


def accepted(collection: Collection) -> list[Item]:
    return [item for folder in collection.item if folder.name != "Refusals" for item in folder.item]


def test_every_address_is_in_the_collection(collection: Collection, tmp_path: Path) -> None:
    paths = create_app(Settings(models=tmp_path, use_cases=())).openapi()["paths"]
    served = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert {item.request.address for item in accepted(collection)} == served | DOCUMENTATION


def test_every_request_has_checks_and_starts_at_the_base_address(collection: Collection) -> None:
    assert "baseUrl" in {variable.key for variable in collection.variable}
    for item in collection.items():
        assert item.request.url.raw.startswith(BASE), item.name
        checks = "\n".join(line for event in item.event if event.listen == "test" for line in event.script.exec)
        assert re.search(r"have\.status\(\d+\)", checks), item.name


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)
def test_every_use_case_has_its_own_example_and_no_example_is_refused(
    collection: Collection, use_case: UseCase
) -> None:
    posted = [
        item.request.body.raw
        for item in accepted(collection)
        if item.request.body and item.request.address[1] == f"/score/{use_case.name}"
    ]
    assert [use_case.example] in [json.loads(body) for body in posted]
    for body in posted:
        TypeAdapter(list[use_case.record]).validate_json(body)  # type: ignore[name-defined]  # known at run time
