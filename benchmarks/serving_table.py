"""The table of benchmarks.serving: medians over the rounds, and ratios of loads that ran side by side."""

import math
from collections.abc import Iterator, Mapping
from statistics import median

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.cells import LIMIT, OURS, Cell, Figures

Rounds = dict[str, list[Figures]]
HEADINGS = ("requests/s", "records/s", "p50 ms", "p99 ms", "cpu ms/request", "ours / it", "p50 ours / it")
WIDTH = 170


def print_table(measured: Mapping[Cell, Rounds], others: float) -> None:
    """Every load of every server, what ours is of it, and whether the issue's targets are reached."""
    table = Table(box=MARKDOWN)
    for heading in ("batch", "connections"):
        table.add_column(heading, justify="right")
    table.add_column("server")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    table.add_column("target")
    for cell, rounds in measured.items():
        for name in rounds:
            table.add_row(f"{cell.batch:,}", str(cell.connections), name, *_row(cell, rounds, name))
    console = Console(width=WIDTH)
    console.print(table)
    rounds_made = len(next(iter(measured.values()))[OURS])
    console.print(f"Medians of {rounds_made} rounds; a ratio is the median of the ratios within each round.")
    console.print(
        f"Other processes took {others:.0%} of the processors meanwhile{' (busy: measure again)' * (others > 0.1)}."
    )


def ratio(rounds: Rounds, name: str, in_latency: bool) -> float:
    """The median over the rounds of what ours was of another."""
    pairs = zip(rounds[OURS], rounds[name], strict=True)
    if in_latency:
        return median(ours.p50_ms / other.p50_ms for ours, other in pairs)
    return median(ours.requests_per_second / other.requests_per_second for ours, other in pairs)


def _row(cell: Cell, rounds: Rounds, name: str) -> Iterator[str]:
    figures = rounds[name]
    rate = median(each.requests_per_second for each in figures)
    yield _plain(rate)
    yield _plain(rate * cell.batch)
    yield _plain(median(each.p50_ms for each in figures))
    yield _plain(median(each.p99_ms for each in figures))
    yield _plain(median(each.cpu_ms for each in figures))
    for in_latency in (False, True):
        known = name != OURS and not (in_latency and name == LIMIT)
        yield f"{ratio(rounds, name, in_latency):.2f}x" if known else ""
    verdicts = []
    for target in cell.targets:
        if target.over == name:
            reached = target.reached(ratio(rounds, name, target.in_latency))
            verdicts.append(f"{target} {'reached' if reached else 'MISSED'}")
    yield ", ".join(verdicts)


def _plain(number: float) -> str:
    if math.isnan(number):
        return ""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
