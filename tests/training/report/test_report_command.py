"""fraud report: the page of a version as a file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused, UnknownVersion
from fraud_detection_api.model.bundle import REPORT, REPORT_DATA
from fraud_detection_api.model.registry import Registry
from tests.small_models import SmallModel, promoted
from tests.training.report.conftest import Published


def run(registry: Registry, *arguments: str) -> Result:
    own = ("--use-cases", "tests.training.report.conftest:DECLARED,tests.training.claims:TIMELESS_CLAIMS")
    return CliRunner().invoke(app, ["report", *arguments, "--models", str(registry.root), *own])


def test_the_page_of_the_champion_is_written_under_its_own_name(
    declared: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(declared.registry, "claims")
    assert result.exit_code == 0, result.output
    (file,) = tmp_path.iterdir()
    assert file.name == f"claims-{declared.bundle.version}.html"
    assert file.name in result.output
    assert file.read_bytes() == declared.bundle.attached(REPORT)


def test_the_same_is_written_as_json_and_where_one_wants_it(declared: Published, tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    result = run(declared.registry, "claims", "--version", "1", "--json", "--output", str(file))
    assert result.exit_code == 0, result.output
    assert file.read_bytes() == declared.bundle.attached(REPORT_DATA)
    assert json.loads(file.read_bytes())["use_case"]["purpose"] == declared.use_case.purpose


def test_a_bundle_that_keeps_no_report_gets_one_from_its_manifest(credit_model: SmallModel, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    promoted(registry, credit_model)
    file = tmp_path / "card.html"
    result = run(registry, "credit_accounts", "--output", str(file))
    assert result.exit_code == 0, result.output
    assert "no holdout rows were kept with this model" in file.read_text()


def test_what_cannot_be_written_or_found_is_refused(declared: Published, tmp_path: Path) -> None:
    assert isinstance(run(declared.registry, "claims", "--version", "99").exception, UnknownVersion)
    assert isinstance(run(declared.registry, "claims", "--output", str(tmp_path)).exception, DataRefused)
    absent = tmp_path / "absent" / "card.html"
    assert isinstance(run(declared.registry, "claims", "--output", str(absent)).exception, DataRefused)
    assert list(tmp_path.iterdir()) == []
