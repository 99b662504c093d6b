"""A Dask scheduler and its workers, as processes that tests may kill; with certificates where they are wanted."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.running_service import free_port

DASK = (sys.executable, "-m", "dask")
QUIET = ("--no-dashboard",)


@dataclass
class DaskCluster:
    """A scheduler at an address, and two workers."""

    folder: Path
    environment: Mapping[str, str]
    certificates: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return f"{'tls' if self.certificates else 'tcp'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start all of them."""
        protocol = ("--protocol", "tls", *self.certificates) if self.certificates else ()
        self._begin("scheduler", "--host", "127.0.0.1", "--port", str(self.port), *protocol, *QUIET)
        for _ in range(2):
            self._begin("worker", self.address, "--nthreads", "1", "--no-nanny", *self.certificates, *QUIET)

    def kill(self) -> None:
        """End all of them on the spot."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()

    def _begin(self, *arguments: str) -> None:
        with (self.folder / "dask.log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [*DASK, *arguments], cwd=self.folder, env=dict(self.environment), stdout=log, stderr=log
                )
            )


@contextmanager
def dask_cluster(
    folder: Path, environment: Mapping[str, str], certificates: tuple[str, ...] = ()
) -> Iterator[DaskCluster]:
    """A cluster that is up, and gone afterwards."""
    cluster = DaskCluster(folder, environment, certificates)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.kill()


def certificate_of(folder: Path) -> dict[str, str]:
    """A key and a certificate that is its own authority, as FRAUD_DASK_TLS_* name them."""
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", certificate]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return {"dask_tls_ca": certificate, "dask_tls_cert": certificate, "dask_tls_key": key}
