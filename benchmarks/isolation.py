"""An isolation forest in the compiled forest, in scikit-learn and in ONNX Runtime: `python -m benchmarks.isolation`.

One forest of 100 trees on two columns, fitted on 64,227 made-up rows. The same rows are scored by each in turn, one row
and 16,000 of them. Scores of ours that are not scikit-learn's end it without figures.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from joblib import parallel_config  # type: ignore[import-untyped]  # noqa: TID251 - threads for scikit-learn, no pickle
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from skl2onnx import to_onnx  # type: ignore[import-untyped]
from sklearn.ensemble import IsolationForest as Fitted  # type: ignore[import-untyped]

from benchmarks.neighbours import moment, share_of_others
from fraud_detection_api.model.isolation_forest import IsolationForest
from fraud_detection_api.training.isolating.forest_file import forest_file

Scores = NDArray[np.floating]
Score = Callable[[NDArray[np.float32]], Scores]
ROWS, REPEATS = (1, 16_000), {1: 50, 16_000: 1}
OURS, THEIRS, THREADED, ONNX = "ours", "scikit-learn", "scikit-learn, 2 threads", "ONNX Runtime"
AGREEMENT, MOST_MILLISECONDS = 1e-6, 1.0


def main() -> None:
    """Measure and print one table, and how far the scores lie apart."""
    options = _options()
    activity = np.random.default_rng(16).normal(size=(64_227, 2)).astype(np.float32)
    activity[:60] *= 12
    _say("fitting the forest")
    fitted = Fitted(n_estimators=100, contamination=0.001, random_state=16).fit(activity)
    saved = forest_file(fitted, activity)
    start, forest = time.perf_counter(), IsolationForest.read(saved)
    read = time.perf_counter() - start
    scorers = _scorers(fitted, forest)
    expected = fitted.score_samples(activity)
    apart = {name: float(np.abs(score(activity) - expected).max()) for name, score in scorers.items()}
    if apart[OURS] > AGREEMENT:
        raise SystemExit(f"No figures, as our scores differ by {apart[OURS]:.3g}.")
    before = moment([])
    times = {rows: _times(scorers, activity[:rows], options.rounds) for rows in ROWS}
    _print(times, apart)
    print(f"The file takes {len(saved) / 1e3:,.0f} KB and {1e3 * read:.1f} ms to read.")
    print(f"Other processes took {share_of_others(before, moment([])):.0%} of the processors meanwhile.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.isolation", description=__doc__)
    parser.add_argument("--rounds", type=int, default=21, help="how often each takes its turn (default 21)")
    return parser.parse_args()


def _scorers(fitted: Fitted, forest: IsolationForest) -> dict[str, Score]:
    options = {id(fitted): {"score_samples": True}}
    opsets = {"": 17, "ai.onnx.ml": 3}
    exported = to_onnx(fitted, np.zeros((1, 2), np.float32), options=options, target_opset=opsets)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it reads this on import
    import onnxruntime  # type: ignore[import-untyped]

    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])

    def threaded(rows: NDArray[np.float32]) -> Scores:
        with parallel_config(backend="threading", n_jobs=2):
            scores: Scores = fitted.score_samples(rows)
        return scores

    def by_onnx(rows: NDArray[np.float32]) -> Scores:
        scores: Scores = session.run(["score_samples"], {"X": rows})[0].ravel()
        return scores

    return {OURS: forest.anomaly_scores, THEIRS: fitted.score_samples, THREADED: threaded, ONNX: by_onnx}


def _times(scorers: dict[str, Score], rows: NDArray[np.float32], rounds: int) -> dict[str, list[float]]:
    """Milliseconds a call, in turn; the turn moves on from round to round."""
    names, repeats = list(scorers), REPEATS[len(rows)]
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        _say(f"{len(rows):,} rows: round {number + 1} of {rounds}")
        for name in names[number % len(names) :] + names[: number % len(names)]:
            start = time.perf_counter()
            for _ in range(repeats):
                scorers[name](rows)
            times[name].append(1e3 * (time.perf_counter() - start) / repeats)
    return times


def _print(times: dict[int, dict[str, list[float]]], apart: dict[str, float]) -> None:
    table = Table("rows", "served by", "ms", "times ours", "largest difference", "target", box=MARKDOWN)
    for rows, found in times.items():
        for name, each in found.items():
            ratio = median(theirs / ours for ours, theirs in zip(found[OURS], each, strict=True))
            target = _target(rows, found) if name == OURS else ""
            table.add_row(f"{rows:,}", name, f"{median(each):,.4f}", f"{ratio:,.1f}x", f"{apart[name]:.2g}", target)
    Console(width=150).print(table)


def _target(rows: int, found: dict[str, list[float]]) -> str:
    ours = median(found[OURS])
    if rows == 1:
        return f"<= {MOST_MILLISECONDS:g} ms {'reached' if ours <= MOST_MILLISECONDS else 'MISSED'}"
    quickest = min(median(found[THEIRS]), median(found[THREADED]))
    return f"<= scikit-learn {'reached' if ours <= quickest else 'MISSED'}"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
