"""How tests fit: small tables written to real files, and the fitter itself."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.fitting import Fitted, fit
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS

QUICK = FitOptions(rounds=40, depth=4, threads=1)
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Listener:
    """A follower that remembers what it was told."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)

    def step(self, what: str) -> None:
        """Remember a step."""
        self.said.append(what)

    def warn(self, what: str) -> None:
        """Remember a warning."""
        self.warned.append(what)

    def round(self, done: int, of: int, loss: float | None) -> None:
        """Remember a round."""
        assert done <= of
        assert loss is None or loss > 0
        self.rounds.append(done)

    def searched(self, what: str, done: int, of: int, found: str) -> None:
        """Hear of a fit of a search."""
        self.said.append(f"{what} {done} of {of}: {found}")


def accounts_file(folder: Path, rows: int = 4000, seed: int = 1, **changes: RawColumn) -> Path:
    """A sample of credit accounts as Parquet, with some columns replaced."""
    file = folder / f"accounts-{seed}-{rows}-{len(list(folder.iterdir()))}.parquet"
    write_table(file, {**SAMPLES["credit_accounts"](rows, seed).columns, **changes})
    return file


def table_file(folder: Path, columns: Mapping[str, RawColumn]) -> Path:
    """Any columns as CSV."""
    file = folder / f"table-{len(list(folder.iterdir()))}.csv"
    write_table(file, columns)
    return file


def fitted(data: Path, models: Path, options: FitOptions = QUICK, use_case: UseCase = CREDIT_ACCOUNTS) -> Fitted:
    """Fit on a file and publish into a folder."""
    return fit(use_case, replace(options, data=str(data), models=models), Listener())


def run_fitter(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The fitter's own command, in a process of its own."""
    command = [sys.executable, "-m", "fraud_detection_api.training.model_fitter", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
