"""python -m benchmarks.footprint: how fast the service starts, what it weighs, and whether it grows."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.cells import HELLO, OURS
from benchmarks.installs import serving_install
from benchmarks.mixed_requests import Post, mixed_posts, send
from benchmarks.sample_model import sample_model
from benchmarks.servers import ROOT, free_port, our_command, running, yardstick_command

STARTS, REQUESTS = 7, 10_000
MOST_SECONDS, MOST_MEGABYTES, MOST_GROWTH = 1.5, 130, 3
HEAVY = ("pandas", "sklearn", "scipy", "xgboost", "dask", "mlflow")
LOADED = f"""
import asyncio, sys
import fraud_detection_api.cli.main
from fraud_detection_api.main import create
async def start():
    app = create()
    async with app.router.lifespan_context(app):
        assert app.state.served_models.ready
asyncio.run(start())
print(*[name for name in {HEAVY} if name in sys.modules])
"""


@dataclass(frozen=True)
class Install:
    """An environment to measure: its Python, where it works, and the settings of the service in it."""

    name: str
    python: str
    folder: Path
    settings: dict[str, str]


@dataclass(frozen=True)
class Footprint:
    """What was measured in one environment: seconds, and resident megabytes at three moments."""

    start: float
    hello_start: float
    heavy_modules: str
    memory: tuple[float, float, float]
    peak: float


def main() -> None:
    """Measure a serving install and this one, and print both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.footprint", description=__doc__)
    parser.add_argument("--python", help="the Python of a serving install; without it one is made and thrown away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fraud-benchmark-") as name:
        folder = Path(name)
        settings = {"FRAUD_MODELS": str(sample_model(folder / "models").registry), "PYTHONPATH": str(ROOT / "src")}
        pythons = {"serving install": options.python or serving_install(folder), "full install": sys.executable}
        posts = mixed_posts()
        measured = {
            name: _footprint(Install(name, python, folder, settings), posts) for name, python in pythons.items()
        }
    _print_table(measured)


def _footprint(install: Install, posts: list[Post]) -> Footprint:
    starts = [(_start(install, OURS), _start(install, HELLO)) for _ in range(STARTS)]
    ours, hello = (median(each) for each in zip(*starts, strict=True))
    memory, peak = _memory(install, posts)
    return Footprint(ours, hello, _heavy_modules(install) or "none", memory, peak)


def _start(install: Install, name: str) -> float:
    port = free_port()
    command = _command(install, name, port)
    with running(name, command, port, install.folder, install.settings) as server:
        return server.started_in


def _memory(install: Install, posts: list[Post]) -> tuple[tuple[float, float, float], float]:
    port = free_port()
    with running(OURS, _command(install, OURS, port), port, install.folder, install.settings) as server:
        worker = psutil.Process(server.process.pid)
        fresh = worker.memory_info().rss
        send(server, posts, REQUESTS, seed=1)
        first = worker.memory_info().rss
        send(server, posts, REQUESTS, seed=2)
        second = worker.memory_info().rss
        status = Path(f"/proc/{worker.pid}/status").read_text()
    peak = 1024 * int(status.partition("VmHWM:")[2].split()[0])
    return (fresh / 1e6, first / 1e6, second / 1e6), peak / 1e6


def _command(install: Install, name: str, port: int) -> list[str]:
    return our_command(port, install.python) if name == OURS else yardstick_command("hello_world", port, install.python)


def _heavy_modules(install: Install) -> str:
    command = [install.python, "-c", LOADED]
    found = subprocess.run(
        command, env=install.settings, cwd=install.folder, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def _print_table(measured: dict[str, Footprint]) -> None:
    table = Table("", *measured, "target of the first", box=MARKDOWN)
    found = list(measured.values())
    starts, later = [each.start for each in found], [each.memory[1] for each in found]
    growths = [each.memory[2] - each.memory[1] for each in found]
    _add(table, "start to the first 200 on /ready", starts, "s", MOST_SECONDS)
    _add(table, "the same of a FastAPI hello-world", [each.hello_start for each in found], "s")
    _add(table, "memory, fresh", [each.memory[0] for each in found], "MB")
    _add(table, f"memory after {REQUESTS:,} mixed requests", later, "MB", MOST_MEGABYTES)
    _add(table, f"growth over the next {REQUESTS:,}", growths, "MB", MOST_GROWTH)
    _add(table, "highest memory", [each.peak for each in found], "MB")
    table.add_row("heavy modules in the serving process", *[each.heavy_modules for each in found], "none")
    Console(width=120).print(table)


def _add(table: Table, name: str, values: Sequence[float], unit: str, most: float | None = None) -> None:
    digits = 2 if unit == "s" else 1
    target = "" if most is None else f"<= {most:g} {unit} {'reached' if values[0] <= most else 'MISSED'}"
    table.add_row(name, *[f"{value:.{digits}f} {unit}" for value in values], target)


if __name__ == "__main__":
    main()
