"""docs/histories.md does what it says: card payments with histories of customers and terminals, in an own package."""

import csv
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.histories import Statistic
from tests.page_reader import REFUSED, Reader, following, masked, unescaped
from tests.running_service import PROJECT

PAGE = (PROJECT / "docs" / "histories.md").read_text()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with following(PAGE, tmp_path_factory.mktemp("home"), "payments_team") as someone:
        yield someone


def average_precision(reader: Reader, use_case: str) -> float:
    manifest = Registry(reader.folder / "models").bundle(use_case, "champion").manifest
    return manifest.metrics["average_precision"].value


def test_every_answer_is_the_one_on_the_page(reader: Reader) -> None:
    assert len(reader.answers) >= 4
    for block, output in reader.answers:
        assert plain(block.text) == plain(output)


def plain(text: str) -> str:
    """A text without its figures and versions, however many digits they have."""
    return re.sub(r"[#,]+", "#", masked(text))


def test_histories_are_worth_as_much_as_the_page_says(reader: Reader) -> None:
    known, alone = average_precision(reader, "card_payments"), average_precision(reader, "card_payments_alone")
    assert known > alone + 0.3
    shown = re.search(r"An average precision of ([\d.]+) instead of ([\d.]+)\.", PAGE)
    assert shown
    assert [known, alone] == pytest.approx([float(shown[1]), float(shown[2])], abs=0.05)


def test_reasons_tell_of_customers_and_terminals(reader: Reader) -> None:
    with (reader.folder / "scores.csv").open(newline="") as file:
        flagged = [json.loads(row["reasons"])[0] for row in csv.DictReader(file) if row["decision"] == "flagged"]
    of_terminals = [each for each in flagged if each["field"].startswith("terminal_")]
    of_customers = [each for each in flagged if each["field"].startswith("customer_ratio_amount")]
    assert min(len(of_terminals), len(of_customers)) > 100
    words = (
        r"amount of [\d,]+\.\d\d is [\d.]+ times this customer's average of the last (day|\d+ days): raises the risk"
    )
    assert all(re.fullmatch(words, each["sentence"]) for each in of_customers if each["value"] is not None)


def test_a_file_of_records_alone_is_refused_with_what_to_do(reader: Reader) -> None:
    command = reader.exports + "fraud score card_payments --input payments.parquet --output never.csv"
    done = subprocess.run(
        ["bash", "-c", command], cwd=reader.folder, env=reader.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "fraud: payments.parquet has no column customer_count_1_day: scores of card_payments go"
    )
    assert "Score them as they come (POST /score/card_payments)" in done.stderr
    assert "computed from the whole table that they belong to (fraud features card_payments)" in done.stderr
    assert not (reader.folder / "never.csv").exists()


def test_a_row_whose_history_cannot_be_is_put_aside(reader: Reader) -> None:
    table = parquet.read_table(reader.folder / "known.parquet").slice(0, 500).to_pydict()
    table["customer_count_1_day"][7] = None
    parquet.write_table(pa.table(table), reader.folder / "wrong.parquet")
    reader.run("fraud score card_payments --input wrong.parquet --output some.csv --rejects rejects.csv")
    assert len((reader.folder / "some.csv").read_text().splitlines()) == 500
    rejects = (reader.folder / "rejects.csv").read_text().splitlines()
    assert rejects[1:] == ["8,customer_count_1_day,A value is required,"]


def test_such_a_table_fills_the_score_store_and_records_alone_do_not(reader: Reader) -> None:
    assert "97,424" in reader.run("fraud populate card_payments --data known.parquet")
    refused = reader.run("fraud populate card_payments --data payments.parquet 2>&1 || true")
    assert "has no column customer_count_1_day: scores of card_payments go by what was known" in refused


def test_a_table_with_the_features_trains_the_same_model(reader: Reader) -> None:
    output = reader.run("fraud train card_payments --data known.parquet --threads 1 --models again")
    manifests = [
        Registry(reader.folder / models).bundle("card_payments", "champion").manifest for models in ("models", "again")
    ]
    assert "is champion now" in output
    assert manifests[0].metrics == manifests[1].metrics


def test_windows_tuning_and_comparing_work_with_histories(reader: Reader) -> None:
    data = "--data payments.parquet --threads 1"
    assert "average precision" in reader.run(f"fraud evaluate card_payments {data} --rounds 20")
    assert "default against tuned" in reader.run(f"fraud tune card_payments {data} --trials 1 --folds 2 --rounds 20")
    assert "xgboost" in reader.run("fraud compare card_payments --data payments.parquet --models xgboost --folds 2")


@pytest.mark.parametrize(("declared", "words"), REFUSED.findall(PAGE[PAGE.index("## What is refused") :]))
def test_a_refused_statistic_says_what_the_page_says(reader: Reader, declared: str, words: str) -> None:
    program = (
        "from dataclasses import replace\n"
        "from fraud_detection_api.errors import UseCaseInvalid\n"
        "from fraud_detection_api.schemas.histories import Histories, History, Remembered, Statistic, Window\n"
        "from payments_team.card_payments import CARD_PAYMENTS\n"
        f"history = History('customer', ('customer_id',), ({unescaped(declared)},))\n"
        "try:\n"
        "    replace(CARD_PAYMENTS, histories=Histories('paid_at', (history,)))\n"
        "except UseCaseInvalid as refusal:\n"
        "    print(refusal.message)\n"
    )
    (reader.folder / "refused.py").write_text(program)
    assert reader.run("python refused.py").strip() == unescaped(words)


def test_the_page_explains_every_statistic() -> None:
    table = PAGE[PAGE.index("## What each statistic is") : PAGE.index("## Known frauds")]
    assert [each.name for each in Statistic if f"`{each.name}`" not in table] == []


def test_the_table_that_is_simulated_is_the_same_every_time(reader: Reader, tmp_path: Path) -> None:
    reader.run(f"python ../fraud_detection_api/tests/simulated_payments.py {tmp_path / 'again.parquet'}")
    assert (tmp_path / "again.parquet").read_bytes() == (reader.folder / "payments.parquet").read_bytes()
