"""The pipeline from raw orders to a champion: `python -m benchmarks.pipeline --orders 1200000 5000000`.

One run for each number of orders, each in a data folder of its own, by default in process; with `--dask local` on a
cluster of two workers. The table has the wall time of each step and the most memory of all processes of the run
together (PSS, each shared page counted once, looked at five times a second). Beside it stands bare `xgboost.train` on
the very training rows, in a process of its own: as many rounds as the champion has, with the same parameters, rows and
weights ready as float32 arrays. Several sizes make a table of all, and with `--plot` a picture.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.neighbours import moment, share_of_others
from benchmarks.pipeline_plot import MOST_SECONDS, Size, most_gib, pipeline_svg

FILES = 12


@dataclass(frozen=True)
class StepTime:
    """A step, how long it took by the clock, and the most memory of all processes meanwhile."""

    name: str
    rows: int
    seconds: float
    gib: float = 0.0


@dataclass(frozen=True)
class Measured:
    """A run, and beside it the bare library."""

    size: Size
    steps: list[StepTime]
    bare_seconds: float

    @property
    def trained(self) -> float:
        """Seconds of training."""
        return next(each.seconds for each in self.steps if each.name == "train")


def main() -> None:
    """Run the pipeline, then the bare library, and print both; the same for each size."""
    options = _options()
    if options.child:
        _CHILDREN[options.child](options)
        return
    runs: list[Measured] = []
    for orders in options.orders:
        runs.append(_measured(orders, options))
        _print(runs[-1], most_gib([run.size for run in runs]))
    if len(runs) > 1:
        _print_all(runs)
    if options.plot:
        options.plot.write_bytes(pipeline_svg([run.size for run in runs]))


def _measured(orders: int, options: argparse.Namespace) -> Measured:
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-", dir=options.within) as name:
        arguments = ["--folder", name, "--orders", str(orders), "--dask", options.dask]
        before = moment([])
        lines = _watched(["run", *arguments])
        others = share_of_others(before, moment([]))
        bare = float(json.loads(_watched(["bare", *arguments])[-1][0])["seconds"])
    print(f"{orders:,} orders; other processes took {others:.0%} of the processors meanwhile.")
    steps = [StepTime(**json.loads(line) | {"gib": gib}) for line, gib in lines]
    size = Size(orders, sum(each.seconds for each in steps), max(each.gib for each in steps))
    return Measured(size, steps, bare)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument(
        "--orders", type=int, nargs="+", default=[1_200_000], help="orders in 12 files, of each run (default 1,200,000)"
    )
    parser.add_argument("--plot", type=Path, help="draw orders against seconds and memory into this SVG file")
    parser.add_argument("--dask", default="none", help="none, local, or a scheduler's address (default none)")
    parser.add_argument("--within", help="where the data folder is made (default: the folder for temporary files)")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    """A run; a line for each step with its name, rows and seconds."""
    from fraud_detection_api.pipeline.data_folder import DataFolder, FolderOptions
    from fraud_detection_api.pipeline.executor import ExecutingOptions
    from fraud_detection_api.pipeline.parameters import RunParameters
    from fraud_detection_api.pipeline.running import Progress, Runner, RunningOptions, queued
    from fraud_detection_api.schemas.runs import StepState

    began = time.perf_counter()

    def on_progress(progress: Progress) -> None:
        nonlocal began
        if progress.step.state is StepState.FINISHED:
            now = time.perf_counter()
            print(json.dumps(asdict(StepTime(progress.step.name, progress.step.rows, now - began))), flush=True)
            began = now

    folder = DataFolder(FolderOptions(options.folder))
    places = {"models": str(options.folder / "models")}
    (orders,) = options.orders
    people = orders // 120
    parameters = RunParameters(
        seed=1,
        files=FILES,
        orders_per_file=orders // FILES,
        customers=people,
        emails=people,
        addresses=people,
        kept_non_frauds=1.0,
    )
    running = RunningOptions(executing=ExecutingOptions(options.dask), places=places)
    Runner(folder, running, on_progress).run(queued(folder, parameters))
    folder.close()


def bare(options: argparse.Namespace) -> None:
    """The seconds that DMatrix and xgboost.train take on the same rows, for as many rounds."""
    import xgboost

    from fraud_detection_api.model.registry import Registry
    from fraud_detection_api.pipeline.training_rows import loaded_rows
    from fraud_detection_api.training.boosting import Boosting
    from fraud_detection_api.training.tables.periods import TRAIN
    from fraud_detection_api.use_cases.orders import ORDERS

    (output,) = (options.folder / "outputs").glob("training_data-*")
    loaded = loaded_rows(output, ORDERS, 0)
    rows = np.flatnonzero(loaded.parts == TRAIN)
    matrix = np.ascontiguousarray(loaded.dataset.columns.numbers[:, rows].T, dtype=np.float32)
    weights = None if loaded.dataset.weights is None else loaded.dataset.weights[rows]
    labels = loaded.dataset.labels[rows].astype(np.float32)
    manifest = Registry(options.folder / "models").bundle(ORDERS.name, "champion").manifest
    parameters = Boosting().parameters | {"nthread": len(os.sched_getaffinity(0))}
    del loaded
    started = time.perf_counter()
    xgboost.train(parameters, xgboost.DMatrix(matrix, labels, weight=weights), int(manifest.parameters["rounds"]))
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": len(rows)}))


_CHILDREN = {"run": run, "bare": bare}


def _watched(arguments: list[str]) -> list[tuple[str, float]]:
    """What a process printed, each line with the most memory of it and its children since the last one, in GiB."""
    command = [sys.executable, "-m", "benchmarks.pipeline", "--child", *arguments]
    printed = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        with _peak_of(child.pid) as peak:
            assert child.stdout is not None
            for line in child.stdout:
                printed.append((line, peak[0] / 2**20))
                peak[0] = 0
        assert child.wait() == 0, f"{arguments} ended with {child.returncode}"
    return printed


@contextmanager
def _peak_of(pid: int) -> Iterator[list[int]]:
    """The most KiB that a process and its children have had together, in a list of one."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                peak[0] = max(peak[0], sum(map(_pss, [pid, *(each.pid for each in process.children(recursive=True))])))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _print(run: Measured, memory: dict[int, float]) -> None:
    orders, total, peak = run.size.orders, run.size.seconds, run.size.gib
    table = Table("step", "rows", "seconds", "rows/s", "GiB", box=MARKDOWN)
    for each in (*run.steps, StepTime("all", orders, total, peak)):
        rate = f"{each.rows / each.seconds:,.0f}"
        table.add_row(each.name, f"{each.rows:,}", f"{each.seconds:.1f}", rate, f"{each.gib:.2f}")
    Console(width=120).print(table)
    print(f"{total:.0f} s{_verdict(total, MOST_SECONDS.get(orders), 's')}")
    print(f"{peak:.2f} GiB in all processes{_verdict(peak, memory.get(orders), 'GiB')}")
    ratios = f"step train {run.trained / run.bare_seconds:.2f} times that, all {total / run.bare_seconds:.2f}"
    print(f"bare xgboost.train {run.bare_seconds:.1f} s: {ratios}\n")


def _print_all(runs: list[Measured]) -> None:
    table = Table("orders", "seconds", "training", "GiB", "beside bare xgboost.train", "target", box=MARKDOWN)
    memory = most_gib([run.size for run in runs])
    for run in runs:
        orders, seconds = run.size.orders, run.size.seconds
        targets = [(MOST_SECONDS.get(orders), "s"), (memory.get(orders), "GiB")]
        table.add_row(
            f"{orders:,}",
            f"{seconds:.0f}",
            f"{run.trained:.1f}",
            f"{run.size.gib:.2f}",
            f"{seconds / run.bare_seconds:.2f} x",
            ", ".join(f"{most:.3g} {unit}" for most, unit in targets if most is not None),
        )
    Console(width=120).print(table)


def _verdict(found: float, most: float | None, unit: str) -> str:
    return "" if most is None else f" (at most {most:.3g} {unit}: {'reached' if found <= most else 'MISSED'})"


if __name__ == "__main__":
    main()
