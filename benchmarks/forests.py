"""Forests of 100 trees in the compiled forest, in ONNX Runtime and in scikit-learn: `python -m benchmarks.forests`.

One as `fraud train card_transactions --model forest` fits it on the sample, and larger ones on transactions in which
frauds are harder to tell, by how few rows a leaf may hold; 30 features, 0.2 and 0.5 % frauds. The same rows are scored
by each in turn, one row and 10,000 of them, in one thread. Probabilities that are not scikit-learn's own to the bit end
it without figures.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
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
from fraud_detection_api.samples import DEFAULT_SEED, SAMPLES
from fraud_detection_api.samples.card_transactions import card_transactions
from fraud_detection_api.training.exporting.tree_file import original_shares, tree_file
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS

HARDER = (20, 5, 1)  # rows that a leaf holds at least
MANY, SINGLES = 10_000, 200
MOST_MICROSECONDS, LEAST_TIMES = 10.0, 5.0

Rows = NDArray[np.float32]
Score = Callable[[Rows], object]


def main() -> None:
    """Print one row for each size of a forest."""
    options = _options()
    headings = ("transactions", "nodes", "1 row, us", "ONNX Runtime", "scikit-learn", "10,000 rows, ms", "ONNX Runtime")
    table = Table(*headings, "scikit-learn", "targets", box=MARKDOWN)
    before = moment([])
    for name, rows, labels, least in _fits(options.rows):
        _say(f"fitting and scoring {name}")
        forest = RandomForestClassifier(100, min_samples_leaf=least, n_jobs=2, random_state=0).fit(rows, labels)
        forest.n_jobs = 1
        table.add_row(name, *_measured(forest, rows, options.rounds))
    Console(width=200).print(table)
    print(f"Other processes took {share_of_others(before, moment([])):.0%} of the processors meanwhile.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forests", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="transactions to fit on (default 50,000)")
    parser.add_argument("--rounds", type=int, default=11, help="how often each takes its turn (default 11)")
    return parser.parse_args()


def _fits(size: int) -> Iterator[tuple[str, Rows, NDArray[np.bool_], int]]:
    columns = card_transactions(SAMPLES["card_transactions"].rows, DEFAULT_SEED).columns
    cards = np.column_stack([columns[name] for name in CARD_TRANSACTIONS.feature_names]).astype(np.float32)
    yield "the sample's", cards, columns["Class"] == 1, 1
    rows, labels = transactions(size)
    for least in HARDER:
        yield f"harder, {least} in a leaf", rows, labels, least


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
    return f"{nodes:,}", *figures, targets


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
