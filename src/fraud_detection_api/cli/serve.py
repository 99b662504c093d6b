"""fraud serve: the service, in one process or several."""

import os
import socket
from contextlib import suppress
from errno import EADDRNOTAVAIL
from typing import Annotated

import typer
import uvicorn
from loguru import logger
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from fraud_detection_api.cli.connections import Connection
from fraud_detection_api.errors import CannotListen
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [FRAUD_HOST, else 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port [FRAUD_PORT, else 8000]", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [FRAUD_WORKERS, else 1]", min=1, max=256)] = None,
) -> None:
    """Serve the champion of every use case over HTTP."""
    from fraud_detection_api.app import check_settings

    if workers is not None:
        os.environ["FRAUD_WORKERS"] = str(workers)  # each of them has to know that there are others
    settings = Settings()
    configure_logs(settings.log_level, settings.log_json)
    check_settings(settings)  # what ends a worker ends it here: workers would be replaced
    listeners = listen(host or settings.host, settings.port if port is None else port)
    url = url_of(host or settings.host, listeners[0].getsockname()[1])
    logger.info("Serving on {}, documentation on {}/docs", url, url)
    _run(settings, listeners)


def listen(host: str, port: int) -> list[socket.socket]:
    """Take the port on every address of the host, before anything is started that would have to be stopped again."""
    listeners = []
    for family, address in _addresses(host, port):
        try:
            listeners.append(socket.create_server(address, family=family))
        except OSError as error:
            if error.errno != EADDRNOTAVAIL:  # localhost may name an IPv6 address that the machine does not have
                raise CannotListen(host, port, error) from None
    if not listeners:
        raise CannotListen(host, port, OSError(EADDRNOTAVAIL, os.strerror(EADDRNOTAVAIL)))
    return listeners


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotListen(host, port, error) from None
    return [(family, (str(address[0]), port)) for family, _, _, _, address in found]


def url_of(host: str, port: int) -> str:
    """What a browser on this machine is to be given."""
    shown = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104  # only compared with
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _run(settings: Settings, listeners: list[socket.socket]) -> None:
    config = server_config("fraud_detection_api.main:create", settings.shutdown_seconds, settings.workers)
    with suppress(KeyboardInterrupt):
        raise typer.Exit(
            _served_by_workers(config, listeners) if settings.workers > 1 else served_here(config, listeners)
        )


def server_config(create: str, shutdown_seconds: int, workers: int = 1) -> uvicorn.Config:
    """How either service is served, by the import string of what makes it."""
    return uvicorn.Config(
        create,
        factory=True,
        workers=workers,
        http=Connection,
        timeout_graceful_shutdown=shutdown_seconds,
        timeout_worker_healthcheck=30,  # a worker that a busy machine starts slowly is not one that hangs
        log_config=None,  # its lines come in our form
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


def served_here(config: uvicorn.Config, listeners: list[socket.socket]) -> int:
    """Serve in this process until a signal ends it; the exit code."""
    server = uvicorn.Server(config)
    server.run(listeners)
    return 0 if server.started else 1


def _served_by_workers(config: uvicorn.Config, listeners: list[socket.socket]) -> int:
    supervisor = Multiprocess(config, listeners)
    supervisor.run()
    return 1 if any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes) else 0
