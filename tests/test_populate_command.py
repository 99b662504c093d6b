"""fraud populate: every customer in the store, with the score that the service gives, however often it is killed."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused, FraudError, InputRefused
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.samples.purchases import purchases
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.storage.table_folder import write_tables
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.purchases import PURCHASES
from tests.examples import Row, body_of, good_rows, raw_table
from tests.running_service import eventually, service_environment
from tests.small_models import SmallModel, promoted, small_model
from tests.storage.databases import DATABASES, StorePlace, store_place

COMMAND = (sys.executable, "-m", "fraud_detection_api.cli.main")
CUSTOMERS = 10_000
BATCH, SMALL_BATCH = 10, 80


@dataclass(frozen=True)
class Office:
    """A registry with a model of the purchases, and a store."""

    folder: Path
    place: StorePlace

    @property
    def registry(self) -> Registry:
        """Where the model is."""
        return Registry(self.folder / "models")

    @property
    def environment(self) -> dict[str, str]:
        """What the command is told by the settings."""
        return service_environment({"models": self.registry.root, **self.place.settings()})

    def words(self, data: Path, **options: object) -> list[str]:
        """The command's words."""
        spelled = {"data": data, "project": self.place.project, **options}
        return ["populate", "purchases", *(f"--{name.replace('_', '-')}={value}" for name, value in spelled.items())]

    def populate(self, data: Path, **options: object) -> str:
        """What the command says at its end."""
        done = CliRunner().invoke(app, self.words(data, **options), env=self.environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    def rows(self) -> list[tuple[object, ...]]:
        """What is stored."""
        return self.place.rows("fraud")

    def moments(self) -> list[object]:
        """When each customer was stored last, by id."""
        return [moment for (moment,) in self.place.rows("fraud", "inserted_at")]


@pytest.fixture
def office(tmp_path: Path, small_models: dict[str, SmallModel], request: pytest.FixtureRequest) -> Iterator[Office]:
    """SQLite's, unless a test asks for another database."""
    with store_place(getattr(request, "param", "sqlite"), tmp_path) as place:
        promoted(Registry(tmp_path / "models"), small_models[PURCHASES.name])
        yield Office(tmp_path, place)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three tables of 10,000 customers."""
    folder = tmp_path_factory.mktemp("purchases")
    write_tables(folder, purchases(20_000, 1).tables)
    return folder


@pytest.fixture(scope="module")
def scored(client: httpx.Client) -> list[tuple[object, ...]]:
    """What the service says of each of them."""
    columns = purchases(20_000, 1).columns
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return said_of([dict(zip(columns, row, strict=True)) for row in values], client)


def said_of(rows: list[Row], client: httpx.Client) -> list[tuple[object, ...]]:
    """What the service says, in the words of the store."""
    answers = client.post("/score/purchases", content=body_of(rows), headers={"Content-Type": "application/json"})
    assert answers.status_code == 200, answers.text
    classes = {"flagged": "fraud", "passed": "nonfraud"}
    return [(one["user_id"], one["anomaly_percentile"], classes[one["decision"]]) for one in answers.json()]


def file_of(rows: list[Row], folder: Path) -> Path:
    """Rows as a file of customers."""
    write_table(folder / "customers.csv", raw_table(rows, PURCHASES))
    return folder / "customers.csv"


@pytest.mark.parametrize("office", DATABASES, indirect=True)
def test_every_customer_is_stored_with_the_score_that_the_service_gives(
    office: Office, tables: Path, scored: list[tuple[object, ...]]
) -> None:
    said = office.populate(tables)
    assert len(scored) == CUSTOMERS
    assert office.rows() == scored
    frauds = sum(row[2] == "fraud" for row in scored)
    assert f"Stored 10,000 records in {office.place.project}.fraud; {frauds:,} are called fraud by " in said


@pytest.mark.parametrize("office", DATABASES, indirect=True)
def test_killed_between_two_batches_it_goes_on_after_the_last_that_was_stored(
    office: Office, tables: Path, scored: list[tuple[object, ...]]
) -> None:
    words = office.words(tables, batch_rows=SMALL_BATCH)
    with subprocess.Popen([*COMMAND, *words], env=office.environment, stdout=subprocess.DEVNULL) as process:
        eventually(lambda: stored_so_far(office) >= 5 * SMALL_BATCH)
        process.send_signal(signal.SIGKILL)
    before = office.moments()
    assert process.returncode == -signal.SIGKILL
    assert 0 < len(before) < CUSTOMERS
    assert len(before) % SMALL_BATCH == 0
    said = office.populate(tables, batch_rows=SMALL_BATCH)
    assert f"Stored 10,000 records in {office.place.project}.fraud, {len(before):,} of them by an earlier run" in said
    assert office.rows() == scored
    assert office.moments()[: len(before)] == before


def stored_so_far(office: Office) -> int:
    """How many rows others can see; none before there is a table."""
    return len(office.rows()) if has_table(office) else 0


def test_other_data_are_stored_anew_where_they_differ(office: Office, client: httpx.Client) -> None:
    rows = good_rows(PURCHASES, 30)
    office.populate(file_of(rows, office.folder), batch_rows=BATCH)
    changed = [row | {"total_liters": 1e6} if number == 14 else row for number, row in enumerate(rows)]
    said = office.populate(file_of(changed, office.folder), batch_rows=BATCH)
    assert ", 20 of them by an earlier run" in said
    assert office.rows() == said_of(changed, client) != said_of(rows, client)


def test_another_model_starts_anew(office: Office) -> None:
    data = file_of(good_rows(PURCHASES, 30), office.folder)
    office.populate(data, batch_rows=BATCH)
    before = office.rows()
    version = promoted(office.registry, small_model(PURCHASES, seed=1))
    said = office.populate(data, batch_rows=BATCH)
    assert "earlier run" not in said
    assert said.endswith(f" by {version}.\n")
    assert len(office.rows()) == 30
    assert all(new != old for new, old in zip(office.rows(), before, strict=True))


def test_a_table_that_was_dropped_meanwhile_is_filled_again(office: Office) -> None:
    data = file_of(good_rows(PURCHASES, 30), office.folder)
    office.populate(data)
    before = office.rows()
    office.place.run("DROP TABLE fraud")
    assert "earlier run" not in office.populate(data)
    assert office.rows() == before


def test_scores_of_others_between_them_stay(office: Office, client: httpx.Client) -> None:
    rows = good_rows(PURCHASES, 30)
    others, ours = rows[::2], rows[1::2]
    office.populate(file_of(others, office.folder))
    assert "earlier run" not in office.populate(file_of(ours, office.folder))
    assert "earlier run" not in office.populate(file_of(ours, office.folder))
    assert office.rows() == said_of(rows, client)


def test_every_use_case_has_a_table_of_its_own(office: Office, small_models: dict[str, SmallModel]) -> None:
    office.populate(file_of(good_rows(PURCHASES, 30), office.folder))
    before = office.rows()
    promoted(office.registry, small_models[CREDIT_ACCOUNTS.name])
    write_table(office.folder / "accounts.csv", raw_table(good_rows(CREDIT_ACCOUNTS, 20), CREDIT_ACCOUNTS))
    words = [*office.words(office.folder / "accounts.csv"), "--batch-rows=7"]
    words[1] = CREDIT_ACCOUNTS.name
    said = CliRunner().invoke(app, words, env=office.environment, catch_exceptions=False).output
    assert f"Stored 20 records in {office.place.project}.credit_accounts;" in said
    assert len(office.place.rows("credit_accounts")) == 20
    assert office.rows() == before


def test_the_order_of_the_file_does_not_matter(office: Office, client: httpx.Client) -> None:
    rows = good_rows(PURCHASES, 30)
    office.populate(file_of(rows, office.folder), batch_rows=BATCH)
    assert office.rows() == said_of(rows, client)
    assert ", 30 of them by an earlier run" in office.populate(file_of(rows[::-1], office.folder), batch_rows=BATCH)


@pytest.mark.parametrize(
    ("changes", "options", "error", "message"),
    [
        ({}, {"project": "nobodys"}, InputRefused, "project_name: the settings allow no project of this name"),
        ({}, {"table": "fraud; DROP TABLE fraud"}, InputRefused, "at table_name"),
        ({20: {"user_id": 1003}}, {}, DataRefused, "holds an id more than once"),
        ({25: {"total_liters": -1.0}}, {}, DataRefused, r"1 problem\(s\), the first in record 26, total_liters"),
        ({25: {"is_premium": None}}, {}, DataRefused, r"1 problem\(s\), the first in record 26, is_premium"),
    ],
    ids=["an unknown project", "an unsafe table", "an id twice", "a negative volume", "a missing value"],
)
def test_what_is_refused_is_refused_before_anything_is_stored(
    office: Office,
    changes: dict[int, Row],
    options: dict[str, object],
    error: type[FraudError],
    message: str,
) -> None:
    rows = [row | changes.get(number, {}) for number, row in enumerate(good_rows(PURCHASES, 30))]
    with pytest.raises(error, match=message):
        office.populate(file_of(rows, office.folder), batch_rows=BATCH, **options)
    assert not has_table(office)


def test_records_without_a_number_for_an_id_are_refused(office: Office, small_models: dict[str, SmallModel]) -> None:
    promoted(office.registry, small_models["card_transactions"])
    words = ["card_transactions" if word == "purchases" else word for word in office.words(office.folder)]
    with pytest.raises(DataRefused, match="no whole number for an id"):
        CliRunner().invoke(app, words, env=office.environment, catch_exceptions=False)


def test_a_refusal_is_one_line_and_exit_code_2(office: Office) -> None:
    words = office.words(file_of(good_rows(PURCHASES, 3), office.folder), project="nobodys")
    done = subprocess.run([*COMMAND, *words], env=office.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"fraud: [^\n]*the settings allow no project of this name\n", done.stderr)


def has_table(office: Office) -> bool:
    """Whether the table was made."""
    if office.place.kind == "sqlite" and not (office.place.folder / f"{office.place.project}.sqlite").exists():
        return False
    schema = None if office.place.kind == "sqlite" else office.place.project
    with office.place.connection() as connection:
        return sa.inspect(connection).has_table("fraud", schema=schema)
