"""Servers of Redis of a test's own, that it may stop, silence and start again."""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import hiredis

from tests.running_service import eventually, free_port
from tests.storage.test_databases import skip_or_fail

Reply = bytes | int | list[bytes] | hiredis.ReplyError | None


class PrivateRedis:
    """A server on a port and in a folder of its own, without a file of its data."""

    def __init__(self, folder: Path, *settings: str, url: str = "redis://127.0.0.1:{port}") -> None:
        self.folder = folder
        self.port = free_port()
        self.settings = settings
        self._url = url
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return self._url.format(port=self.port)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        place = ["--port", str(self.port)] if "--tls-port" not in self.settings else ["--port", "0"]
        places = [each.format(port=self.port) for each in (*place, "--dir", str(self.folder), "--save", "")]
        command = ["redis-server", *places, *(each.format(port=self.port) for each in self.settings)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self._listens)

    def stop(self) -> None:
        """End it without a warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It keeps every connection open and says nothing, as long as this lasts."""
        assert self._process is not None
        process = self._process
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)  # one that was killed meanwhile does not mind

    def ask(self, *words: str | bytes | int) -> Reply:
        """Its reply to a command, from a connection of the command's own."""
        reader = hiredis.Reader()
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall(hiredis.pack_command(words))  # type: ignore[arg-type]  # its stub knows one word only
            while (reply := reader.gets()) is False:
                received = connection.recv(1 << 16)
                assert received, "it hung up"
                reader.feed(received)
        found: Reply = reply
        return found

    def packed(self) -> dict[bytes, bytes]:
        """Every key and its value."""
        keys = self.ask("KEYS", "*")
        assert isinstance(keys, list)
        return {key: value for key in keys if isinstance(value := self.ask("GET", key), bytes)}

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@contextmanager
def private_redis(*settings: str, url: str = "redis://127.0.0.1:{port}") -> Iterator[PrivateRedis]:
    """A running server; skipped where its program is not installed."""
    if not shutil.which("redis-server"):
        skip_or_fail("Redis is not installed here: apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = PrivateRedis(Path(folder), *settings, url=url)
        server.start()
        try:
            yield server
        finally:
            server.stop()
