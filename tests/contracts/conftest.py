"""A service that the contracts may store scores in: the one that all tests share is only asked."""

from collections.abc import Iterator

import httpx
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.known import USE_CASES
from tests.conftest import Shop
from tests.running_service import running_service
from tests.small_models import SmallModel, promoted


@pytest.fixture(scope="package")
def shop(small_models: dict[str, SmallModel], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A running service with a champion for every built-in use case and an empty store of its own."""
    folder = tmp_path_factory.mktemp("contracts")
    models = {use_case.name: small_models[use_case.name] for use_case in USE_CASES}
    versions = {name: promoted(Registry(folder / "models"), model) for name, model in models.items()}
    with running_service(folder, {}) as service:
        yield Shop(service, folder, models, versions)


@pytest.fixture(scope="package")
def client(shop: Shop) -> Iterator[httpx.Client]:
    """A client of it."""
    with shop.service.client() as client:
        yield client
