"""The servers under load: each one process on a port of its own, started and stopped by its process id."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOST, PATH = "127.0.0.1", "/fraud_detection"
LONGEST_START, POLL_SECONDS = 60.0, 0.005
UVICORN = ("--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning", "--no-server-header")


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and what started it."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    started_in: float
    path: str = PATH

    @property
    def url(self) -> str:
        """Where the records go."""
        return f"http://{HOST}:{self.port}{self.path}"


def our_command(port: int, python: str = sys.executable) -> list[str]:
    """fraud serve, as everybody starts it."""
    return [python, "-m", "fraud_detection_api.cli.main", "serve", f"--host={HOST}", f"--port={port}", "--workers=1"]


def yardstick_command(module: str, port: int, python: str = sys.executable) -> list[str]:
    """One of the yardsticks on the server that ours runs on, with the same options."""
    where = [f"--host={HOST}", f"--port={port}", "--workers=1", f"--app-dir={ROOT}"]
    return [python, "-m", "uvicorn", f"benchmarks.{module}:app", *where, *UVICORN]


@contextmanager
def running(
    name: str, command: Sequence[str], port: int, folder: Path, settings: Mapping[str, str]
) -> Iterator[Server]:
    """A server from its first ready answer until the block ends; other FRAUD_* settings are left out."""
    log = folder / f"{name.replace(' ', '_')}.log"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env={**bare, **settings}, stdout=output, stderr=output)
    try:
        while not is_ready(port):
            if process.poll() is not None or time.perf_counter() - started > LONGEST_START:
                raise SystemExit(f"{name} did not start:\n{log.read_text()}")
            time.sleep(POLL_SECONDS)
        yield Server(name, port, process, time.perf_counter() - started)
    finally:
        stop(process)


def is_ready(port: int) -> bool:
    """Whether /ready answers 200 now."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started, politely at first."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
