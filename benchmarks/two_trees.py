"""Credit accounts served by another tree of this project beside this one: `python -m benchmarks.two_trees FOLDER`.

FOLDER is a work tree of another commit, its C extensions built in place (`python build.py`). Both serve the same model
with the same libraries, one worker each, and are loaded in turn by wrk: what has come between them must cost nothing.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.cells import Figures
from benchmarks.load import Invalid, load, post, wrk
from benchmarks.neighbours import moment, share_of_others
from benchmarks.sample_model import body_of, sample_accounts, sample_model
from benchmarks.servers import ROOT, Server, free_port, our_command, running

LOADS = ((1, 64), (100, 16))  # records a request, connections
HERE, THERE = "here", "there"
Rounds = dict[str, list[Figures]]


def main() -> None:
    """Load both in turn and print the table; another answer of one ends it without one."""
    options = _options()
    wrk()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as name, ExitStack() as stack:
        folder = Path(name)
        registry = sample_model(folder / "models").registry
        servers = []
        for which, tree in ((THERE, options.folder), (HERE, ROOT)):
            (folder / which).mkdir()
            port = free_port()
            settings = {"FRAUD_MODELS": str(registry), "FRAUD_LOG_REQUESTS": "failures"}
            settings["PYTHONPATH"] = str(tree.resolve() / "src")
            servers.append(stack.enter_context(running(which, our_command(port), port, folder / which, settings)))
        start = moment([server.process.pid for server in servers])
        try:
            found = {each: _measured(servers, folder / "body.json", *each, options) for each in LOADS}
        except Invalid as why:
            raise SystemExit(f"No figures. {why}") from why
        others = share_of_others(start, moment([server.process.pid for server in servers]))
    _print(found, others)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.two_trees", description=__doc__)
    parser.add_argument("folder", type=Path, help="the other work tree")
    parser.add_argument("--rounds", type=int, default=7, help="how often each load is repeated (default 7)")
    parser.add_argument("--seconds", type=int, default=3, help="length of one load (default 3)")
    return parser.parse_args()


def _measured(servers: list[Server], body: Path, records: int, connections: int, options: argparse.Namespace) -> Rounds:
    body.write_bytes(body_of(sample_accounts(records, seed=3)))
    answers = {server.name: post(server, body.read_bytes()) for server in servers}
    if len({content for content, _ in answers.values()}) != 1:
        raise Invalid("They answer differently.")
    found: Rounds = {HERE: [], THERE: []}
    for number in range(options.rounds):
        print(f"{records} records: round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for server in servers if number % 2 else servers[::-1]:
            found[server.name].append(load(server, body, connections, options.seconds, answers[server.name][1]))
    return found


def _print(measured: dict[tuple[int, int], Rounds], others: float) -> None:
    table = Table("records", "connections", "tree", "requests/s", "cpu ms/request", "rate", "cpu", box=MARKDOWN)
    for (records, connections), found in measured.items():
        for which, figures in found.items():
            pairs = list(zip(figures, found[THERE], strict=True))
            rate = median(one.requests_per_second / other.requests_per_second for one, other in pairs)
            cpu = median(one.cpu_ms / other.cpu_ms for one, other in pairs)
            own = [median(each.requests_per_second for each in figures), median(each.cpu_ms for each in figures)]
            table.add_row(
                str(records), str(connections), which, f"{own[0]:,.0f}", f"{own[1]:.3g}", f"{rate:.2f}x", f"{cpu:.2f}x"
            )
    console = Console(width=120)
    console.print(table)
    console.print(f"Medians; a ratio is the median of those within each round. Others took {others:.0%} meanwhile.")


if __name__ == "__main__":
    main()
