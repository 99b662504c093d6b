"""Somebody who reads a page of the documentation and does what it says, block by block."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.running_service import PROJECT, eventually, free_port

BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
REFUSED = re.compile(r"^\| `((?:[^`])+)` \| (.+ .+\.) \|$", re.MULTILINE)
ADDRESS = "localhost:8000"


@dataclass(frozen=True)
class Block:
    """A block of the page: a file where it has a title, else commands, declarations, or an answer."""

    language: str
    title: str
    text: str


@dataclass
class Reader:
    """Somebody who follows the page: a folder, a terminal, and another one in which the service runs."""

    folder: Path
    environment: dict[str, str]
    exports: str = ""
    output: str = ""
    answers: list[tuple[Block, str]] = field(default_factory=list)
    service: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the service listens."""
        return f"localhost:{self.environment['FRAUD_PORT']}"

    def follow(self, block: Block) -> None:
        """Do what one block says."""
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "bash":
            self._type(block.text)
        elif block.language == "python":
            (self.folder / "block.py").write_text(block.text)
            self.run(f"{sys.executable} block.py")
        else:
            self.answers.append((block, self.output))

    def run(self, commands: str) -> str:
        """What commands print; they have to succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.exports + commands],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def stop(self) -> None:
        """End the service."""
        if self.service:
            self.service.terminate()
            self.service.wait(30)

    def _type(self, commands: str) -> None:
        if commands.startswith("export "):
            self.exports += commands
        elif commands == "fraud serve\n":
            command = ["bash", "-ec", f"{self.exports}exec fraud serve"]
            self.service = service = subprocess.Popen(command, cwd=self.folder, env=self.environment)
            eventually(lambda: self._is_up(service))
        else:
            self.output = self.run(commands.replace(ADDRESS, self.address))

    def _is_up(self, service: subprocess.Popen[bytes]) -> bool:
        try:
            return httpx.get(f"http://{self.address}/ready").is_success
        except httpx.TransportError:
            assert service.poll() is None, "the service has ended"
            return False


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in its order."""
    return [Block(language, title, text) for language, title, text in BLOCK.findall(page)]


@contextmanager
def following(page: str, home: Path, package: str) -> Iterator[Reader]:
    """A reader who has done all that a page says, in a folder beside the clone, with an empty package in it."""
    (home / "fraud_detection_api").symlink_to(PROJECT)
    (home / "mine" / package).mkdir(parents=True)
    (home / "mine" / package / "__init__.py").touch()
    someone = Reader(home / "mine", terminal(home))
    try:
        for block in blocks_of(page):
            if not block.title.startswith("in "):
                someone.follow(block)
        yield someone
    finally:
        someone.stop()


def terminal(folder: Path) -> dict[str, str]:
    """An environment in which `fraud` and `python` are this project's, no setting is made and the port is free."""
    commands = folder / "bin"
    commands.mkdir()
    for name, runs in (("fraud", "-P -m fraud_detection_api.cli.main"), ("python", "")):
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {runs} "$@"\n')
        command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    return {**kept, "PATH": f"{commands}:{os.environ['PATH']}", "FRAUD_PORT": str(free_port()), "COLUMNS": "80"}


def masked(text: str) -> str:
    """A text without its figures and versions."""
    return re.sub(r"\d+-[0-9a-f]{8}|\d", "#", text)


def unescaped(cell: str) -> str:
    """A cell of a table: a bar in it is written with a backslash."""
    return cell.replace("\\|", "|")
