"""The service as it runs in production: a process of its own, spoken to over TCP, ended by signals."""

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import psutil

PROJECT = Path(__file__).parents[1]
SERVE = (sys.executable, "-m", "fraud_detection_api.cli.main", "serve")
LONGEST_WAIT = 30.0
# Before a command that a test interrupts: a shell has its background jobs, and all that they start, ignore SIGINT.
HEARS_SIGINT = ("env", "--default-signal=INT")
PORTS = 2_000  # for each process of a test run, below those that the system gives to clients
# For a process whose lines coverage is to count, at twice the time; all others run unmeasured.
MEASURED = {"COVERAGE_PROCESS_START": str(PROJECT / "pyproject.toml"), "COVERAGE_FILE": str(PROJECT / ".coverage")}
_first = 12_000 + PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ports = (_first + number % PORTS for number in itertools.count(os.getpid()))


@dataclass(frozen=True)
class RunningService:
    """A service process and where it listens."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        """A client with connections of its own."""
        return httpx.Client(base_url=self.url, timeout=LONGEST_WAIT)

    def log_lines(self) -> list[str]:
        """What it has logged so far."""
        return self.log.read_text().splitlines()

    def json_log(self) -> list[dict[str, object]]:
        """What it has logged so far, line by line from JSON."""
        return [json.loads(line) for line in self.log_lines()]

    def workers(self) -> list[psutil.Process]:
        """The processes that serve, where there are several."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if _serves(child)]

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, wait until it has; its exit code."""
        self.process.send_signal(by)
        return self.process.wait(LONGEST_WAIT)


@contextmanager
def running_service(
    folder: Path, settings: Mapping[str, object], command: tuple[str, ...] = SERVE, environment: Mapping[str, str] = {}
) -> Iterator[RunningService]:
    """Start the service with these settings and the models in folder/models; end it afterwards."""
    port = free_port()
    variables = service_environment({"models": folder / "models", "port": port} | dict(settings)) | dict(environment)
    with running_process(command, port, folder, variables) as service:
        yield service


@contextmanager
def running_process(
    command: Sequence[str], port: int, folder: Path, variables: Mapping[str, str]
) -> Iterator[RunningService]:
    """A service of any kind, begun in this folder and up; ended afterwards, unless it has ended by then."""
    log = folder / f"service-{time.monotonic_ns()}.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=variables, stderr=stderr, start_new_session=True)
    service = RunningService(port, process, log)
    try:
        eventually(lambda: process.poll() is not None or answers(service))
        assert process.poll() is None, log.read_text()
        yield service
    finally:
        if process.poll() is None:
            service.end()


def _serves(process: psutil.Process) -> bool:
    """Whether it is a worker that has not ended; it may end while it is looked at."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # or a zombie by now
        return False


def service_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's environment with these settings, and the tests' own use cases within reach."""
    variables = {f"FRAUD_{name.upper()}": str(value) for name, value in settings.items()}
    path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))  # it may hold another build
    return {**os.environ, "PYTHONPATH": path, **variables}


def free_port() -> int:
    """A port that nobody listens on, and that neither a client nor another process of this test run may be given."""
    for port in _ports:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("the ports do not end")


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds; a generous cap, not a measurement."""
    end = time.monotonic() + LONGEST_WAIT
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def answers(service: RunningService) -> bool:
    """Whether it is up."""
    try:
        return httpx.get(f"{service.url}/ping").status_code == 200
    except httpx.TransportError:
        return False


class SlowPost:
    """A POST whose body goes out piece by piece."""

    def __init__(self, service: RunningService, path: str, length: int | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", service.port), LONGEST_WAIT)
        size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        head = f"POST {path} HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\n{size}\r\n\r\n"
        self.socket.sendall(head.encode())
        self._chunked = length is None

    def send(self, part: bytes) -> None:
        """Send some of the body; nothing ends a chunked one."""
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(part), part) if self._chunked else part)

    def answer(self) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of the answer, however much of the request was sent."""
        response = http.client.HTTPResponse(self.socket, method="POST")
        response.begin()
        return response.status, response.headers, response.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
