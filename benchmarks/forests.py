"""Forests of 100 trees in the compiled forest, in ONNX Runtime and in scikit-learn: `python -m benchmarks.forests`.

Made-up card transactions: 30 features, 0.5 % frauds. Forests of three sizes, by how few frauds a leaf may hold, score
the same rows in turn, one row and 10,000 of them, each in one thread. Probabilities that are not scikit-learn's own to
the bit end it without figures.
"""

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from skl2onnx import to_onnx  # type: ignore[import-untyped]
from sklearn.ensemble import RandomForestClassifier  # type: ignore[import-untyped]  # scikit-learn ships no types

from benchmarks.neighbours import moment, share_of_others
from benchmarks.runtimes import transactions
from fraud_detection_api.model.tree_ensemble import TreeEnsemble
from fraud_detection_api.training.exporting.tree_file import original_shares, tree_file

LEAST_IN_A_LEAF = (20, 5, 1)
MANY, SINGLES = 10_000, 200
MOST_MICROSECONDS, LEAST_TIMES = 10.0, 5.0

Rows = NDArray[np.float32]
Score = Callable[[Rows], object]


def main() -> None:
    """Print one row for each size of a forest."""
    options = _options()
    rows, labels = transactions(options.rows)
    headings = ("trees", "nodes", "1 row, us", "ONNX Runtime", "scikit-learn", "10,000 rows, ms", "ONNX Runtime")
    table = Table(*headings, "scikit-learn", "targets", box=MARKDOWN)
    before = moment([])
    for least in LEAST_IN_A_LEAF:
        _say(f"fitting a forest with leaves of at least {least}")
        forest = RandomForestClassifier(100, min_samples_leaf=least, n_jobs=2, random_state=0).fit(rows, labels)
        forest.n_jobs = 1
        table.add_row(*_measured(forest, rows, options.rounds))
    Console(width=170).print(table)
    print(f"Other processes took {share_of_others(before, moment([])):.0%} of the processors meanwhile.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forests", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="transactions to fit on (default 50,000)")
    parser.add_argument("--rounds", type=int, default=11, help="how often each takes its turn (default 11)")
    return parser.parse_args()


def _measured(forest: RandomForestClassifier, rows: Rows, rounds: int) -> tuple[str, ...]:
    ours = TreeEnsemble.read(tree_file(forest, rows)[0])
    if not np.array_equal(ours.shares(rows), original_shares(forest, rows)):
        raise SystemExit("No figures: the probabilities are not scikit-learn's own.")
    scorers: tuple[Score, ...] = (ours.probabilities, _by_onnx(forest), forest.predict_proba)
    singles = [rows[at : at + 1] for at in range(SINGLES)]
    one = [median(times) for times in _times(scorers, singles, 1)]
    in_turn = _times(scorers, [rows[:MANY]], rounds)
    many = [median(times) / 1e3 for times in in_turn]
    faster = median(theirs / mine for mine, theirs in zip(*in_turn[:2], strict=True))
    quick = f"1 row <= {MOST_MICROSECONDS:g} us {_verdict(one[0] <= MOST_MICROSECONDS)}"
    targets = f"{quick}; {faster:.1f} x ONNX, >= {LEAST_TIMES:g} {_verdict(faster >= LEAST_TIMES)}"
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    figures = (*(f"{each:,.1f}" for each in one), *(f"{each:,.2f}" for each in many))
    return str(len(forest.estimators_)), f"{nodes:,}", *figures, targets


def _by_onnx(forest: RandomForestClassifier) -> Score:
    graph = to_onnx(forest, np.zeros((1, forest.n_features_in_), np.float32), options={id(forest): {"zipmap": False}})
    import onnxruntime  # type: ignore[import-untyped]

    threads = onnxruntime.SessionOptions()
    threads.intra_op_num_threads = threads.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), threads, providers=["CPUExecutionProvider"])
    return lambda rows: session.run(["probabilities"], {"X": rows})


def _times(scorers: tuple[Score, ...], turn: list[Rows], rounds: int) -> list[list[float]]:
    """Microseconds of each call of each scorer, which take turns."""
    times: list[list[float]] = [[] for _ in scorers]
    for _ in range(rounds + 1):
        for score, taken in zip(scorers, times, strict=True):
            for rows in turn:
                start = time.perf_counter()
                score(rows)
                taken.append((time.perf_counter() - start) * 1e6)
    return [taken[len(turn) :] for taken in times]  # the first turn warms up


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "MISSED"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
