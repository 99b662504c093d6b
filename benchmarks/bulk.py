"""Bulk scoring against the library's bare prediction: `python -m benchmarks.bulk`.

Ours reads a file, checks it, predicts and writes a file; the library only predicts, on the ready float32 matrix and on
as many threads as it likes. Each figure is the median of three runs, taken in turn.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import run

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.sample_model import FEATURES, SampleModel, sample_accounts, sample_model
from benchmarks.turns import medians
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.services.bulk_scoring import BulkFiles, score_file
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS

ROWS, RUNS, BATCH_ROWS = 1_000_000, 3, 1 << 16
BARE = "bare inplace_predict, its own threads"
FORMATS = (".parquet", ".csv")


def main() -> None:
    """Measure everything and print one table."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        model = sample_model(work / "models")
        accounts = sample_accounts(ROWS, seed=3)
        for suffix in FORMATS:
            _write_accounts(work / f"accounts{suffix}", accounts)
        candidates = {BARE: _bare(model, accounts.astype(np.float32))}
        for suffix in FORMATS:
            candidates[f"{suffix[1:]} to {suffix[1:]}, in process"] = _in_process(model, work, suffix)
            candidates[f"{suffix[1:]} to {suffix[1:]}, `fraud score` with its start"] = _command(model, work, suffix)
        _print(medians(candidates, RUNS))


def _bare(model: SampleModel, matrix: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> Callable[[], object]:
    model.booster.set_param({"nthread": os.cpu_count() or 1})
    return lambda: model.booster.inplace_predict(matrix)


def _in_process(model: SampleModel, work: Path, suffix: str) -> Callable[[], object]:
    scorer = load_scorer(Registry(model.registry).bundle(CREDIT_ACCOUNTS.name, "champion"), CREDIT_ACCOUNTS)
    files = BulkFiles(work / f"accounts{suffix}", work / f"scores{suffix}")
    return lambda: score_file(files, scorer, CREDIT_ACCOUNTS, BATCH_ROWS, lambda *_: None)


def _command(model: SampleModel, work: Path, suffix: str) -> Callable[[], object]:
    options = {"--input": f"accounts{suffix}", "--output": f"scores{suffix}", "--models": str(model.registry)}
    command = [sys.executable, "-m", "fraud_detection_api.cli.main", "score", CREDIT_ACCOUNTS.name]
    command += [word for option in options.items() for word in option]
    return lambda: run(command, cwd=work, check=True, capture_output=True)


def _write_accounts(path: Path, accounts: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    columns: dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]] = {"customer_id": np.arange(len(accounts))}
    for name, values, field in zip(FEATURES, accounts.T, CREDIT_ACCOUNTS.features, strict=True):
        columns[name] = values.astype(np.int64) if field.kind is Kind.INTEGER else values
    write_table(path, columns)


def _print(seconds_of: dict[str, float]) -> None:
    table = Table("", "seconds", "rows/s", "x bare", title=f"{ROWS:,} credit accounts, 300 trees of depth 6")
    for name, seconds in seconds_of.items():
        table.add_row(name, f"{seconds:.2f}", f"{ROWS / seconds:,.0f}", f"{seconds_of[BARE] / seconds:.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
