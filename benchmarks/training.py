"""What the model fitter costs beside bare xgboost.train: `python -m benchmarks.training`.

A sample of 1,000,000 credit accounts as Parquet; 300 trees of depth 6, early stopping off, all cores. The fitter's time
is that of its whole process: start, reading, checks, split, boosting, proof, gate, bundle. The bare time is that of
DMatrix and xgboost.train alone, on float32 arrays that lie ready: once with the very rows that the fitter boosts on,
once with all rows. Every run is a process of its own; the runs take turns, and the table shows medians.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

ROWS, ROUNDS, RUNS = 1_000_000, 300, 3
PARAMETERS: dict[str, str | int | float] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 6,
    "learning_rate": 0.1,
    "seed": 0,
    "nthread": len(os.sched_getaffinity(0)),
}
FITTER, SAME_ROWS, ALL_ROWS = "model_fitter, whole process", "xgboost.train, the same rows", "xgboost.train, all rows"

Cost = tuple[float, float]


def main() -> None:
    """Measure in turns and print one table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run(["-m", __spec__.name, "prepare", name])
        costs: dict[str, list[Cost]] = {FITTER: [], SAME_ROWS: [], ALL_ROWS: []}
        for run in range(RUNS):
            costs[FITTER].append(_fitter(folder, run))
            costs[SAME_ROWS].append(_run(["-m", __spec__.name, "bare", str(folder / "same_rows.npy")]))
            costs[ALL_ROWS].append(_run(["-m", __spec__.name, "bare", str(folder / "all_rows.npy")]))
            print(f"run {run + 1} of {RUNS}: { ({name: costs[name][-1] for name in costs}) }", file=sys.stderr)
    _print_table(costs)


def prepare(folder: Path) -> None:
    """Write the table for the fitter and the arrays for the bare library; label in the last column."""
    from fraud_detection_api.features.matrix import MatrixMaker
    from fraud_detection_api.samples import SAMPLES
    from fraud_detection_api.storage.files import write_table
    from fraud_detection_api.training.tables.dataset import Period, dataset_of
    from fraud_detection_api.training.tables.split import split
    from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS

    sample = SAMPLES["credit_accounts"](ROWS, 1)
    write_table(folder / "accounts.parquet", sample.columns)
    dataset = dataset_of(sample.columns, [], CREDIT_ACCOUNTS, Period(), skip_bad_rows=False)
    matrix = MatrixMaker(CREDIT_ACCOUNTS.feature_names, {}).matrix(dataset.columns)
    table = np.column_stack([matrix, dataset.labels.astype(np.float32)])
    np.save(folder / "all_rows.npy", table)
    np.save(folder / "same_rows.npy", table[split(dataset, None, 0).train])


def bare(file: Path) -> None:
    """Print the seconds that DMatrix and xgboost.train take."""
    import xgboost

    table = np.load(file)
    matrix, labels = np.ascontiguousarray(table[:, :-1]), np.ascontiguousarray(table[:, -1])
    del table
    started = time.perf_counter()
    xgboost.train(PARAMETERS, xgboost.DMatrix(matrix, labels), ROUNDS)
    print(time.perf_counter() - started)


def _fitter(folder: Path, run: int) -> Cost:
    started = time.perf_counter()
    _, peak = _run(
        [
            *("-m", "fraud_detection_api.training.model_fitter", "--data", str(folder / "accounts.parquet")),
            *(
                "--start_date",
                "20240101",
                "--end_date",
                "20251231",
                "--rounds",
                str(ROUNDS),
                "--patience",
                "0",
                "--depth",
                "6",
            ),
            *("--model_path_to_save", str(folder / f"models-{run}")),
        ]
    )
    return time.perf_counter() - started, peak


def _run(arguments: Sequence[str]) -> Cost:
    """The seconds that a process printed, if it did, and the most memory it had, in MB."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen([sys.executable, *arguments], stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0, f"{arguments} ended with {child.returncode}"
        output.seek(0)
        words = output.read().split()
    return float(words[0]) if len(words) == 1 else 0.0, usage.ru_maxrss / 1024


def _print_table(costs: dict[str, list[Cost]]) -> None:
    seconds = {name: median(cost[0] for cost in each) for name, each in costs.items()}
    peaks = {name: median(cost[1] for cost in each) for name, each in costs.items()}
    print(
        f"{ROWS:,} rows x 4 features, {ROUNDS} trees of depth 6, {PARAMETERS['nthread']} threads, medians of {RUNS}\n"
    )
    print("| | seconds | fitter / this | peak MB | fitter / this |\n|---|---|---|---|---|")
    for name in costs:
        time_ratio, peak_ratio = seconds[FITTER] / seconds[name], peaks[FITTER] / peaks[name]
        print(f"| {name} | {seconds[name]:.1f} | {time_ratio:.2f} | {peaks[name]:.0f} | {peak_ratio:.2f} |")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare", folder]:
            prepare(Path(folder))
        case ["bare", file]:
            bare(Path(file))
        case _:
            main()
