"""fraud models: what a person sees of the registry and does to it."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import ForceNeedsReason, FraudError, NoPastChampion, UnknownUseCase, UnknownVersion
from fraud_detection_api.model.bundle import REPORT
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.samples.platform_activity import platform_activity
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from tests.training.fitting import QUICK, accounts_file, fitted, table_file

FIXTURES = Path(__file__).parent / "fixtures"
NAME = "credit_accounts"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A registry with a champion and a version whose gate failed."""
    data = accounts_file(tmp_path)
    fitted(data, tmp_path / "models")
    fitted(data, tmp_path / "models", replace(QUICK, rounds=1, depth=1))
    return tmp_path / "models"


def run(models: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments, "--models", str(models)], env={"COLUMNS": "120"})


def shown(models: Path, *arguments: str) -> str:
    result = run(models, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(models: Path, *arguments: str) -> FraudError:
    result = run(models, *arguments)
    assert isinstance(result.exception, FraudError), result.output
    return result.exception


def test_list_shows_every_version_who_leads_and_whose_gate_failed(models: Path) -> None:
    good, dull = Registry(models).versions(NAME)
    lines = [line.split() for line in shown(models, "list", NAME).splitlines()]
    assert next(line for line in lines if good in line)[1:3] == ["champion", "trained"]
    assert next(line for line in lines if dull in line)[-1] == "failed"


def test_list_shows_a_bundle_that_was_changed_as_refused(models: Path) -> None:
    version = Registry(models).versions(NAME)[1]
    (models / NAME / "versions" / version / "model.json").write_bytes(b"{}")
    line = next(line for line in shown(models, "list").splitlines() if version in line)
    assert "refused" in line


def test_an_empty_registry_says_how_to_fill_it(tmp_path: Path) -> None:
    assert "see `fraud train --help`" in shown(tmp_path, "list")


def test_show_tells_measures_features_parameters_and_checks(models: Path) -> None:
    output = shown(models, "show", NAME)
    assert "XGBoost" in output
    for expected in ("champion", "average precision", "number_of_open_accounts", "2 to 19", "the highest F1", "passed"):
        assert expected in output
    assert "FAILED  not worse than the champion" in shown(models, "show", NAME, "2")


def test_a_model_without_labels_is_listed_and_shown_by_what_it_flags(tmp_path: Path) -> None:
    data = table_file(tmp_path, platform_activity(2000, 1).columns)
    options = FitOptions(threads=1, n_estimators=20, contamination=0.01)
    fitted(data, tmp_path / "models", options, PLATFORM_ACTIVITY)
    listed, output = (shown(tmp_path / "models", *each) for each in (("list",), ("show", "platform_activity")))
    assert "20 of 2,000" in listed
    assert "AUC" not in listed
    for expected in ("isolation forest", "20 of 2,000 training rows", "contamination 0.01", "n estimators"):
        assert expected in output
    for wrong in ("no measures", "frauds", "calibration", "None"):
        assert wrong not in output


def test_promote_refuses_a_failed_version_without_a_reason(models: Path) -> None:
    assert isinstance(refused(models, "promote", NAME, "2"), ForceNeedsReason)
    assert "is champion now" in shown(models, "promote", NAME, "2", "--force", "we try it")
    assert Registry(models).aliases(NAME).champion == Registry(models).versions(NAME)[2]
    assert "we try it" in shown(models, "show", NAME)


def test_a_version_that_a_reason_made_champion_says_which_it_was_made_from_in_its_report_too(models: Path) -> None:
    failed = Registry(models).versions(NAME)[1]
    shown(models, "promote", NAME, "2", "--force", "we try it")
    before, after = (Registry(models).bundle(NAME, each) for each in (failed, "champion"))
    assert (after.manifest.made_from, after.model) == (failed, before.model)
    assert failed in (after.attached(REPORT) or b"").decode()


def test_rollback_brings_the_champion_before_back(models: Path) -> None:
    good = Registry(models).versions(NAME)[0]
    shown(models, "promote", NAME, "2", "--force", "we try it")
    assert shown(models, "rollback", NAME) == f"{NAME} {good} is champion again\n"
    assert isinstance(refused(models, "rollback", NAME), NoPastChampion)


def test_versions_and_use_cases_that_are_not_there_are_refused(models: Path) -> None:
    assert isinstance(refused(models, "show", NAME, "99"), UnknownVersion)
    assert isinstance(refused(models, "list", "horse_races"), UnknownUseCase)


def test_use_cases_of_ones_own_are_known(models: Path) -> None:
    own = ("--use-cases", "tests.training.claims:CLAIMS")
    assert "see `fraud train --help`" in shown(models, "list", "claims", *own)


def test_import_publishes_beside_a_champion_and_promotes_for_a_reason(models: Path) -> None:
    file = str(FIXTURES / "other_order_2_1.ubj")
    assert "3-" in (output := shown(models, "import", NAME, file))
    assert "is published" in output
    assert "not judged" in shown(models, "list", NAME)
    assert isinstance(refused(models, "import", NAME, file, "--promote", " "), ForceNeedsReason)
    assert "is champion now" in shown(models, "import", NAME, file, "--promote", "it served for years")
    output = shown(models, "show", NAME)
    assert "it served for years" in output
    assert "imported: there was no data to judge it on" in output
