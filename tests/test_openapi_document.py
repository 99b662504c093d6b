"""The OpenAPI document is written for people: names, words, tags, and every refusal with its codes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fraud_detection_api.app import create_app
from fraud_detection_api.schemas.answers import InputRefusal, Refusal
from fraud_detection_api.settings import Settings
from tests.declared_use_cases import DECLARED_HERE

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"
CODE = re.compile(r"`([a-z_]+)`")
REFUSALS = {f"#/components/schemas/{model.__name__}" for model in (Refusal, InputRefusal)}
# fmt: off
KEYWORDS = {
    "$ref", "$defs", "additionalProperties", "allOf", "anyOf", "const", "default", "deprecated",
    "description", "discriminator", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format",
    "items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "multipleOf", "oneOf",
    "pattern", "prefixItems", "properties", "propertyNames", "required", "title", "type", "uniqueItems",
}
# fmt: on

Json = dict[str, "Json"] | list["Json"] | str | float | bool | None
Object = dict[str, Json]


def below(value: Json, name: str) -> Object:
    """The object of this name."""
    assert isinstance(value, dict)
    found = value[name]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Object:
    """The document of a service with use cases of its own."""
    folder = tmp_path_factory.mktemp("document")
    settings = Settings(models=folder, use_cases=tuple(DECLARED_HERE.split(",")), store=f"sqlite:///{folder}")
    found: Object = create_app(settings).openapi()
    return found


@pytest.fixture(scope="module")
def operations(document: Object) -> dict[str, Object]:
    """Every operation by method and path."""
    return {
        f"{method.upper()} {path}": below(found, method)
        for path, found in below(document, "paths").items()
        if isinstance(found, dict)
        for method in found
    }


def test_every_operation_names_the_refusals_that_every_request_may_meet(operations: dict[str, Object]) -> None:
    for name, operation in operations.items():
        assert {"414", "422"} <= below(operation, "responses").keys(), name


def test_every_operation_has_a_summary_and_a_description(operations: dict[str, Object]) -> None:
    for name, operation in operations.items():
        assert re.fullmatch(r"[A-Z][a-z' ]+\??", str(operation["summary"])), name
        assert re.match(r"[A-Z].+[.]$", str(operation["description"]), re.DOTALL), name


def test_every_operation_has_a_short_id_of_its_own(operations: dict[str, Object]) -> None:
    ids = [str(operation["operationId"]) for operation in operations.values()]
    assert len(set(ids)) == len(ids)
    for each in ids:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", each)
        assert not re.search(r"_(get|post)$", each)


def test_every_tag_is_described(document: Object, operations: dict[str, Object]) -> None:
    tags = document["tags"]
    assert isinstance(tags, list)
    described = {below({"tag": tag}, "tag")["name"] for tag in tags if below({"tag": tag}, "tag")["description"]}
    used = [operation["tags"] for operation in operations.values()]
    assert {tag for each in used if isinstance(each, list) for tag in each} == described


def refusals(operations: dict[str, Object]) -> Iterator[tuple[str, str, Object]]:
    """Every operation's answers of a status from 400 on."""
    for name, operation in operations.items():
        for status in below(operation, "responses"):
            if status >= "400":
                yield name, status, below(below(operation, "responses"), status)


def test_every_refusal_is_documented_with_its_codes(operations: dict[str, Object]) -> None:
    for name, status, answer in refusals(operations):
        schema = below(below(below(answer, "content"), "application/json"), "schema")
        if (name, status) != ("GET /ready", "503"):
            assert schema["$ref"] in REFUSALS, (name, status)
            assert CODE.findall(str(answer["description"])), (name, status)


def test_every_code_is_in_the_table_of_the_operations_page(operations: dict[str, Object]) -> None:
    page = OPERATIONS.read_text()
    for name, status, answer in refusals(operations):
        for code in CODE.findall(str(answer["description"])):
            assert f"| {status} | `{code}` |" in page or code == "loc", name


def test_nothing_is_redirected_and_every_wrong_value_is_refused(operations: dict[str, Object]) -> None:
    for name, operation in operations.items():
        statuses = set(below(operation, "responses"))
        assert not {status for status in statuses if status.startswith("3")} - {"304"}, name
        assert "422" in statuses, name
        if name.startswith("POST"):
            assert {"400", "408", "413", "415", "429", "503"} <= statuses, name


def test_schemas_hold_no_keys_of_ours_but_under_x(document: Object) -> None:
    for name, schema in schemas_in(below(document, "components")["schemas"], "components"):
        private = {key for key in schema if key not in KEYWORDS and not key.startswith("x-")}
        assert not private, name


def schemas_in(value: Json, name: str) -> Iterator[tuple[str, Object]]:
    """Every schema below a map of schemas."""
    assert isinstance(value, dict)
    for key, schema in value.items():
        if isinstance(schema, dict):
            yield f"{name}.{key}", schema
            yield from schemas_in(schema.get("properties", {}), f"{name}.{key}")
            for part in ("items", "additionalProperties"):
                if isinstance(schema.get(part), dict):
                    yield from schemas_in({part: schema[part]}, f"{name}.{key}")
