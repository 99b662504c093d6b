"""The load: wrk, one thread, posting the same body again and again."""

import http.client
import json
import shutil
import subprocess
from pathlib import Path

from benchmarks.cells import Figures
from benchmarks.neighbours import processor_seconds
from benchmarks.servers import HOST, Server

MARK = "FIGURES "
REPORT = f"""
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\n{MARK}{{"requests": %d, "seconds": %.6f, "bytes": %d, "errors": %d, "p50_ms": %.4f, "p99_ms": %.4f}}\\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""
BODY = """
function init(args)
  local file = assert(io.open(args[1], "rb"))
  wrk.method, wrk.body = "POST", file:read("*a")
  wrk.headers["Content-Type"] = "application/json"
  file:close()
end
"""


class Invalid(Exception):
    """A figure that must not be believed, and why."""


def wrk() -> str:
    """Where wrk is; says how to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise SystemExit("The benchmark needs the load generator wrk: sudo apt-get install wrk")
    return found


def load(server: Server, body: Path, connections: int, seconds: int, answer_bytes: int) -> Figures:
    """Load a server; refuses the figures if any answer was an error or of another length than the right one."""
    script = body.with_name("post.lua")
    script.write_text(BODY + REPORT)
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=60s", f"-s{script}"]
    command = [wrk(), *options, server.url, "--", str(body)]
    before = processor_seconds(server.process.pid)
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 120).stdout
    cpu = processor_seconds(server.process.pid) - before
    found = json.loads(output.rpartition(MARK)[2])
    requests, received = found["requests"], found["bytes"]
    if found["errors"] or not requests:
        raise Invalid(f"{server.name}: {found['errors']} errors in {requests} answers\n{output}")
    if not requests * answer_bytes <= received <= (requests + connections) * answer_bytes:
        raise Invalid(f"{server.name}: {received} bytes in {requests} answers of {answer_bytes} bytes")
    return Figures(requests / found["seconds"], 1e3 * cpu / requests, found["p50_ms"], found["p99_ms"])


def post(server: Server, body: bytes) -> tuple[bytes, int]:
    """The content of one answer, and its whole length with the status line and the headers, as wrk receives it."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    connection.request("POST", server.path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise Invalid(f"{server.name}: {answer.status}\n{content[:2000].decode()}")
    lines = [f"HTTP/1.1 200 {answer.reason}", *(f"{name}: {value}" for name, value in answer.headers.items()), ""]
    return content, sum(len(line) + 2 for line in lines) + len(content)
