"""A data folder with the small pipeline, and its service."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.pipeline.pipelines import Pipeline, pipeline_service
from tests.running_service import RunningService


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A data folder, empty at first."""
    return Pipeline(tmp_path, {"raw_orders": tmp_path / "raw"})


@pytest.fixture
def service(pipeline: Pipeline) -> Iterator[RunningService]:
    """Its service."""
    with pipeline_service(pipeline) as service:
        yield service


@pytest.fixture
def client(service: RunningService) -> Iterator[httpx.Client]:
    """A client of it."""
    with service.client() as client:
        yield client
