"""fraud serve: the service, in one process or several."""

from typing import Annotated

import typer
import uvicorn

from fraud_detection_api.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [FRAUD_HOST, else 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port [FRAUD_PORT, else 8000]", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes [FRAUD_WORKERS, else 1]", min=1, max=256)] = None,
) -> None:
    """Serve the champion of every use case over HTTP."""
    from fraud_detection_api.app import refuse_unusable

    settings = Settings()
    refuse_unusable(settings)  # what ends a worker ends it here: workers would be replaced
    uvicorn.run(
        "fraud_detection_api.main:create",
        factory=True,
        host=host or settings.host,
        port=settings.port if port is None else port,
        workers=workers or settings.workers,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
