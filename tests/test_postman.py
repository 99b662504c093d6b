"""The Postman collection knows every address, with examples that work; `make postman` runs it against a live server."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter

from fraud_detection_api.app import create_app
from fraud_detection_api.pipeline_app import create_pipeline_app
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.settings import Settings
from fraud_detection_api.use_cases.known import USE_CASES

COLLECTION = Path(__file__).parents[1] / "postman_collection.json"
BASE, PIPELINE = "{{baseUrl}}", "{{pipelineUrl}}"  # of the scoring service, and of that which runs the pipeline
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
    def base(self) -> str:
        """Which service it goes to."""
        return self.url.raw.partition("/")[0]

    @property
    def address(self) -> tuple[str, str]:
        """Method and path, as the OpenAPI document spells them."""
        path = self.url.raw.removeprefix(BASE).removeprefix(PIPELINE).partition("?")[0]
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
    scoring = create_app(Settings(models=tmp_path, use_cases=()))
    pipeline = create_pipeline_app(Settings(pipeline=tmp_path))
    for base, app, beside in ((BASE, scoring, DOCUMENTATION), (PIPELINE, pipeline, set())):
        paths = app.openapi()["paths"]
        served = {(method.upper(), path) for path, operations in paths.items() for method in operations}
        assert {item.request.address for item in accepted(collection) if item.request.base == base} == served | beside


def test_every_request_has_checks_and_starts_at_the_base_address(collection: Collection) -> None:
    assert {"baseUrl", "pipelineUrl"} <= {variable.key for variable in collection.variable}
    for item in collection.items():
        assert item.request.base in (BASE, PIPELINE), item.name
        checks = "\n".join(line for event in item.event if event.listen == "test" for line in event.script.exec)
        assert re.search(r"have\.status\(\d+\)", checks), item.name


def test_what_the_documentation_shows_of_single_records_is_in_the_collection(collection: Collection) -> None:
    examples = {path: example for path, example in shown_examples().items() if not isinstance(example, list)}
    assert set(examples) >= {"/predict_fraud", "/predict", "/prediction", "/prediction/purchases"}
    for path, example in examples.items():
        assert example in [json.loads(body) for body in posted_to(collection, path)], path


def shown_examples() -> dict[str, object]:
    """The body that the OpenAPI document offers for each scoring address."""
    document = create_app(Settings(use_cases=())).openapi()
    asked = {path: operations.get("post", {}) for path, operations in document["paths"].items()}
    contents = {
        path: operation["requestBody"]["content"]["application/json"]
        for path, operation in asked.items()
        if "scoring" in operation.get("tags", ())
    }
    return {path: (found["schema"].get("examples") or found["examples"])[0] for path, found in contents.items()}


def posted_to(collection: Collection, path: str) -> list[str]:
    """The bodies of the requests that are to be accepted there."""
    asked = [item.request for item in accepted(collection) if item.request.address == ("POST", path)]
    return [request.body.raw for request in asked if request.body]


def test_the_stores_requests_keep_to_a_table_of_their_own(collection: Collection) -> None:
    (folder,) = (folder for folder in collection.item if folder.name == "Score store")
    written = [json.loads(item.request.body.raw)["table_name"] for item in folder.item if item.request.body]
    assert set(written) == {"postman"}


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)
def test_every_use_case_has_its_own_example_and_no_example_is_refused(
    collection: Collection, use_case: UseCase
) -> None:
    posted = posted_to(collection, f"/score/{use_case.name}")
    assert [use_case.example] in [json.loads(body) for body in posted]
    for body in posted:
        TypeAdapter(list[use_case.record]).validate_json(body)  # type: ignore[name-defined]  # known at run time
