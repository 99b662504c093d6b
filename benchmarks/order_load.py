"""Orders as load: each another one, of many customers, some of whom nobody knows; as fast as can be, or at a pace."""

import json
import random
import re
import select
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

from benchmarks.load import MARK, REPORT, Invalid, wrk
from benchmarks.servers import HOST, Server

CUSTOMERS, UNKNOWN, SECONDS_APART = 2_000, 0.05, 130
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
CONNECTIONS = 16
ORDERS = """
local number, count, is_list
function init(args)
  number, count, is_list = tonumber(args[1]), tonumber(args[2]), args[3] == "list"
  math.randomseed(number)
  wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
end
local function order()
  number = number + 1
  local customer = math.random() < @UNKNOWN and number + 10000000 or math.random(1, @CUSTOMERS)
  local time = number * @SECONDS_APART
  local day = math.floor(time / 86400)
  return string.format('{"order_id":%d,"customer_id":%d,"order_date":"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",' ..
    '"email":"customer-%d@example.org","ip_addr":"240.17.%d.%d","order_amount":%d.%02d,' ..
    '"location_lat":52.52,"location_long":13.405}', number, customer, 2024 + math.floor(day / 336),
    1 + math.floor(day / 28) % 12, 1 + day % 28, math.floor(time / 3600) % 24, math.floor(time / 60) % 60, time % 60,
    math.random(0, 999), customer, math.floor(customer / 250) % 256, customer % 250, math.random(10, 200),
    math.random(0, 99))
end
function request()
  local some = {}
  for i = 1, count do some[i] = order() end
  local body = table.concat(some, ",")
  return wrk.format(nil, nil, nil, is_list and "[" .. body .. "]" or body)
end
"""
ACCOUNTS = """
local number = 0
function init(args)
  wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
end
function request()
  number = number + 1
  return wrk.format(nil, nil, nil, string.format('[{"customer_id":%d,"number_of_open_accounts":%d,' ..
    '"total_credit_limit":%d.25,"total_balance":%d.5,"number_of_accounts_in_arrears":%d}]', number,
    math.random(7, 19), math.random(600, 16000), math.random(600, 14000), math.random(1, 6)))
end
"""
_CONSTANTS = {"@UNKNOWN": UNKNOWN, "@CUSTOMERS": CUSTOMERS, "@SECONDS_APART": SECONDS_APART}


@dataclass(frozen=True)
class Loaded:
    """What a load measured, on the client's side."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Numbers:
    """Order numbers, each given once; their times follow from them."""

    def __init__(self) -> None:
        self.next = 0

    def orders(self, many: int) -> list[dict[str, object]]:
        """So many new orders, in the shape that wrk sends."""
        own = random.Random(self.next)
        first, self.next = self.next + 1, self.next + many
        return [_order(number, own) for number in range(first, first + many)]


def _order(number: int, own: random.Random) -> dict[str, object]:
    customer = number + 10_000_000 if own.random() < UNKNOWN else own.randint(1, CUSTOMERS)
    moment = FIRST + timedelta(seconds=number * SECONDS_APART, milliseconds=own.randrange(1_000))
    return {
        "order_id": number,
        "customer_id": customer,
        "order_date": f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
        "email": f"customer-{customer}@example.org",
        "ip_addr": f"240.17.{customer // 250 % 256}.{customer % 250}",
        "order_amount": own.randint(1_000, 20_000) / 100,
        "location_lat": 52.52,
        "location_long": 13.405,
    }


def load_orders(server: Server, folder: Path, numbers: Numbers, size: int, seconds: int) -> Loaded:
    """wrk with new orders in every request, lists of them where the address takes lists."""
    shape = "one" if server.path.endswith("predict") else "list"
    found = _load(server, folder, ORDERS, seconds, [str(numbers.next), str(size), shape])
    numbers.next += (found.requests + 10 * CONNECTIONS) * size
    return found


def load_accounts(server: Server, folder: Path, seconds: int) -> Loaded:
    """wrk with another account in every request."""
    return _load(server, folder, ACCOUNTS, seconds, [])


def _load(server: Server, folder: Path, script: str, seconds: int, arguments: list[str]) -> Loaded:
    path = folder / "load.lua"
    for name, value in _CONSTANTS.items():
        script = script.replace(name, str(value))
    path.write_text(script + REPORT)
    command = [wrk(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=60s", f"-s{path}", server.url]
    output = subprocess.run([*command, "--", *arguments], capture_output=True, text=True, check=True).stdout
    found = json.loads(output.rpartition(MARK)[2])
    if found["errors"] or not found["requests"]:
        raise Invalid(f"{server.path}: {found['errors']} errors in {found['requests']} answers\n{output}")
    return Loaded(found["requests"], found["seconds"], found["p50_ms"], found["p99_ms"])


def load_at_pace(server: Server, numbers: Numbers, rate: float, seconds: float) -> Loaded:
    """One order a request, each due at its time; how long it took counts from then, whether it could be sent or not."""
    bodies = [json.dumps(each).encode() for each in numbers.orders(int(rate * seconds))]
    head = f"POST {server.path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: "
    requests = [head.encode() + b"%d\r\n\r\n%b" % (len(body), body) for body in bodies]
    connections = [socket.create_connection((HOST, server.port)) for _ in range(CONNECTIONS)]
    try:
        taken = sorted(_Pace(requests, connections, rate).run())
    finally:
        for each in connections:
            each.close()
    return Loaded(len(taken), seconds, 1e3 * taken[len(taken) // 2], 1e3 * taken[int(len(taken) * 0.99)])


class _Pace:
    """Requests at their times, on whichever connection is free."""

    def __init__(self, requests: list[bytes], connections: list[socket.socket], rate: float) -> None:
        self._waiting = deque(enumerate(requests))
        self._free = connections.copy()
        self._busy: dict[socket.socket, tuple[float, bytes]] = {}
        self._apart = 1 / rate

    def run(self) -> Iterator[float]:
        """Seconds from when each request was due to the last byte of its answer."""
        began = time.perf_counter() + 0.01
        while self._waiting or self._busy:
            due = began + self._waiting[0][0] * self._apart if self._waiting and self._free else float("inf")
            wait = max(0.0, min(due - time.perf_counter(), 1.0))
            ready, _, _ = select.select([*self._busy], [], [], wait)  # to the microsecond, as epoll is not
            for connection in ready:
                yield from self._receive(connection)
            while self._waiting and self._free and began + self._waiting[0][0] * self._apart <= time.perf_counter():
                number, request = self._waiting.popleft()
                connection = self._free.pop()
                self._busy[connection] = began + number * self._apart, b""
                connection.sendall(request)

    def _receive(self, connection: socket.socket) -> Iterator[float]:
        due, received = self._busy[connection]
        received += connection.recv(1 << 16)
        head, separator, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head) if separator else None
        if length and len(body) == int(length[1]):
            if not head.startswith(b"HTTP/1.1 200"):
                raise Invalid(received.decode())
            del self._busy[connection]
            self._free.append(connection)
            yield time.perf_counter() - due
        else:
            self._busy[connection] = due, received


def batches(numbers: Numbers, size: int) -> Iterator[bytes]:
    """Lists of new orders, as bodies, without end."""
    return (json.dumps(numbers.orders(size)).encode() for _ in islice(count(), None))
