"""The application: builds the services once, hangs the routes on them, keeps the models fresh."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI

from fraud_detection_api import __version__
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.routes import health, models
from fraud_detection_api.routes.fraud_detection import FRAUD_DETECTION, fraud_detection_router
from fraud_detection_api.routes.refusals import add_refusals
from fraud_detection_api.routes.request_log import RequestLog
from fraud_detection_api.routes.score import score_path, score_router
from fraud_detection_api.routes.scoring_lane import Limits, ScoringLane
from fraud_detection_api.schemas.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import full_answer, short_answer
from fraud_detection_api.services.pace import Pace
from fraud_detection_api.services.reasons import Reasons
from fraud_detection_api.services.scoring import Scoring
from fraud_detection_api.services.served_models import ServedModels
from fraud_detection_api.settings import Settings
from fraud_detection_api.use_cases import all_use_cases


def create_app(settings: Settings) -> FastAPI:
    """The service as these settings want it."""
    configure_logs(settings.log_level, settings.log_json)
    use_cases = all_use_cases(settings.use_cases)
    served_models = ServedModels(use_cases, Registry(settings.models))
    pace = Pace()
    scorings = _scorings(use_cases, served_models, settings.max_records, pace)
    app = FastAPI(title="fraud_detection_api", version=__version__, lifespan=_lifespan(served_models, settings))
    app.state.served_models = served_models
    app.add_middleware(ScoringLane, scorings=scorings, limits=_limits(settings, pace))
    app.add_middleware(RequestLog, log_all=settings.log_requests == "all")  # added last: around all others
    add_refusals(app)
    for path, scoring in scorings.items():
        app.include_router(fraud_detection_router(scoring) if path == FRAUD_DETECTION else score_router(scoring))
    app.include_router(health.router)
    app.include_router(models.router)
    return app


def _scorings(
    use_cases: Mapping[str, UseCase], served_models: ServedModels, most: int, pace: Pace
) -> dict[str, Scoring]:
    served = served_models.by_use_case
    credit = Scoring(CREDIT_ACCOUNTS, served[CREDIT_ACCOUNTS.name], short_answer, most)
    generic = {
        score_path(name): Scoring(use_case, served[name], full_answer, most, Reasons(use_case, pace))
        for name, use_case in use_cases.items()
    }
    return {FRAUD_DETECTION: credit, **generic}


def _limits(settings: Settings, pace: Pace) -> Limits:
    return Limits(
        max_body_bytes=settings.max_body_bytes,
        max_in_flight=settings.max_requests_in_flight,
        deadline_seconds=settings.deadline_seconds,
        threads=ThreadPoolExecutor(os.cpu_count() or 2, thread_name_prefix="scoring"),
        declined=ThreadPoolExecutor(1, thread_name_prefix="declined"),
        explaining=ThreadPoolExecutor(2, thread_name_prefix="explaining"),
        pace=pace,
    )


def _lifespan(
    served_models: ServedModels, settings: Settings
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        served_models.refresh()
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be walked again
        watcher = asyncio.create_task(served_models.keep_fresh(settings.reload_seconds))
        yield
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher

    return lifespan
