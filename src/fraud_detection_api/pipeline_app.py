"""The pipeline service: an application of its own, which queues runs and looks after the process that does them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from fraud_detection_api import __version__
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.pipeline.data_folder import DataFolder, FolderOptions
from fraud_detection_api.pipeline.run_processes import RunProcesses
from fraud_detection_api.routes import documentation
from fraud_detection_api.routes.admission import Admission, InFlightLimit, Limits
from fraud_detection_api.routes.documentation import PIPELINE, described_app
from fraud_detection_api.routes.heads import HeadAsGet
from fraud_detection_api.routes.pipeline import (
    BELOW,
    MOST_BODY_BYTES,
    RunAccess,
    asking_router,
    health,
    watching_router,
)
from fraud_detection_api.routes.refusals import add_refusals
from fraud_detection_api.routes.request_log import RequestLog
from fraud_detection_api.settings import Settings

MOST_REQUESTS, MOST_WATCHING = 32, 64
TEND_SECONDS, LAST_SECONDS = 0.2, 20.0


def create_pipeline_app(settings: Settings) -> FastAPI:
    """The pipeline service as these settings want it."""
    configure_logs(settings.log_level, settings.log_json)
    folder = DataFolder(
        FolderOptions(settings.pipeline, settings.journal, settings.journal_project, settings.store_timeout_seconds)
    )
    app = described_app(__version__, _lifespan(folder), PIPELINE)
    limits = Limits(InFlightLimit(MOST_REQUESTS), MOST_BODY_BYTES)
    app.add_middleware(Admission, {BELOW: limits}, {}, settings.deadline_seconds, MOST_REQUESTS * MOST_BODY_BYTES)
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestLog, log_all=settings.log_requests == "all")
    add_refusals(app)
    threads = ThreadPoolExecutor(4, thread_name_prefix="journal")
    access = RunAccess(folder, threads, settings.raw_orders.absolute(), InFlightLimit(MOST_WATCHING))
    for router in (asking_router(access), watching_router(access), health, documentation.router):
        app.include_router(router)
    return app


def create() -> FastAPI:
    """The pipeline service, set by the environment."""
    return create_pipeline_app(Settings())


def _lifespan(folder: DataFolder) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        processes = RunProcesses(folder)
        tending = asyncio.create_task(_tend(processes))
        yield
        tending.cancel()
        await asyncio.gather(tending, return_exceptions=True)
        await asyncio.to_thread(processes.stop, LAST_SECONDS)
        await asyncio.to_thread(folder.close)

    return lifespan


async def _tend(processes: RunProcesses) -> None:
    while True:
        await asyncio.to_thread(processes.tend)
        await asyncio.sleep(TEND_SECONDS)
