"""The answer log beside none: `python -m benchmarks.answer_log`.

Three services, each one worker of `fraud serve`: FRAUD_KEEP off, scores and full, into SQLite. They are loaded in turn
by wrk; before each load all that waits in the spools is written, so that each pays for its own answers alone.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.cells import Figures
from benchmarks.load import Invalid, load, post, wrk
from benchmarks.neighbours import moment, share_of_others
from benchmarks.sample_model import body_of, sample_accounts, sample_model
from benchmarks.servers import Server, free_port, our_command, running, stop

OFF, SCORES, FULL = "off", "scores", "full"
LOADS = ((1, 64), (100, 16))  # records a request, connections
_LOSSES = ("lost", "refused", "vanished", "torn", "set_aside")
LEAST_RATE, LONGEST_WAIT, POLL_SECONDS = 0.8, 300.0, 0.05


@dataclass
class Measured:
    """Figures of each service, round by round, and rows a second that came into the database after its loads."""

    figures: dict[str, list[Figures]] = field(default_factory=dict)
    written: dict[str, list[float]] = field(default_factory=dict)


def main() -> None:
    """Load the services in turn and print the table; an answer that was not kept ends it without one."""
    options = _options()
    wrk()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as name:
        folder = Path(name)
        _say("training the model")
        registry = sample_model(folder / "models").registry
        try:
            with _services(folder, registry) as servers:
                pids = [server.process.pid for server in servers]
                start = moment(pids)
                measured = {each: _measured(servers, folder, *each, options) for each in LOADS}
                others = share_of_others(start, moment(pids))
            _refuse_losses(folder)
        except Invalid as why:
            raise SystemExit(f"No figures. {why}") from why
    _print(measured, others)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answer_log", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each load is repeated (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="length of one load (default 4)")
    return parser.parse_args()


@contextmanager
def _services(folder: Path, registry: Path) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        servers = []
        for mode in (OFF, SCORES, FULL):
            (folder / mode).mkdir()
            port = free_port()
            settings = {
                "FRAUD_MODELS": str(registry),
                "FRAUD_KEEP": f"credit_accounts={mode}",
                "FRAUD_LOG_JSON": "true",
                "FRAUD_LOG_REQUESTS": "failures",
            }
            servers.append(stack.enter_context(running(mode, our_command(port), port, folder / mode, settings)))
        yield servers
        for server in servers:
            stop(server.process)


def _measured(
    servers: list[Server], folder: Path, records: int, connections: int, options: argparse.Namespace
) -> Measured:
    body = folder / "body.json"
    body.write_bytes(body_of(sample_accounts(records, seed=3)))
    answers = {server.name: post(server, body.read_bytes()) for server in servers}
    if len({content for content, _ in answers.values()}) != 1:
        raise Invalid("The services answer differently.")
    found = Measured()
    for number in range(options.rounds):
        _say(f"{records:,} records, {connections} connections: round {number + 1} of {options.rounds}")
        turn = number % len(servers)
        for server in servers[turn:] + servers[:turn]:
            _all_written(folder / server.name)
            figures = load(server, body, connections, options.seconds, answers[server.name][1])
            found.figures.setdefault(server.name, []).append(figures)
            if server.name != OFF:
                rows = figures.requests_per_second * options.seconds * records
                seconds = options.seconds + _all_written(folder / server.name)
                found.written.setdefault(server.name, []).append(rows / seconds)
    return found


def _all_written(folder: Path) -> float:
    """Seconds until nothing waits; an idle worker's open segment holds nothing but its opening."""
    began = time.perf_counter()
    while _waiting(folder / "spool"):
        if time.perf_counter() - began > LONGEST_WAIT:
            raise Invalid(f"What waits in {folder} was not written within {LONGEST_WAIT:g} seconds.")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - began


def _waiting(spool: Path) -> bool:
    found = list(spool.glob("*.spool")) if spool.exists() else []
    return len(found) > 1 or any(path.stat().st_size > 1_000 for path in found if path.exists())


def _refuse_losses(folder: Path) -> None:
    for mode in (SCORES, FULL):
        lines = [json.loads(line) for line in (folder / mode / f"{mode}.log").read_text().splitlines()]
        last: dict[str, int] = {}
        for message in ("The answer log is closed", "Answers were written to the store"):
            last |= next((line for line in lines if line["message"] == message), {})
        print(f"{mode}: {last.get('kept', 0):,} answers kept, {last.get('written', 0):,} rows written")
        if not last.get("kept") or any(last.get(name, 1) for name in _LOSSES):
            raise Invalid(f"{mode}: {last}")


def _print(measured: dict[tuple[int, int], Measured], others: float) -> None:
    table = Table(box=MARKDOWN)
    for heading in ("records", "connections", "kept", "requests/s", "p50 ms", "p99 ms", "cpu ms/request", "of off"):
        table.add_column(heading, justify="right")
    table.add_column("target")
    table.add_column("rows/s into the database", justify="right")
    for (records, connections), found in measured.items():
        for mode, figures in found.figures.items():
            rate, times = _median(figures, "requests_per_second"), [_median(figures, name) for name in _TIMES]
            shares = [
                one.requests_per_second / off.requests_per_second
                for one, off in zip(figures, found.figures[OFF], strict=True)
            ]
            share, written = median(shares), found.written.get(mode)
            verdict = "" if mode == OFF else f">= {LEAST_RATE}x {'reached' if share >= LEAST_RATE else 'MISSED'}"
            table.add_row(
                f"{records:,}",
                str(connections),
                mode,
                f"{rate:,.0f}",
                *(f"{each:.3g}" for each in times),
                f"{share:.2f}x",
                verdict,
                f"{median(written):,.0f}" if written else "",
            )
    console = Console(width=150)
    console.print(table)
    console.print("Medians; a ratio is the median of the ratios within each round.")
    busy = " (busy: measure again)" if others > 0.1 else ""
    console.print(f"Other processes, those that write to the databases among them, took {others:.0%} meanwhile{busy}.")


_TIMES = ("p50_ms", "p99_ms", "cpu_ms")


def _median(figures: list[Figures], name: str) -> float:
    return median([float(getattr(each, name)) for each in figures])


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
