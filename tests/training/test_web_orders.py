"""A use case with times, derived and carried values, and columns that Python cannot name, from training to reasons."""

import csv
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.model.bundle import REPORT, Bundle
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.reasons import ReasonsFor, ReasonsQuery
from fraud_detection_api.services.bulk_scoring import BulkFiles, score_file
from fraud_detection_api.services.reasons import Reasons
from tests.declared_use_cases import WEB_ORDERS
from tests.examples import Row, good_rows, records_of
from tests.training.fitting import QUICK, fitted

ROWS = good_rows(WEB_ORDERS, 1500, seed=4)


def is_night(row: Row) -> bool:
    """What the frauds of these orders have in common, and no field says."""
    return datetime.fromisoformat(str(row["Ordered at"])).hour < 4


def orders_file(folder: Path, rows: list[Row], *, labelled: bool) -> Path:
    """Orders as CSV, with the names that their columns have."""
    path = folder / f"orders-{labelled}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*WEB_ORDERS.by_name, *(["is_fraud"] if labelled else [])])
        writer.writeheader()
        writer.writerows(row | ({"is_fraud": int(is_night(row))} if labelled else {}) for row in rows)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("orders")
    fitted(orders_file(folder, ROWS, labelled=True), folder / "models", QUICK, WEB_ORDERS)
    return Registry(folder / "models").bundle(WEB_ORDERS.name, "champion")


def test_a_model_learns_from_the_hour_that_nobody_sent(bundle: Bundle) -> None:
    assert tuple(feature.name for feature in bundle.manifest.features) == WEB_ORDERS.feature_names
    assert bundle.manifest.metrics["average_precision"].value > 0.9
    assert "example.org" not in bundle.manifest.model_dump_json()


def test_rows_are_split_by_the_millisecond(bundle: Bundle) -> None:
    data = bundle.manifest.data
    assert data is not None
    assert data.split.startswith("by time: train before 2024-")
    assert 0.199 < data.validation_rows / data.rows < 0.201  # whole days would not come as near


def test_a_file_and_a_request_are_scored_alike(bundle: Bundle, tmp_path: Path) -> None:
    scorer, some = load_scorer(bundle, WEB_ORDERS), ROWS[:200]
    score_file(
        BulkFiles(orders_file(tmp_path, some, labelled=False), tmp_path / "scores.csv"),
        scorer,
        WEB_ORDERS,
        64,
        lambda _done, _of: None,
    )
    with (tmp_path / "scores.csv").open(newline="") as file:
        scores = list(csv.DictReader(file))
    columns = derive(RecordReader(WEB_ORDERS).columns(records_of(some, WEB_ORDERS)), WEB_ORDERS)
    assert [row["Order ID"] for row in scores] == [row["Order ID"] for row in some]
    found = np.array([float(row["fraud_probability"]) for row in scores], dtype=np.float32)
    assert found.tobytes() == scorer.scores(columns).values.tobytes()


def test_the_report_speaks_of_what_is_derived_and_of_nobody(bundle: Bundle) -> None:
    page = (bundle.attached(REPORT) or b"").decode()
    assert "hour_of_ordered_at_europe_berlin" in page
    assert "example.org" not in page


def test_settings_and_kinds_are_searched_with_derived_values(tmp_path: Path) -> None:
    data = ("--data", str(orders_file(tmp_path, ROWS, labelled=True)), "--threads", "1")
    own = ("--use-cases", "tests.declared_use_cases:WEB_ORDERS", "--folds", "2")
    models = str(tmp_path / "models")
    tuned = run("tune", *data, *own, "--models", models, "--trials", "1", "--rounds", "10")
    assert "default against tuned" in tuned
    figures = tmp_path / "compared.json"
    run("compare", *data, *own, "--models", "xgboost,logistic", "--json", str(figures))
    assert {model["kind"] for model in json.loads(figures.read_bytes())["models"]} == {"xgboost", "logistic"}
    assert "example.org" not in figures.read_text()


def run(command: str, *arguments: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(app, [command, WEB_ORDERS.name, *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_reason_names_the_hour_and_what_it_is(bundle: Bundle) -> None:
    night = [row for row in ROWS if is_night(row)][:1]
    scorer = load_scorer(bundle, WEB_ORDERS)
    columns = derive(RecordReader(WEB_ORDERS).columns(records_of(night, WEB_ORDERS)), WEB_ORDERS)
    flagged = scorer.scores(columns).flagged
    (reasons,) = Reasons(WEB_ORDERS).texts(columns, scorer, flagged, ReasonsQuery(1, ReasonsFor.ALL))
    (reason,) = json.loads(reasons)
    assert reason["field"] == "hour_of_ordered_at_europe_berlin"
    assert reason["sentence"] == f"Hour of Ordered at (Europe/Berlin): {reason['value']}, raises the risk"
