"""python -m benchmarks.hostile: what strangers can make the service pay: memory, and the waits of others.

Each attack meets a service of its own, which has answered a good request of every kind before. The promise: nothing
holds others up for more than 50 ms, or takes more than four times its own bytes, or 3 MB where it is small, which is
what one record of the largest size may become.
"""

import argparse
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

from benchmarks.attacks import FULL, INSERT, LIST, REASONS, SINGLE, Attack, attacks, scores_to_store
from benchmarks.sample_model import body_of, sample_accounts, sample_model
from benchmarks.servers import HOST, Server, free_port, our_command, running

LONGEST_STALL, MOST_RATIO, SMALL = 0.050, 4.0, 3_000_000
EVERY, PATIENCE = 0.002, 120


@dataclass(frozen=True)
class Cost:
    """What one attack cost the service."""

    status: int  # of the first answer; 0 where the connection ended without any
    seconds: float
    memory: float  # bytes, the highest above the one before
    stall: float  # the longest wait of a /ping beside it

    def verdict(self, size: int) -> str:
        """Whether the promise held."""
        missed = ["memory"] if self.memory > max(MOST_RATIO * size, SMALL) else []
        return ", ".join([*missed, *(["stall"] if self.stall > LONGEST_STALL else [])]) or "held"


def main() -> None:
    """Attack, and print what each attack cost."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as name:
        folder = Path(name)
        settings = {"FRAUD_MODELS": str(sample_model(folder / "models").registry)}
        print(f"{'attack':32}{'bytes':>12}{'status':>8}{'seconds':>9}{'memory':>8}{'stall ms':>10}  promise")
        for attack in attacks(options.megabytes * 1_000_000):
            if options.only in attack.what:
                with _service(options.python, folder, settings) as server:
                    cost = _calmest([cost_of(server, attack) for _ in range(options.rounds)])
                print(_line(attack, cost), flush=True)


def cost_of(server: Server, attack: Attack) -> Cost:
    """Send one attack while others ask whether the service is up."""
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    peaks, stalls, ended = [before], [0.0], threading.Event()
    watchers = [
        threading.Thread(target=_watch_memory, args=(process, peaks, ended)),
        threading.Thread(target=_watch_others, args=(server, stalls, ended)),
    ]
    for watcher in watchers:
        watcher.start()
    started = time.perf_counter()
    status = _status_of(server, attack)
    seconds = time.perf_counter() - started
    time.sleep(0.3)
    ended.set()
    for watcher in watchers:
        watcher.join()
    return Cost(status, seconds, max(peaks) - before, max(stalls))


def _calmest(costs: list[Cost]) -> Cost:
    """The memory of the first, and the shortest stall of all: other processes can only lengthen one."""
    first = costs[0]
    return Cost(first.status, first.seconds, first.memory, min(cost.stall for cost in costs))


def _line(attack: Attack, cost: Cost) -> str:
    figures = f"{cost.status:>8}{cost.seconds:>9.2f}{cost.memory / attack.size:>8.1f}{cost.stall * 1e3:>10.0f}"
    return f"{attack.what:32}{attack.size:>12,}{figures}  {cost.verdict(attack.size)}"


def _status_of(server: Server, attack: Attack) -> int:
    """Send all of it, read all that comes back; either may end early."""
    with closing(socket.create_connection((HOST, server.port), PATIENCE)) as connection:
        sender = threading.Thread(target=_send, args=(connection, attack))
        sender.start()
        start = _read(connection)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)  # a sender that waits for nothing is woken
        sender.join()
    return int(start[9:12] or 0)


def _send(connection: socket.socket, attack: Attack) -> None:
    with suppress(OSError):
        for piece in attack.pieces():
            connection.sendall(piece)


def _read(connection: socket.socket) -> bytes:
    start = b""
    with suppress(OSError):
        while received := connection.recv(1_000_000):
            start = (start + received)[:100]
            if start.startswith(b"HTTP/1.1 100"):
                start = start.partition(b"\r\n\r\n")[2]
    return start


def _watch_memory(process: psutil.Process, peaks: list[int], ended: threading.Event) -> None:
    while not ended.wait(EVERY):
        peaks.append(process.memory_info().rss)


def _watch_others(server: Server, stalls: list[float], ended: threading.Event) -> None:
    connection = HTTPConnection(HOST, server.port, timeout=PATIENCE)
    while not ended.wait(EVERY):
        started = time.perf_counter()
        connection.request("GET", "/ping")
        connection.getresponse().read()
        stalls.append(time.perf_counter() - started)
    connection.close()


@contextmanager
def _service(python: str, folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    port = free_port()
    with running("ours", our_command(port, python), port, folder, settings) as server:
        warm_up(server)
        yield server


def warm_up(server: Server) -> None:
    """What is loaded with the first request of a kind is no stranger's doing."""
    records = body_of(sample_accounts(1_000, seed=1))
    posts = {
        LIST: records,
        FULL: records,
        REASONS: records,
        SINGLE: b'{"customer_i\\u0064":"a"}',
        INSERT: scores_to_store(b"7", b"0.5", b'"fraud"', rows=10_000),
    }
    for path, body in posts.items():
        connection = HTTPConnection(HOST, server.port, timeout=PATIENCE)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=60, help="size of the large attacks (default 60)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each attack is made (default 2)")
    parser.add_argument("--only", default="", help="attacks with these words in their name")
    parser.add_argument("--python", default=sys.executable, help="of the installation that serves")
    return parser.parse_args()


if __name__ == "__main__":
    main()
