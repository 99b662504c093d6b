"""The OpenAPI document is kept: whatever schemathesis makes of it gets a documented answer, and never a 5xx."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis.errors import InvalidArgument, Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fraud_detection_api.app import create_app
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.settings import Settings
from tests.declared_use_cases import DECLARED_HERE, EVERY_USE_CASE
from tests.small_libraries import library_of
from tests.small_models import SmallModel, promoted
from tests.subjects import vector_path

Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]
KEPT = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ASKED = (
    "GET /ping",
    "GET /ready",
    "GET /models",
    "GET /models/{use_case}",
    "GET /models/{use_case}/report",
    "POST /fraud_detection",
    "POST /predict_fraud",
    "POST /predict",
    "POST /orders/predict",
    "GET /model_information",
    "POST /insert",
    "GET /scores/{project_name}/{table_name}",
    "GET /answers/{use_case}",
    "GET /{use_case}/find",
)
VECTORS = (f"POST {vector_path(use_case)}" for use_case in EVERY_USE_CASE if use_case.label is None)
ADDRESSES = (*ASKED, *VECTORS, *(f"POST /score/{use_case.name}" for use_case in EVERY_USE_CASE))
UNEXPLAINED = {f"POST /score/{use_case.name}" for use_case in EVERY_USE_CASE if not library_of(use_case).pushed}


@pytest.fixture(scope="module")
def app(small_models: dict[str, SmallModel], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application in this process, with a champion of every use case."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    for model in small_models.values():
        promoted(Registry(folder), model)
    declared, store = tuple(DECLARED_HERE.split(",")), f"sqlite:///{folder / 'store'}"
    app = create_app(Settings(models=folder, use_cases=declared, log_level="ERROR", store=store))
    app.state.served_models.refresh()
    yield app
    gc.unfreeze()


@pytest.fixture(scope="module")
def operations(app: FastAPI) -> dict[str, Operation]:
    """Every address of the document, as a client sees it."""
    document = schemathesis.openapi.from_asgi("/openapi.json", app)
    return {found.ok().label: found.ok() for found in document.get_all_operations() if isinstance(found, Ok)}


@pytest.mark.no_cover  # as property tests are
@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_is_a_documented_one(operations: dict[str, Operation], address: str, mode: GenerationMode) -> None:
    @settings(max_examples=20)
    @given(operations[address].as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        case.call_and_validate(checks=KEPT[1:] if address in UNEXPLAINED else KEPT)  # its 503 is a documented one

    try:
        ask()
    except (Unsatisfiable, InvalidArgument):
        assert not operations[address].body  # an address without parameters cannot be asked wrongly


def test_every_address_is_tried(operations: dict[str, Operation]) -> None:
    assert set(operations) == set(ADDRESSES)
