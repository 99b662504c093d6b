"""What many tests share: small models of every use case, a registry that holds them, a service that serves them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import DECLARED_HERE, EVERY_USE_CASE
from tests.running_service import MEASURED, PROJECT, RunningService, running_service
from tests.small_models import SmallModel, promoted, small_model
from tests.thoroughness import times

STUBS = PROJECT.glob("src/fraud_detection_api/*/_*.pyi")  # each part in C has one
COMPILED = [".".join(stub.relative_to(PROJECT / "src").with_suffix("").parts) for stub in STUBS]

settings.register_profile(
    "suite",
    max_examples=times(100),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a compiler the service works on, slower; what is said of the parts in C is then skipped, not failed."""
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("no_cover")  # it runs the same lines a hundred times; others measure them once
    if all(map(find_spec, COMPILED)):
        return
    if os.environ.get("FRAUD_REQUIRE_COMPILED") == "1":
        raise pytest.UsageError("FRAUD_REQUIRE_COMPILED=1, and the parts in C are not built")
    absent = pytest.mark.skip(reason="the parts in C are not built here: apt-get install gcc python3-dev")
    for item in items:
        if item.get_closest_marker("compiled"):
            item.add_marker(absent)


@dataclass(frozen=True)
class Shop:
    """A service, the folder of its registry, and the model and version of every use case that it serves."""

    service: RunningService
    folder: Path
    models: dict[str, SmallModel]
    versions: dict[str, str]

    @property
    def registry(self) -> Registry:
        """The registry that it serves from."""
        return Registry(self.folder / "models")


@pytest.fixture(scope="session")
def small_models() -> dict[str, SmallModel]:
    """A model of every use case, those of the tests among them."""
    return {use_case.name: small_model(use_case) for use_case in EVERY_USE_CASE}


@pytest.fixture(scope="session")
def credit_model(small_models: dict[str, SmallModel]) -> SmallModel:
    """A model of the credit accounts."""
    return small_models[CREDIT_ACCOUNTS.name]


@pytest.fixture(scope="session")
def other_credit_model() -> SmallModel:
    """Another model of the credit accounts, with other answers."""
    return small_model(CREDIT_ACCOUNTS, seed=1)


@pytest.fixture(scope="session")
def shop(
    small_models: dict[str, SmallModel], tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Shop]:
    """A running service with a champion for every use case; tests only ask it, none changes it."""
    measured = MEASURED if pytestconfig.pluginmanager.hasplugin("_cov") else {}
    folder = tmp_path_factory.mktemp("shop")
    registry = Registry(folder / "models")
    versions = {name: promoted(registry, model) for name, model in small_models.items()}
    with running_service(folder, {"use_cases": DECLARED_HERE}, environment=measured) as service:
        yield Shop(service, folder, small_models, versions)


@pytest.fixture(scope="session")
def client(shop: Shop) -> Iterator[httpx.Client]:
    """A client of the shared service."""
    with shop.service.client() as client:
        yield client
