"""python -m benchmarks.serving: ours against the tutorial's design, a hello-world and the in-process limit."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from benchmarks import in_process
from benchmarks.cells import CELLS, HELLO, LIMIT, OURS, TUTORIAL, Cell
from benchmarks.load import Invalid, load, post, wrk
from benchmarks.neighbours import moment, share_of_others
from benchmarks.sample_model import SampleModel, Table, body_of, sample_accounts, sample_model
from benchmarks.servers import Server, free_port, our_command, running, yardstick_command
from benchmarks.serving_table import Rounds, print_table

WARM_UPS = 3


def main() -> None:
    """Measure everything and print the table; a wrong or missing answer ends it without one."""
    options = _options()
    wrk()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as folder:
        _say("training the model")
        model = sample_model(Path(folder) / "models")
        accounts = sample_accounts(max(cell.batch for cell in CELLS), seed=3)
        try:
            with _servers(Path(folder), model) as servers:
                pids = [server.process.pid for server in servers]
                start = moment(pids)
                measured = _measured(servers, model, accounts, Path(folder), options)
                others = share_of_others(start, moment(pids))
        except Invalid as why:
            raise SystemExit(f"No figures, as an answer was wrong. {why}") from why
    print_table(measured, others)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each load is repeated (default 5)")
    parser.add_argument("--seconds", type=int, default=5, help="length of one load (default 5)")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds: a look, no figures to quote")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 2
    return options


@contextmanager
def _servers(folder: Path, model: SampleModel) -> Iterator[list[Server]]:
    settings = {"FRAUD_MODELS": str(model.registry), "MODEL_FILE": str(model.file)}
    with ExitStack() as stack:
        servers = []
        for name, module in ((OURS, ""), (TUTORIAL, "tutorial_design"), (HELLO, "hello_world")):
            _say(f"starting {name}")
            port = free_port()
            command = yardstick_command(module, port) if module else our_command(port)
            servers.append(stack.enter_context(running(name, command, port, folder, settings)))
        yield servers


def _measured(
    servers: list[Server], model: SampleModel, accounts: Table, folder: Path, options: argparse.Namespace
) -> dict[Cell, Rounds]:
    measured: dict[Cell, Rounds] = {}
    for cell in CELLS:
        body = folder / "body.json"
        body.write_bytes(body_of(accounts[: cell.batch]))
        sizes = {server.name: _checked(server, model, accounts[: cell.batch]) for server in servers}
        lengths = {server.name: _window(server, body.read_bytes(), cell, options.seconds) for server in servers}
        rounds: Rounds = {name: [] for name in (*sizes, LIMIT)}
        for number in range(options.rounds):
            _say(f"batch {cell.batch:,}, {cell.connections} connections: round {number + 1} of {options.rounds}")
            turn = number % len(servers)
            for server in servers[turn:] + servers[:turn]:
                figures = load(server, body, cell.connections, lengths[server.name], sizes[server.name])
                rounds[server.name].append(figures)
            rounds[LIMIT].append(in_process.limit(model.booster, body.read_bytes(), options.seconds / 2))
        for server in servers:
            _checked(server, model, accounts[: cell.batch])
        measured[cell] = rounds
    return measured


def _checked(server: Server, model: SampleModel, accounts: Table) -> int:
    """The length of the answer, once it is known to be the right one, to the bit."""
    body = body_of(accounts)
    content, length = post(server, body)
    answer = json.loads(content)
    if server.name == HELLO:
        right = answer == {"bytes": len(body)}
    else:
        given = np.array([score["fraud_probability"] for score in answer], dtype=np.float32)
        expected = model.booster.inplace_predict(accounts.astype(np.float32))
        identifiers = [record["customer_id"] for record in json.loads(body)]
        right = given.tobytes() == expected.tobytes()
        right = right and [score["customer_id"] for score in answer] == identifiers
    if not right:
        raise Invalid(f"{server.name} answers {content[:300]!r}")
    return length


def _window(server: Server, body: bytes, cell: Cell, seconds: int) -> int:
    """Seconds to load this server: with too few answers, those unfinished at the end would count too much."""
    started = time.perf_counter()
    for _ in range(WARM_UPS):
        post(server, body)
    enough = 20 + 5 * cell.connections
    return max(seconds, round(enough * (time.perf_counter() - started) / WARM_UPS))


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
