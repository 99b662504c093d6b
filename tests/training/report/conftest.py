"""Published models whose reports are looked at: everything declared, no time, imported, no labels, compared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import orjson
import pytest

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.model.bundle import REPORT, REPORT_DATA, Bundle
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.samples.platform_activity import platform_activity
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.bundling.importing import import_model
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.report.contents import Report
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from tests.learning import with_learning
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import QUICK, fitted, table_file

HOSTILE = "<script>alert('Ost & West')</script>"
DECLARED = replace(
    with_learning(CLAIMS, costs=Costs("amount", 25.0, 5.0), gate=Gate(group="region", most_false_alarm_ratio=100.0)),
    title="Claims & <others>",
    entity="broker",
    purpose="Ranks claims so that the riskiest are looked at first.",
    not_for="Refusing a claim <b>without</b> a person.",
)
COMPARED = with_learning(TIMELESS_CLAIMS, models=("svm", "logistic"))
FORCED = replace(QUICK, force="tried out in a test")
FIXTURES = Path(__file__).parents[1] / "fixtures"


def tree(html: str) -> ET.Element:
    """The page, which has to be well-formed XML."""
    return ET.fromstring(html.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - made by ourselves


@dataclass(frozen=True)
class Published:
    """A published model and its report."""

    use_case: UseCase
    registry: Registry
    bundle: Bundle

    @property
    def html(self) -> str:
        """The page that the bundle keeps."""
        return (self.bundle.attached(REPORT) or b"").decode()

    @property
    def words(self) -> str:
        """What a reader of the page sees."""
        return " ".join("".join(tree(self.html).itertext()).replace("\u00a0", " ").split())

    @property
    def sections(self) -> set[str | None]:
        """The sections that the page has."""
        return {part.get("id") for part in tree(self.html).iter("section")}

    @property
    def report(self) -> Report:
        """The numbers that the bundle keeps."""
        return Report.model_validate_json(self.bundle.attached(REPORT_DATA) or b"")

    @property
    def raw(self) -> dict[str, object]:
        """The numbers as JSON alone knows them."""
        found: dict[str, object] = orjson.loads(self.bundle.attached(REPORT_DATA) or b"")
        return found


def broker_claims(rows: int = 4000) -> dict[str, RawColumn]:
    """Claims with brokers, whom claims share, and regions, one of them with a hostile name."""
    random = np.random.default_rng(3)
    brokers = np.array([f"b-{number}" for number in range(500)], dtype=object)
    regions = np.array(["Nord", "S\u00fcd", HOSTILE, None], dtype=object)
    beside: dict[str, RawColumn] = {
        "broker": brokers[random.integers(0, 500, rows)],
        "region": regions[random.integers(0, 4, rows)],
    }
    return claims_table(rows) | beside


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A model with time, entity, groups and costs."""
    return _published(DECLARED, broker_claims(), tmp_path_factory.mktemp("declared"))


@pytest.fixture(scope="session")
def timeless(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A model of a use case that declares nothing but its record."""
    return _published(TIMELESS_CLAIMS, claims_table(3000), tmp_path_factory.mktemp("timeless"))


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A model that was made elsewhere."""
    registry = Registry(tmp_path_factory.mktemp("imported") / "models")
    version = import_model(registry, CREDIT_ACCOUNTS, FIXTURES / "other_order_2_1.ubj").version
    return Published(CREDIT_ACCOUNTS, registry, registry.bundle(CREDIT_ACCOUNTS.name, version))


@pytest.fixture(scope="session")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A model that learned without labels."""
    columns = platform_activity(3000, 1).columns
    options = FitOptions(threads=1, n_estimators=40, contamination=0.01)
    return _published(PLATFORM_ACTIVITY, columns, tmp_path_factory.mktemp("unlabelled"), options)


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A model of the better of two kinds, neither of which can be explained."""
    options = FitOptions(threads=1, force="tried out in a test")
    return _published(COMPARED, claims_table(3000), tmp_path_factory.mktemp("compared"), options)


@pytest.fixture(params=["declared", "timeless", "imported", "unlabelled", "compared"])
def published(request: pytest.FixtureRequest) -> Published:
    """Each of them in turn."""
    found: Published = request.getfixturevalue(request.param)
    return found


def _published(
    use_case: UseCase, columns: Mapping[str, RawColumn], folder: Path, options: FitOptions = FORCED
) -> Published:
    found = fitted(table_file(folder, columns), folder / "models", options, use_case)
    registry = Registry(folder / "models")
    return Published(use_case, registry, registry.bundle(use_case.name, found.version))
