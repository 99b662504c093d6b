"""Every command from the base install: what an extra holds is named in one line, or not needed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fraud_detection_api.cli.refusals import EXTRAS
from fraud_detection_api.model.registry import Registry
from tests.running_service import PROJECT
from tests.small_models import SmallModel, promoted

BASE_INSTALL = """
import sys
from importlib.abc import MetaPathFinder

class NotInstalled(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())
from {module} import run
run()
"""
IMPORTED_AS = {"mlflow-skinny": "mlflow", "scikit-learn": "sklearn", "sqlparse": "mlflow"}


def from_base_install(
    *arguments: str, folder: Path, module: str = "fraud_detection_api.cli.main"
) -> subprocess.CompletedProcess[str]:
    """A command in a process that finds no package of any extra."""
    program = BASE_INSTALL.format(missing=sorted(EXTRAS), module=module)
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_every_package_of_every_extra_is_known() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {package.partition(" ")[0].partition("[")[0] for packages in extras.values() for package in packages}
    assert {IMPORTED_AS.get(name, name) for name in named} == set(EXTRAS)
    assert set(EXTRAS.values()) == set(extras)


@pytest.mark.parametrize(
    "arguments",
    [
        "tune credit_accounts",
        "compare credit_accounts",
        "train platform_activity",
        "train credit_accounts --model sklearn.tree:DecisionTreeClassifier",
        "train credit_accounts --data some.csv",
        "train credit_accounts --data mysql+pymysql://root@127.0.0.1/accounts --table accounts",
        "evaluate credit_accounts --data some.csv",
        "sample credit_accounts --output out.csv --rows 10",
        "features purchases --data .",
        "score credit_accounts --input some.csv --output scores.csv",
        "populate credit_accounts --data some.csv",
    ],
)
def test_what_an_extra_holds_is_named_with_how_to_install_it(
    arguments: str, small_models: dict[str, SmallModel], tmp_path: Path
) -> None:
    promoted(Registry(tmp_path / "models"), small_models["credit_accounts"])
    (tmp_path / "some.csv").write_text("nothing\n1\n")
    done = from_base_install(*arguments.split(), folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("fraud: ")
    assert "pip install 'fraud-detection-api[" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments", ["train card_transactions", "train credit_accounts --model tree"])
def test_a_pipeline_is_refused_before_a_table_is_read(arguments: str, tmp_path: Path) -> None:
    done = from_base_install(*arguments.split(), folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "fraud: This needs sklearn: pip install 'fraud-detection-api[training]'.\n"


def test_the_fitter_says_the_same(tmp_path: Path) -> None:
    asked = ("--model_name", "platform_activity")
    done = from_base_install(*asked, folder=tmp_path, module="fraud_detection_api.cli.model_fitter")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "model_fitter: This needs sklearn: pip install 'fraud-detection-api[training]'."
    )


def test_what_needs_no_extra_works_without_any(tmp_path: Path) -> None:
    done = from_base_install("train", "credit_accounts", "--rounds", "20", "--threads", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for arguments in (
        "models list",
        "models show credit_accounts",
        "report credit_accounts",
        "threshold credit_accounts",
    ):
        assert from_base_install(*arguments.split(), folder=tmp_path).returncode == 0


def test_a_file_that_cannot_be_written_is_named(small_models: dict[str, SmallModel], tmp_path: Path) -> None:
    promoted(Registry(tmp_path / "models"), small_models["credit_accounts"])
    done = from_base_install("report", "credit_accounts", "--output", "nowhere/page.html", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "nowhere" in done.stderr
