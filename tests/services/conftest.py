"""A registry of champions for everything that scores in bulk."""

import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import Scorer, load_scorer
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.declared_use_cases import EVERY_USE_CASE
from tests.services.bulk_files import Shop
from tests.small_models import SmallModel, promoted


@pytest.fixture(scope="module")
def bulk_shop(small_models: dict[str, SmallModel], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A registry with a champion for every use case; no service."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    bundles = {name: registry.bundle(name, promoted(registry, model)) for name, model in small_models.items()}
    return Shop(registry.root, {each.name: load_scorer(bundles[each.name], each) for each in EVERY_USE_CASE})


@pytest.fixture
def credit_scorer(bulk_shop: Shop) -> Scorer:
    """The scorer of the credit accounts."""
    return bulk_shop.scorers[CREDIT_ACCOUNTS.name]
