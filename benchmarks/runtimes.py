"""scikit-learn's pipelines served without scikit-learn, beside scikit-learn itself: `python -m benchmarks.runtimes`.

Made-up card transactions: 30 features, 0.5 % frauds. Each pipeline is fitted, exported and compared with its file on
every training row and on as many whose values lie on, or one step beside, the forest's own splits. Then single
transactions and 10,000 at once go through both, in one thread, in turns: twenty single ones, each another, make a turn.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from sklearn.base import BaseEstimator  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.ensemble import RandomForestClassifier  # type: ignore[import-untyped]  # as above
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # as above
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # as above
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]  # as above
from sklearn.svm import SVC  # type: ignore[import-untyped]  # as above
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]  # as above

from benchmarks.neighbours import moment, share_of_others
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.training.exporting.exporting import exported
from fraud_detection_api.training.exporting.originals import last_step, original_scores

FEATURES, MANY, MOST_SVM_ROWS, A_TURN, TURNS = 30, 10_000, 10_000, 20, 10
ASKED = ("predict_proba", "decision_function")
MOST_MICROSECONDS = 100.0
MODELS: Mapping[str, Callable[[], BaseEstimator]] = {
    "logistic regression": lambda: LogisticRegression(max_iter=1_000),
    "decision tree": lambda: DecisionTreeClassifier(random_state=0),
    "random forest": lambda: RandomForestClassifier(n_estimators=100, n_jobs=2, random_state=0),
    "support vectors": SVC,
}
MEMORY = """
import psutil
process = psutil.Process()
import numpy
from fraud_detection_api.features.matrix import Matrix
before = process.memory_info().rss
from fraud_detection_api.model.onnx_model import OnnxModel
imported = process.memory_info().rss
import sys
model = OnnxModel.read(sys.stdin.buffer.read())
model.scores(numpy.zeros((1, model.features), numpy.float32))
print(before, imported, process.memory_info().rss)
"""


@dataclass(frozen=True)
class Compared:
    """One pipeline and its file: how far apart they are, and how long both take."""

    name: str
    rows: int
    kilobytes: float
    difference: float
    one: tuple[float, float]
    many: tuple[float, float]


def main() -> None:
    """Fit, export, compare and time every kind of model, then weigh the runtime."""
    options = _options()
    rows, labels = transactions(options.rows)
    start = moment([])
    found, models = [], {}
    for name in MODELS:
        _say(f"{name}: fitting, exporting and timing")
        used = MOST_SVM_ROWS if name == "support vectors" else len(rows)
        pipeline = make_pipeline(StandardScaler(), MODELS[name]()).fit(rows[:used].astype(np.float64), labels[:used])
        models[name] = exported(pipeline, rows[:used])
        found.append(_compared(name, pipeline, models[name], rows[:used], options.rounds))
    _print_times(found, share_of_others(start, moment([])))
    _print_memory(models["random forest"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtimes", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="transactions to fit on (default 50,000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often 10,000 are scored by each (default 5)")
    return parser.parse_args()


def transactions(size: int) -> tuple[Matrix, NDArray[np.bool_]]:
    """Made-up card transactions, and which of them are frauds."""
    random = np.random.default_rng(0)
    rows = (random.normal(size=(size, FEATURES)) * random.uniform(0.1, 300, FEATURES)).astype(np.float32)
    signal = (rows[:, :3] / rows[:, :3].std(axis=0)).sum(axis=1) + random.normal(size=size)
    return rows, signal > np.quantile(signal, 0.995)


def _compared(name: str, pipeline: BaseEstimator, file: bytes, rows: Matrix, rounds: int) -> Compared:
    model, tried = OnnxModel.read(file), np.concatenate([rows, _on_splits(pipeline, rows)])
    if hasattr(last_step(pipeline), "n_jobs"):
        last_step(pipeline).n_jobs = 1
    difference = float(np.abs(model.scores(tried) - original_scores(pipeline, tried)).max())
    singles = [rows[at : at + 1] for at in range(A_TURN)]
    one, many = _times(pipeline, model, singles, TURNS), _times(pipeline, model, [rows[:MANY]], rounds)
    return Compared(name, len(rows), len(file) / 1e3, difference, one, many)


def _on_splits(pipeline: BaseEstimator, rows: Matrix) -> Matrix:
    """Rows with half of their values moved to where a tree splits, or one step of float32 to either side."""
    random, scaler, moved = np.random.default_rng(1), pipeline.steps[0][1], rows.copy()
    for tree in (each.tree_ for each in getattr(last_step(pipeline), "estimators_", [])):
        inner = np.flatnonzero(tree.children_left != -1)
        at, node = random.integers(0, len(rows), len(inner)), random.permutation(inner)
        column = tree.feature[node]
        value = (tree.threshold[node] * scaler.scale_[column] + scaler.mean_[column]).astype(np.float32)
        beside = np.nextafter(value, random.choice(np.array([-np.inf, np.inf], np.float32), len(node)))
        moved[at, column] = np.where(random.random(len(node)) < 0.5, value, beside)
    return moved


def _times(pipeline: BaseEstimator, model: OnnxModel, turn: list[Matrix], turns: int) -> tuple[float, float]:
    """Medians in microseconds: scikit-learn's and ours, in turns."""
    asked = next(getattr(pipeline, each) for each in ASKED if hasattr(pipeline, each))
    theirs, ours = [], []
    for _ in range(turns):
        theirs += [_microseconds(asked, rows.astype(np.float64)) for rows in turn]
        ours += [_microseconds(model.scores, rows) for rows in turn]
    return median(theirs), median(ours)


def _microseconds(method: Callable[[NDArray[np.floating]], object], rows: NDArray[np.floating]) -> float:
    start = time.perf_counter()
    method(rows)
    return (time.perf_counter() - start) * 1e6


def _print_times(found: list[Compared], others: float) -> None:
    headings = ("model", "rows", "file kB", "largest difference", "1 row, us", "scikit-learn", "10,000 rows, ms")
    table = Table(*headings, "scikit-learn", "target", box=MARKDOWN)
    for each in found:
        (their_one, one), (their_many, many) = each.one, each.many
        verdict = f"1 row <= {MOST_MICROSECONDS:g} us {'reached' if one <= MOST_MICROSECONDS else 'MISSED'}"
        times = (f"{one:,.1f}", f"{their_one:,.0f}", f"{many / 1e3:,.1f}", f"{their_many / 1e3:,.1f}")
        table.add_row(each.name, f"{each.rows:,}", f"{each.kilobytes:,.0f}", f"{each.difference:.1e}", *times, verdict)
    console = Console(width=170)
    console.print(table)
    console.print(f"Other processes took {others:.0%} of the processors meanwhile.")


def _print_memory(model: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY], input=model, capture_output=True, check=True)
    before, imported, loaded = (int(each) / 1e6 for each in done.stdout.split())
    print(
        f"Memory of a process: {before:.0f} MB, {imported:.0f} with ONNX Runtime, {loaded:.0f} with the forest loaded."
    )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
