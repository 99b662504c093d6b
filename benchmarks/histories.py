"""Histories of two keys over a stream of orders, in C and in numpy: `python -m benchmarks.histories`.

Orders of so many customers and e-mails in the order of their arrival, a fifth of them late. Measured is all that lies
between their columns and their features: putting them key by key, and the statistics of both keys, in one thread. If
C and numpy do not give the same bits, there are no figures.
"""

import argparse
import time
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.neighbours import moment, share_of_others
from fraud_detection_api.features.histories import HistoryKernel, by_key
from fraud_detection_api.features.history_plan import MISSING, Plan
from fraud_detection_api.schemas.histories import History, Remembered, Statistic, Window

LAST_10 = Window(records=10)
OF_AMOUNT = (Statistic.MEAN, Statistic.DEVIATION, Statistic.SMALLEST, Statistic.LARGEST, Statistic.SUM)
OF_OTHERS = (Statistic.DISTINCT, Statistic.SAME, Statistic.KNOWN)
DAY, YEAR = 86_400_000, 365
LEAST = {"C": 1_000_000, "numpy": 200_000}

Whole = NDArray[np.int64]


def main() -> None:
    """Print orders a second, in C and in numpy."""
    options = _options()
    keyed = _orders(options.orders, options.keys)
    before = moment([])
    table = Table("in", "orders/s, both keys", "target", box=MARKDOWN)
    answers = []
    for name, least in LEAST.items():
        seconds, found = _measured(keyed, name, options.rounds if name == "C" else 1)
        answers.append(found)
        rate = options.orders / seconds
        table.add_row(name, f"{rate:,.0f}", f">= {least:,} {'reached' if rate >= least else 'MISSED'}")
    if answers[0] != answers[1]:
        raise SystemExit("No figures: C and numpy differ.")
    Console(width=120).print(table)
    print(f"Other processes took {share_of_others(before, moment([])):.0%} of the processors meanwhile.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.histories", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_200_000, help="orders in the stream (default 1,200,000)")
    parser.add_argument("--keys", type=int, default=10_000, help="customers, and e-mails (default 10,000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often C takes its turn (default 5)")
    return parser.parse_args()


def _history(name: str, others: tuple[str, ...]) -> History:
    """The statistics of one key of the orders, ten or so."""
    asked = [Remembered(each, other, LAST_10) for other in others for each in OF_OTHERS]
    asked += [Remembered(each, "amount", LAST_10) for each in OF_AMOUNT]
    asked += [Remembered(Statistic.SINCE), Remembered(Statistic.COUNT, over=Window(days=1)), Remembered(Statistic.NEW)]
    return History(name, (name,), tuple(asked))


def _orders(count: int, keys: int) -> list[tuple[Plan, Whole, Whole]]:
    """For each key its plan, the orders as it has them, and the keys' values."""
    random = np.random.default_rng(7)
    time_ = np.sort(random.integers(0, YEAR * DAY, count))
    received = time_ + np.where(random.random(count) < 0.2, random.integers(0, 10 * DAY, count), 0)
    order = np.argsort(received, kind="stable")
    hashes = random.integers(-(2**62), 2**62, (3, keys))
    customer = random.integers(0, keys, count)
    email = np.where(random.random(count) < 0.05, random.integers(0, keys, count), customer)
    address = np.where(random.random(count) < 0.1, random.integers(0, keys, count), email)
    common = [time_[order], random.permutation(count), received[order], np.full(count, MISSING)]
    amounts = random.integers(0, 100_000, count)
    columns = {"customer": hashes[0][customer], "email": hashes[1][email], "address": hashes[2][address]}
    found = []
    for name, others in (("customer", ("email", "address")), ("email", ("customer",))):
        records = np.column_stack([*common, amounts, *(columns[other] for other in others)]).astype(np.int64)
        found.append((Plan(_history(name, others)), records, columns[name]))
    return found


def _measured(
    keyed: list[tuple[Plan, Whole, Whole]], name: str, rounds: int
) -> tuple[float, list[tuple[bytes, bytes]]]:
    times, found = [], list[tuple[bytes, bytes]]()
    for _ in range(rounds):
        began = time.perf_counter()
        answers = [_answers(plan, records, keys, name) for plan, records, keys in keyed]
        times.append(time.perf_counter() - began)
        found = [(np.ascontiguousarray(values).tobytes(), flags.tobytes()) for values, flags in answers]
    return median(times), found


def _answers(plan: Plan, records: Whole, keys: Whole, name: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    order, ends = by_key(keys)
    return HistoryKernel(plan, compiled=name == "C").from_stream(records[order], ends)


if __name__ == "__main__":
    main()
