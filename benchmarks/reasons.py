"""Reasons against the library's own, and beside requests without any: `python -m benchmarks.reasons`.

The contributions of the same rows, ours and the library's, in turn. Then wrk posts single records without reasons to
one worker of `fraud serve`, in turn alone and while other connections keep asking it for reasons.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import xgboost
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.load import Invalid, load, post, wrk
from benchmarks.neighbours import moment, share_of_others
from benchmarks.sample_model import ONE_THREAD, SampleModel, body_of, sample_accounts, sample_model
from benchmarks.servers import Server, free_port, our_command, running
from fraud_detection_api.model.forest import Forest

ROWS, AGREEMENT = (1, 16, 100, 1_000), 1e-5
MOST_TIME, LEAST_RATE = 1.1, 0.8
ASKED = "/score/credit_accounts?reasons=4&reasons_for=all"
PLAIN_RECORDS, PLAIN_CONNECTIONS = 1, 64


@dataclass(frozen=True)
class Asking:
    """Connections that ask for reasons without a pause, so many records a request."""

    records: int
    connections: int


ASKINGS = (Asking(1, 1), Asking(1, 16), Asking(100, 1), Asking(100, 16), Asking(1_000, 4))


def main() -> None:
    """Measure both and print two tables; values that differ from the library's end it without any."""
    options = _options()
    wrk()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as folder:
        _say("training the model")
        model = sample_model(Path(folder) / "models")
        try:
            _print_times(_contribution_times(model, options.rounds))
            port = free_port()
            settings = {"FRAUD_MODELS": str(model.registry)}
            with running("ours", our_command(port), port, Path(folder), settings) as server:
                start = moment([server.process.pid])
                rates = {asking: _rates(server, asking, Path(folder), options) for asking in ASKINGS}
                _print_rates(rates, share_of_others(start, moment([server.process.pid])))
        except Invalid as why:
            raise SystemExit(f"No figures, as an answer was wrong. {why}") from why


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reasons", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is repeated (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="length of one load (default 4)")
    return parser.parse_args()


def _contribution_times(model: SampleModel, rounds: int) -> dict[int, tuple[list[float], list[float]]]:
    """Seconds of ours and of the library, one thread each, for so many rows."""
    forest, accounts = Forest.read(model.file.read_bytes()), sample_accounts(max(ROWS), seed=4).astype(np.float32)
    model.booster.set_param(ONE_THREAD)
    times: dict[int, tuple[list[float], list[float]]] = {}
    for rows in ROWS:
        _say(f"contributions of {rows:,} rows")
        times[rows] = ([], [])
        for _ in range(rounds):
            ours, our_seconds = _timed(lambda rows=rows: forest.contributions(accounts[:rows]))  # type: ignore[misc]
            theirs, seconds = _timed(lambda rows=rows: _librarys(model.booster, accounts[:rows]))  # type: ignore[misc]
            if np.abs(ours - theirs).max() > AGREEMENT * max(1, np.abs(ours.sum(axis=1)).max()):
                raise Invalid("The contributions are not the library's.")
            times[rows][0].append(our_seconds)
            times[rows][1].append(seconds)
    return times


def _librarys(booster: xgboost.Booster, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True, validate_features=False))


def _timed(work: "Callable[[], NDArray[np.floating]]") -> "tuple[NDArray[np.floating], float]":
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _rates(
    server: Server, asking: Asking, folder: Path, options: argparse.Namespace
) -> list[tuple[float, float, float]]:
    """Plain requests a second alone and beside the others, and the others' own rate, round by round."""
    plain, asked = folder / "plain" / "body.json", folder / "asked" / "body.json"
    for path, records in ((plain, PLAIN_RECORDS), (asked, asking.records)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body_of(sample_accounts(records, seed=3)))
    explained = replace(server, path=ASKED)
    sizes = [post(each, path.read_bytes())[1] for each, path in ((server, plain), (explained, asked))]
    found = []
    for number in range(options.rounds):
        _say(f"{asking.records:,} records, {asking.connections} connections: round {number + 1} of {options.rounds}")
        alone = load(server, plain, PLAIN_CONNECTIONS, options.seconds, sizes[0])
        with ThreadPoolExecutor(1) as beside:
            others = beside.submit(load, explained, asked, asking.connections, options.seconds + 1, sizes[1])
            time.sleep(0.5)
            crowded = load(server, plain, PLAIN_CONNECTIONS, options.seconds, sizes[0])
        post(
            explained, body_of(sample_accounts(1, seed=3))
        )  # nobody waits for what is left of the last ones: let it end
        found.append((alone.requests_per_second, crowded.requests_per_second, others.result().requests_per_second))
    return found


def _print_times(times: dict[int, tuple[list[float], list[float]]]) -> None:
    table = Table("rows", "ours us/row", "library us/row", "ours / library", "target", box=MARKDOWN)
    for rows, (ours, theirs) in times.items():
        ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
        figures = [f"{1e6 * median(each) / rows:,.0f}" for each in (ours, theirs)]
        verdict = f"<= {MOST_TIME:g}x {'reached' if ratio <= MOST_TIME else 'MISSED'}"
        table.add_row(f"{rows:,}", *figures, f"{ratio:.2f}x", verdict)
    Console(width=120).print(table)


def _print_rates(rates: dict[Asking, list[tuple[float, float, float]]], others: float) -> None:
    headings = ("records asked about", "connections", "asked/s", "plain/s alone", "plain/s beside", "ratio", "target")
    table = Table(*headings, box=MARKDOWN)
    for asking, found in rates.items():
        ratio = median(crowded / alone for alone, crowded, _ in found)
        alone, crowded, asked = (f"{median(each):,.0f}" for each in zip(*found, strict=True))
        verdict = f">= {LEAST_RATE:g}x {'reached' if ratio >= LEAST_RATE else 'MISSED'}"
        table.add_row(f"{asking.records:,}", str(asking.connections), asked, alone, crowded, f"{ratio:.2f}x", verdict)
    console = Console(width=150)
    console.print(table)
    console.print(f"Other processes took {others:.0%} of the processors meanwhile.")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
