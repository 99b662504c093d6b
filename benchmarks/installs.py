"""A serving install to measure: a throw-away virtual environment that holds the base dependencies and no extra."""

import subprocess
import sys
import tomllib
from pathlib import Path

from benchmarks.servers import ROOT


def serving_install(folder: Path) -> str:
    """The Python of a new environment in this folder; the project itself is put on its path by whoever starts it."""
    environment = folder / "serving"
    python = str(environment / "bin" / "python")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    subprocess.run(
        [_python_with_pip(), "-m", "pip", "--python", python, "install", "-q", *project["dependencies"]], check=True
    )
    return python


def _python_with_pip() -> str:
    for python in (sys.executable, str(ROOT / ".tools" / "bin" / "python")):
        if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return python
    raise SystemExit("No pip was found: run `make install`, or name a serving install with --python")
