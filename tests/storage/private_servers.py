"""Database servers of a test's own, that it may stop and start again."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import sqlalchemy as sa

from tests.running_service import eventually, free_port
from tests.storage.test_databases import skip_or_fail

POSTGRES_BINARIES = Path("/usr/lib/postgresql")
SMALL_MARIADB = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M", "--skip-log-bin", "--skip-name-resolve")


class PrivateServer(ABC):
    """A server on a port and in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is reached."""

    @abstractmethod
    def _command(self) -> list[str | Path]: ...

    @property
    def _user(self) -> str | None:
        return None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, user=self._user)
        eventually(self._answers)

    def stop(self) -> None:
        """End it as its administrator would, without waiting for clients."""
        if self._process:
            self._process.send_signal(signal.SIGINT if "postgresql" in self.url else signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It keeps every connection open and says nothing, as long as this lasts."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        stopped = [server, *server.children(recursive=True)]
        for process in stopped:
            process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                process.resume()

    def _answers(self) -> bool:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        try:
            with engine.connect():
                return True
        except sa.exc.OperationalError:
            return False


class PrivateMariaDB(PrivateServer):
    """MariaDB; it runs as whoever runs the tests."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db", *self._as_user]
        subprocess.run(
            [*install, "--auth-root-authentication-method=normal", *SMALL_MARIADB], check=True, capture_output=True
        )

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/"

    @property
    def _as_user(self) -> list[str]:
        return [f"--user={pwd.getpwuid(os.getuid()).pw_name}"]

    def _command(self) -> list[str | Path]:
        places = [f"--datadir={self.folder}/data", f"--socket={self.folder}/socket", f"--port={self.port}"]
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        return [program, "--no-defaults", *self._as_user, *places, "--bind-address=127.0.0.1", *SMALL_MARIADB]


class PrivatePostgres(PrivateServer):
    """PostgreSQL, which refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._binaries = max(POSTGRES_BINARIES.glob("*/bin"))
        if self._user:
            shutil.chown(folder, self._user)
        options = ["--username=postgres", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8"]
        command: list[str | Path] = [self._binaries / "initdb", f"--pgdata={folder}/data", *options]
        subprocess.run(command, check=True, capture_output=True, user=self._user)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def _user(self) -> str | None:
        return "postgres" if os.getuid() == 0 else None

    def _command(self) -> list[str | Path]:
        places = ["-D", f"{self.folder}/data", "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        return [self._binaries / "postgres", *places]


@contextmanager
def private_server(kind: str) -> Iterator[PrivateServer]:
    """A running server of this kind; skipped where its programs are not installed."""
    if kind == "mysql" and not shutil.which("mariadb-install-db"):
        skip_or_fail("MariaDB's programs are not installed here: apt-get install mariadb-server")
    if kind == "postgres" and not list(POSTGRES_BINARIES.glob("*/bin/initdb")):
        skip_or_fail("PostgreSQL's programs are not installed here: apt-get install postgresql")
    # not in pytest's folder, which nobody but its owner may enter
    with tempfile.TemporaryDirectory(prefix=f"{kind}-", ignore_cleanup_errors=True) as folder:
        server = PrivateMariaDB(Path(folder)) if kind == "mysql" else PrivatePostgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
