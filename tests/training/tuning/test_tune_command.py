"""`fraud tune` as its user runs it."""

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused
from tests.training.fitting import accounts_file
from tests.training.tuning.small_tunings import NAME


def test_it_ends_with_the_table_the_verdict_and_the_command_to_fit(tmp_path: Path) -> None:
    options = (
        "--data",
        str(accounts_file(tmp_path, rows=2500)),
        "--models",
        str(tmp_path / "models"),
        "--threads",
        "1",
    )
    tuning = fraud("tune", NAME, *options, "--trials", "2", "--folds", "2", "--rounds", "20")
    assert tuning.returncode == 0, tuning.stderr
    assert "Trial 2 of 2, best average precision 0." in tuning.stderr
    assert "[I " not in tuning.stderr, "Optuna speaks for itself"
    assert "default against tuned on the untouched last period" in tuning.stdout
    assert "average precision differs by" in tuning.stdout
    assert (tmp_path / "models" / NAME / "tuned.json").is_file()
    assert not (tmp_path / "models" / NAME / "versions").exists()
    fit = CliRunner().invoke(app, ["train", NAME, *options, "--tuned"])
    assert fit.exit_code == 0, fit.output
    assert "is champion now" in fit.output


def fraud(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, where any warning is an error."""
    command = [sys.executable, "-W", "error", "-m", "fraud_detection_api.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_refused_before_a_long_search(tmp_path: Path) -> None:
    wrong = CliRunner().invoke(app, ["tune", NAME, "--aim", "accuracy", "--models", str(tmp_path)])
    assert isinstance(wrong.exception, DataRefused)
    assert "average_precision" in wrong.exception.message


def test_no_command_imports_the_searching_libraries_before_it_needs_them() -> None:
    asks = (
        "import sys; from typer.testing import CliRunner; from fraud_detection_api.cli.main import app\n"
        "for command in ('tune', 'compare', 'train', 'score', 'serve'):\n"
        "    assert CliRunner().invoke(app, [command, '--help']).exit_code == 0\n"
        "    print(command, sorted({'optuna', 'sklearn', 'scipy', 'pandas', 'xgboost'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["tune []", "compare []", "train []", "score []", "serve []"]


def test_a_fit_imports_none_of_them_either_tuned_or_not(tmp_path: Path) -> None:
    asks = (
        "import sys; from fraud_detection_api.model.data_frames import without_data_frames\n"
        "with without_data_frames():\n    import fraud_detection_api.training.fitting\n"
        "print(sorted({'optuna', 'sklearn', 'pandas', 'sqlalchemy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout.strip() == "[]"
