"""What the systems before had lying about, and this one has not: passwords, ids as text, a model opened every time."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.stored_scores import Insertion, ScoresQuery
from fraud_detection_api.settings import Settings
from tests.contracts.requests import EXAMPLES
from tests.running_service import PROJECT, running_service
from tests.small_models import SmallModel, promoted
from tests.storage.databases import DATABASES, StorePlace, store_place

NAME = r"(?i)\w*(?:passwo?r?d|secret|token|api_?key)\w*[\"']?\s*[:=]\s*"
IN_CODE = re.compile(NAME + r"""["'](?P<value>[^"']+)["']""")  # without quotes it is the name of a value
ELSEWHERE = re.compile(NAME + r"""["']?(?P<value>[^\s"',)}\]]+)""")
IN_URL = re.compile(r"://[^\s/:@\"'`]+:(?P<value>[^\s/@\"'`]+)@")
# a variable, an example's word, a switch, a file that holds one
NO_SECRET = re.compile(r"\$.*|password|1|secret_file|[\w./-]+\.secret|/run/secrets/\w+")
MADE = (".so", ".pyc")
CHECKED = ("src", "notebooks", "deploy", "docker-compose.yml", "Dockerfile", ".env.example", "Makefile", "benchmarks")


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    """Each of the databases."""
    with store_place(request.param, tmp_path) as place:
        yield place


def test_ids_are_integers_in_the_database_and_sorted_as_numbers(place: StorePlace) -> None:
    store, ids = place.store(), [100, 9, 10, -2, 2**53 + 1]
    content = {"id": ids, "outlier_prob": [0.5] * 5, "class_pred": ["fraud"] * 5, "table_name": "fraud"}
    insertion = Insertion.model_validate({**content, "project_name": place.project})
    store.write(place.project, "fraud", insertion.scores)
    page = store.page(place.project, "fraud", ScoresQuery())
    assert [row.id for row in page.scores] == [row for (row,) in place.rows("fraud", "id")] == sorted(ids)
    with place.connection() as connection:
        schema = None if place.kind == "sqlite" else place.project
        columns = {each["name"]: each["type"] for each in sa.inspect(connection).get_columns("fraud", schema=schema)}
    assert isinstance(columns["id"], sa.Integer)
    assert place.kind != "sqlite" or {kind for (kind,) in place.rows("fraud", "typeof(id)")} == {"integer"}


def test_a_request_opens_no_model(small_models: dict[str, SmallModel], tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    for name in ("card_transactions", "platform_activity", "purchases"):
        promoted(registry, small_models[name])
    with running_service(tmp_path, {}) as service, service.client() as client:
        scoring = [each for each in EXAMPLES if each.scores]
        before = [each.post(client).content for each in scoring]
        shutil.rmtree(tmp_path / "models")
        for _ in range(3):
            assert [each.post(client).content for each in scoring] == before


def files() -> list[Path]:
    """What ships and could hold a password; whether or not this is a checkout."""
    found = [path for name in CHECKED for path in (PROJECT / name, *(PROJECT / name).rglob("*"))]
    return [path for path in found if path.is_file() and path.suffix not in MADE and "__pycache__" not in path.parts]


def text_of(path: Path) -> str:
    """What people wrote in a file; the outputs of notebooks are none of that."""
    if path.suffix != ".ipynb":
        return path.read_text(errors="replace")
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])


def secrets_in(text: str, named: re.Pattern[str]) -> list[str]:
    """Values that look like a password written down."""
    found = [match["value"] for pattern in (named, IN_URL) for match in pattern.finditer(text)]
    return [value for value in found if not NO_SECRET.fullmatch(value)]


def test_no_password_is_written_down() -> None:
    named = {path: IN_CODE if path.suffix in (".py", ".pyi", ".ipynb") else ELSEWHERE for path in files()}
    assert {"store_database.py", "docker-compose.yml", "Dockerfile", "05_purchases.ipynb"} <= {
        each.name for each in named
    }
    found = {path.name: values for path, how in named.items() if (values := secrets_in(text_of(path), how))}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('engine = create_engine("mysql://root:hunter2@localhost/raizen")', IN_CODE),
        ('PASSWORD = "hunter2"', IN_CODE),
        ("connect(host, user='root', password='hunter2')", IN_CODE),
        ('settings = {"db_password": "hunter2"}', IN_CODE),
        ("MYSQL_ROOT_PASSWORD: hunter2", ELSEWHERE),
        ("      - MARIADB_PASSWORD=hunter2", ELSEWHERE),
    ],
)
def test_one_that_was_would_be_found(text: str, named: re.Pattern[str]) -> None:
    assert secrets_in(text, named) == ["hunter2"]


def test_without_authentication_it_listens_to_this_machine_alone_and_the_docs_say_why() -> None:
    assert Settings.model_fields["host"].default == "127.0.0.1"
    assert "The service has no authentication and no TLS" in (PROJECT / "docs/operations.md").read_text()
