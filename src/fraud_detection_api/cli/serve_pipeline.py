"""fraud pipeline serve: the pipeline service, in one process, and its runs in another."""

from contextlib import suppress

import typer
from loguru import logger

from fraud_detection_api.cli.serve import listen, served_here, server_config, url_of
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.settings import Settings

SHUTDOWN_SECONDS = 2  # for requests; those that watch a run would wait for its end


def serve_pipeline(host: str | None, port: int | None) -> None:
    """Take the port, then serve."""
    settings = Settings()
    configure_logs(settings.log_level, settings.log_json)
    listeners = listen(host or settings.host, settings.pipeline_port if port is None else port)
    url = url_of(host or settings.host, listeners[0].getsockname()[1])
    logger.info("The pipeline is served on {}, documentation on {}/docs", url, url)
    config = server_config("fraud_detection_api.pipeline_app:create", SHUTDOWN_SECONDS)
    with suppress(KeyboardInterrupt):
        raise typer.Exit(served_here(config, listeners))
