"""Orders scored with their histories beside accounts that have none: `python -m benchmarks.orders`.

One worker of `fraud serve`, a Redis of its own and the load generator share two processors. Both models have as many
trees of the same depth. Every order is another one; one in twenty is of a customer whom nobody knows, and the histories
of all others are full before anything is measured. Then a service behind a relay that counts round trips.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.load import Invalid, wrk
from benchmarks.neighbours import moment, processor_seconds, share_of_others
from benchmarks.order_load import (
    CUSTOMERS,
    Loaded,
    Numbers,
    batches,
    load_accounts,
    load_at_pace,
    load_orders,
)
from benchmarks.round_trips import relayed
from benchmarks.servers import HOST, Server, free_port, our_command, running
from tests.storage.histories.private_redis import PrivateRedis, private_redis

TREES, DEPTH, MANY, KEPT = 300, 6, 100, 16
ACCOUNTS, ONE, LIST = "/score/credit_accounts", "/orders/predict", "/score/orders"
LEAST_SHARE, MOST_P99, LEAST_ORDERS, COUNTED = 0.6, 5.0, 10_000, 20


@dataclass(frozen=True)
class Figures:
    """A load, with processor time a request of the service and of Redis."""

    loaded: Loaded
    service_ms: float
    redis_ms: float


def main() -> None:
    """Load the addresses in turn and print the table; a wrong answer ends it without one."""
    options, console = _options(), Console(width=150)
    wrk()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as name, private_redis() as redis:
        folder, numbers = Path(name), Numbers()
        for use_case in ("orders", "credit_accounts"):
            _train(folder, use_case)
        try:
            with _service(folder, redis.url) as server:
                _fill(server, numbers)
                start = moment([server.process.pid, redis.pid])
                found = [
                    _round(server, redis, folder, numbers, options.seconds, each) for each in range(options.rounds)
                ]
                _refuse_wrong_answers(server, numbers)
                others = share_of_others(start, moment([server.process.pid, redis.pid]))
            trips, calls = _round_trips(folder, redis, numbers)
        except Invalid as why:
            raise SystemExit(f"No figures. {why}") from why
    _print(console, found)
    console.print(f"{COUNTED} requests of {MANY} orders: {trips} round trips to Redis, {calls} script calls.")
    busy = " (busy: measure again)" if others > 0.1 else ""
    console.print(f"Medians; a ratio is the median of the ratios within each round. Others took {others:.0%}{busy}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orders", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="how often each load is repeated (default 11)")
    parser.add_argument("--seconds", type=int, default=2, help="length of one load (default 2)")
    return parser.parse_args()


def _train(folder: Path, use_case: str) -> None:
    _say(f"training {use_case}")
    size = [f"--rounds={TREES}", f"--depth={DEPTH}", "--patience=0", "--threads=1"]
    command = [sys.executable, "-m", "fraud_detection_api.cli.main", "train", use_case, *size]
    environment = {**os.environ, "FRAUD_MODELS": str(folder / "models")}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


@contextmanager
def _service(folder: Path, histories: str) -> Iterator[Server]:
    settings = {
        "FRAUD_MODELS": str(folder / "models"),
        "FRAUD_HISTORIES": histories,
        "FRAUD_LOG_REQUESTS": "failures",
    }
    port = free_port()
    with ExitStack() as stack:
        yield stack.enter_context(running("orders", our_command(port), port, folder, settings))


def _fill(server: Server, numbers: Numbers) -> None:
    _say("filling histories")
    for body in islice(batches(numbers, 500), 2 * CUSTOMERS * KEPT // 500):
        _answer(server, LIST, body)


def _round(
    server: Server, redis: PrivateRedis, folder: Path, numbers: Numbers, seconds: int, number: int
) -> dict[str, Figures]:
    _say(f"round {number + 1}")
    loads = {
        ACCOUNTS: lambda: load_accounts(replace(server, path=ACCOUNTS), folder, seconds),
        ONE: lambda: load_orders(replace(server, path=ONE), folder, numbers, 1, seconds),
        LIST: lambda: load_orders(replace(server, path=LIST), folder, numbers, 1, seconds),
        f"{LIST}, {MANY} each": lambda: load_orders(replace(server, path=LIST), folder, numbers, MANY, seconds),
    }
    names = [*loads]
    turn = number % len(names)
    found = {}
    for name in names[turn:] + names[:turn]:
        found[name] = _spent(server, redis, loads[name])
    pace = found[ONE].loaded.rate / 2
    at_pace = _spent(server, redis, lambda: load_at_pace(replace(server, path=ONE), numbers, pace, seconds))
    return {**found, f"{ONE}, at half that rate": at_pace}


def _spent(server: Server, redis: PrivateRedis, load: Callable[[], Loaded]) -> Figures:
    pids = server.process.pid, redis.pid
    before = [processor_seconds(pid) for pid in pids]
    loaded = load()
    spent = [processor_seconds(pid) - start for pid, start in zip(pids, before, strict=True)]
    return Figures(loaded, *(1e3 * each / loaded.requests for each in spent))


def _refuse_wrong_answers(server: Server, numbers: Numbers) -> None:
    """What is known of a customer, and what is not, has to be in the answers."""
    known, unknown = numbers.orders(2)
    known.update(customer_id=1, email="customer-1@example.org", ip_addr="240.17.0.1")
    unknown.update(customer_id=9_999_999, email="nobody@example.org", ip_addr="240.18.0.1")
    for order, cold in ((known, []), (unknown, ["customer", "email", "address"])):
        said = json.loads(_answer(server, ONE, json.dumps(order).encode()))
        again = json.loads(_answer(server, LIST, json.dumps([order]).encode()))[0]
        probability = said["fraud_probability"]
        if said["cold_start"] != cold or again["order_id"] != order["order_id"] or not 0 < probability < 1:
            raise Invalid(f"A wrong answer: {said}")
        is_same = again["fraud_probability"] == probability or again["truncated"]  # it may have pushed out what it saw
        if not is_same or bool(said["features"]["customer_is_new"]) != bool(cold):
            raise Invalid(f"Not the same answer again: {said} and {again}")


def _answer(server: Server, path: str, body: bytes) -> bytes:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise Invalid(f"{path}: {answer.status} {content[:500].decode()}")
    return content


def _round_trips(folder: Path, redis: PrivateRedis, numbers: Numbers) -> tuple[int, int]:
    _say("counting round trips")
    with relayed(redis.port) as counted, _service(folder, f"redis://{HOST}:{counted.port}/0") as server:
        bodies = list(islice(batches(numbers, MANY), COUNTED))
        redis.ask("CONFIG", "RESETSTAT")
        before = counted.answered
        for body in bodies:
            _answer(server, LIST, body)
        trips = counted.answered - before
    said = redis.ask("INFO", "commandstats")
    assert isinstance(said, bytes)
    calls = next((line for line in said.decode().splitlines() if line.startswith("cmdstat_evalsha:")), "calls=0,")
    return trips, int(calls.partition("calls=")[2].partition(",")[0])


def _print(console: Console, found: list[dict[str, Figures]]) -> None:
    headings = ("address", "requests/s", "orders/s", "service ms", "Redis ms", "p50 ms", "p99 ms", "of accounts")
    table = Table(*headings, "target", box=MARKDOWN)
    for name in found[0]:
        figures = [each[name] for each in found]
        rate = median(each.loaded.rate for each in figures)
        share = median(each[name].loaded.rate / each[ACCOUNTS].loaded.rate for each in found)
        times = [
            median(each.service_ms for each in figures),
            median(each.redis_ms for each in figures),
            median(each.loaded.p50_ms for each in figures),
            median(each.loaded.p99_ms for each in figures),
        ]
        orders = rate * (MANY if name.endswith("each") else 1)
        table.add_row(
            name,
            f"{rate:,.0f}",
            f"{orders:,.0f}",
            *(f"{each:.3g}" for each in times),
            f"{share:.2f}x",
            _verdict(name, share, orders, times[-1]),
        )
    console.print(table)


def _verdict(name: str, share: float, orders: float, p99: float) -> str:
    if name == ACCOUNTS:
        return ""
    if name.endswith("each"):
        target, reached = f">= {LEAST_ORDERS:,} orders/s", orders >= LEAST_ORDERS
    elif name.endswith("rate"):
        target, reached = f"p99 <= {MOST_P99:g} ms", p99 <= MOST_P99
    else:
        target, reached = f">= {LEAST_SHARE}x", share >= LEAST_SHARE
    return f"{target} {'reached' if reached else 'MISSED'}"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
