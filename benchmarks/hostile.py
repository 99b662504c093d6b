"""python -m benchmarks.hostile: what bodies of strangers cost: memory beside their bytes, and how long others wait."""

import argparse
import http.client
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.sample_model import body_of, sample_accounts, sample_model
from benchmarks.servers import HOST, Server, free_port, our_command, running

LIST, SINGLE, VECTOR, INSERT = "/fraud_detection", "/predict_fraud", "/prediction", "/insert"
REASONS = "/score/credit_accounts?reasons=3&reasons_for=all"
EVERY = 0.002
GOOD = b'{"customer_id":1,"number_of_open_accounts":5,"total_credit_limit":9.5,"total_balance":1.5,'
GOOD += b'"number_of_accounts_in_arrears":1}'


@dataclass(frozen=True)
class Cost:
    """What one request cost the service."""

    status: int
    seconds: float
    ratio: float  # the highest memory above the one before, by the bytes of the body
    stall: float  # the longest wait of a /ping beside it


def bodies(size: int) -> Iterator[tuple[str, str, bytes]]:
    """A name, an address, and a body of about so many bytes or of 100,000 records."""
    escaped = GOOD.replace(b"customer_id", b"customer_i\\u0064")
    yield "one record, for comparison", LIST, _array(GOOD, 1)
    yield "100,000 good records", LIST, _array(GOOD, 100_000)
    yield "100,000 records with an escape", LIST, _array(escaped, 100_000)
    yield "100,000 records out of bounds", LIST, _array(GOOD.replace(b":5", b":-5"), 100_000)
    yield "a wrong one after 99,999", LIST, _array(escaped, 99_999)[:-1] + b",{}]"
    yield "empty objects", LIST, _array(b"{}", size // 3)
    yield "empty lists", LIST, _array(b"[]", size // 3)
    yield "digits", LIST, _array(b"7", size // 2)
    yield "nested lists", LIST, b"[" * size
    yield "nested objects", LIST, b'[{"a":' * (size // 6)
    yield "one long text", LIST, b'[{"customer_id":"' + b"a" * size + b'"}]'
    yield "one long text, wide", LIST, b'[{"customer_id":"' + "\U0001f600".encode() + b"a" * size + b'"}]'
    yield "one long number", LIST, b"[" + b"9" * size + b"]"
    yield "a million names", LIST, b"[{" + b",".join(b'"a%d":1' % name for name in range(size // 12)) + b"}]"
    yield "objects of many names", LIST, _array(_names(10_000), size // 110_000)
    yield "objects of many lists", LIST, _array(b'{"a":[' + b"[]," * 40_000 + b"[]]}", size // 120_000)
    yield "spaces", LIST, b"[" + b" " * size + b"]"
    yield "invalid UTF-8", LIST, b'["' + b"\xff" * size + b'"]'
    yield "no JSON", LIST, b"a" * size
    yield "empty objects, for reasons", REASONS, _array(b"{}", size // 3)
    yield "20,000 records, for reasons", REASONS, _array(GOOD, 20_000)
    yield "a list for one record", SINGLE, _array(b"{}", 40_000)
    yield "many names for one record", SINGLE, _names(10_000)
    yield "a long vector", VECTOR, b'{"feature_vector":[' + b"1," * 60_000 + b"1]}"
    yield "commas to store", INSERT, b"[" + b"," * size
    yield "a long text to store", INSERT, b'{"id":"' + "\U0001f600".encode() + b"a" * size + b'"}'
    yield "100,000 wrong scores to store", INSERT, _scores(b'"a"', b"7", b"null")
    yield "no address at all", "/nowhere", b"[" * size


def main() -> None:
    """Send each body to one service, and print what it cost."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as name:
        folder = Path(name)
        settings = {"FRAUD_MODELS": str(sample_model(folder / "models").registry)}
        print(f"{'body':32}{'bytes':>12}{'status':>8}{'seconds':>9}{'memory':>8}{'stall ms':>10}")
        with _service(options.python, folder, settings) as server:
            for what, path, body in bodies(options.megabytes * 1_000_000):
                cost = cost_of(server, path, body)
                figures = f"{cost.status:>8}{cost.seconds:>9.2f}{cost.ratio:>8.1f}{cost.stall * 1e3:>10.0f}"
                print(f"{what:32}{len(body):>12,}{figures}", flush=True)


def cost_of(server: Server, path: str, body: bytes) -> Cost:
    """Send one body while others ask whether the service is up."""
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
    status = _post(server, path, body)
    seconds = time.perf_counter() - started
    time.sleep(0.3)
    ended.set()
    for watcher in watchers:
        watcher.join()
    return Cost(status, seconds, (max(peaks) - before) / len(body), max(stalls))


def _post(server: Server, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
    with suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
        connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def _watch_memory(process: psutil.Process, peaks: list[int], ended: threading.Event) -> None:
    while not ended.wait(EVERY):
        peaks.append(process.memory_info().rss)


def _watch_others(server: Server, stalls: list[float], ended: threading.Event) -> None:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
    while not ended.wait(EVERY):
        started = time.perf_counter()
        connection.request("GET", "/ping")
        connection.getresponse().read()
        stalls.append(time.perf_counter() - started)
    connection.close()


def _array(record: bytes, count: int) -> bytes:
    return b"[" + b",".join([record] * count) + b"]"


def _names(count: int) -> bytes:
    return b"{" + b",".join(b'"a%d":1' % name for name in range(count)) + b"}"


def _scores(*columns: bytes) -> bytes:
    names = (b"id", b"outlier_prob", b"class_pred")
    lists = b",".join(b'"%b":%b' % (name, _array(value, 100_000)) for name, value in zip(names, columns, strict=True))
    return b'{"project_name":"raizen_gasoline","table_name":"fraud",' + lists + b"}"


@contextmanager
def _service(python: str, folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    port = free_port()
    with running("ours", our_command(port, python), port, folder, settings) as server:
        _post(server, LIST, body_of(sample_accounts(1_000, seed=1)))
        yield server


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=60, help="size of the large bodies (default 60)")
    parser.add_argument("--python", default=sys.executable, help="of the installation that serves")
    return parser.parse_args()


if __name__ == "__main__":
    main()
