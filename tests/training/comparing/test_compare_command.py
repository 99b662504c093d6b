"""`fraud compare` as its user runs it, in a process of its own, where xgboost is imported before scikit-learn."""

import json
import subprocess
import sys
from pathlib import Path

from fraud_detection_api.training.comparing.grid import CRITERIA, MAX_DEPTHS, MAX_FEATURES
from tests.training.fitting import REPOSITORY, accounts_file
from tests.training.tuning.small_tunings import NAME


def test_it_prints_one_table_and_writes_one_plot_and_its_figures(tmp_path: Path) -> None:
    data, plot, figures = accounts_file(tmp_path, rows=2000), tmp_path / "compared.svg", tmp_path / "compared.json"
    options = ("--models", "xgboost,logistic", "--folds", "2", "--plot", str(plot), "--json", str(figures))
    command = [sys.executable, "-W", "error", "-m", "fraud_detection_api.cli.main", "compare", NAME, *options]
    done = subprocess.run([*command, "--data", str(data)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "average" in done.stdout
    assert "2 folds in time order" in done.stdout
    assert plot.read_bytes().startswith(b"<?xml")
    assert {model["kind"] for model in json.loads(figures.read_bytes())["models"]} == {"xgboost", "logistic"}
    assert "pandas" not in done.stderr


def test_the_page_names_the_grid_as_it_is() -> None:
    page = (REPOSITORY / "docs" / "tuning.md").read_text()
    for name, values in (("max_features", MAX_FEATURES), ("criterion", CRITERIA), ("max_depth", MAX_DEPTHS)):
        assert f"| `{name}` | {', '.join(map(str, values))} |" in page
