"""The application: builds the services once, hangs the routes on them, keeps the models fresh."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI

from fraud_detection_api import __version__
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.routes import anomalies, documentation, health, models
from fraud_detection_api.routes.anomalies import prediction_path, prediction_router
from fraud_detection_api.routes.documentation import described_app
from fraud_detection_api.routes.fraud_detection import FRAUD_DETECTION, fraud_detection_router
from fraud_detection_api.routes.heads import HeadAsGet
from fraud_detection_api.routes.insert import StoreDoor, store_router
from fraud_detection_api.routes.predict import PREDICT, predict_router
from fraud_detection_api.routes.predict_fraud import PREDICT_FRAUD, predict_fraud_router
from fraud_detection_api.routes.refusals import add_refusals
from fraud_detection_api.routes.request_log import RequestLog
from fraud_detection_api.routes.score import score_path, score_router
from fraud_detection_api.routes.scoring_lane import Limits, ScoringLane
from fraud_detection_api.schemas.card_transactions import CARD_TRANSACTIONS
from fraud_detection_api.schemas.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.schemas.purchases import PURCHASES
from fraud_detection_api.schemas.score_kinds import ANOMALY
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answer_log import answer_log as answer_logs
from fraud_detection_api.services.answer_log.answer_log import AnswerLog, AnswerLogOptions
from fraud_detection_api.services.answer_log.writer_process import WriterOptions
from fraud_detection_api.services.answers import full_answer, short_answer
from fraud_detection_api.services.pace import Pace
from fraud_detection_api.services.reasons import Reasons
from fraud_detection_api.services.scoring import Scoring, SingleScoring, VectorScoring
from fraud_detection_api.services.served_models import ServedModels
from fraud_detection_api.services.single_answers import customer_answer, fraud_answer
from fraud_detection_api.services.store import Store
from fraud_detection_api.settings import Settings
from fraud_detection_api.storage.store_options import StoreOptions
from fraud_detection_api.use_cases import all_use_cases


def create_app(settings: Settings) -> FastAPI:
    """The service as these settings want it."""
    configure_logs(settings.log_level, settings.log_json)
    use_cases = all_use_cases(settings.use_cases)
    served_models = ServedModels(use_cases, Registry(settings.models))
    pace = Pace()
    scorings = _scorings(use_cases, served_models, settings.max_records, pace)
    answer_log = AnswerLog(_answer_log(settings), use_cases)
    for path, scoring in scorings.items():
        scoring.keep = answer_log.observer(scoring.use_case.name, path)
    lifespan = _lifespan(served_models, answer_log, settings)
    app = described_app(__version__, lifespan)
    app.state.served_models = served_models
    app.add_middleware(ScoringLane, scorings=scorings, limits=_limits(settings, pace))
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestLog, log_all=settings.log_requests == "all")  # added last: around all others
    add_refusals(app)
    for path, scoring in scorings.items():
        app.include_router(_router(path, scoring))
    app.include_router(health.router)
    app.include_router(models.router)
    app.include_router(anomalies.router)
    app.include_router(documentation.router)
    app.include_router(store_router(_store_door(settings)))
    return app


def _scorings(
    use_cases: Mapping[str, UseCase], served_models: ServedModels, most: int, pace: Pace
) -> dict[str, Scoring]:
    """Every address that scores: the use cases' own, the list of each use case, vectors where nothing is labelled."""
    served = served_models.by_use_case
    return {
        FRAUD_DETECTION: Scoring(CREDIT_ACCOUNTS, served[CREDIT_ACCOUNTS.name], short_answer, most),
        PREDICT_FRAUD: SingleScoring(CARD_TRANSACTIONS, served[CARD_TRANSACTIONS.name], fraud_answer),
        PREDICT: SingleScoring(PURCHASES, served[PURCHASES.name], customer_answer),
        **{
            prediction_path(use_case): VectorScoring(use_case, served[name])
            for name, use_case in use_cases.items()
            if use_case.score is ANOMALY
        },
        **{
            score_path(name): Scoring(use_case, served[name], full_answer, most, Reasons(use_case, pace))
            for name, use_case in use_cases.items()
        },
    }


def _router(path: str, scoring: Scoring) -> APIRouter:
    if isinstance(scoring, VectorScoring):
        return prediction_router(scoring)
    if isinstance(scoring, SingleScoring):
        return predict_fraud_router(scoring) if path == PREDICT_FRAUD else predict_router(scoring)
    return fraud_detection_router(scoring) if path == FRAUD_DETECTION else score_router(scoring)


def _store_door(settings: Settings) -> StoreDoor:
    return StoreDoor(
        store=Store(_database(settings)),
        max_rows=settings.max_records,
        threads=ThreadPoolExecutor(settings.store_pool, thread_name_prefix="storing"),
        max_body_bytes=settings.max_body_bytes,
        max_in_flight=settings.max_requests_in_flight,
        deadline_seconds=settings.deadline_seconds,
    )


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


def refuse_unusable(settings: Settings) -> None:
    """Settings with which no worker could serve, or keep what it is to keep, are refused before any is started."""
    _ = _database(settings)
    answer_logs.refuse_unusable(_answer_log(settings), all_use_cases(settings.use_cases))


def _database(settings: Settings) -> StoreOptions:
    return StoreOptions(settings.store, settings.store_projects, settings.store_pool, settings.store_timeout_seconds)


def _answer_log(settings: Settings) -> AnswerLogOptions:
    writer = WriterOptions(
        url=settings.store,
        project=settings.keep_project,
        timeout_seconds=settings.store_timeout_seconds,
        log_level=settings.log_level,
        log_json=settings.log_json,
    )
    return AnswerLogOptions(settings.keep, settings.spool, settings.spool_max_bytes, writer)


def _lifespan(
    served_models: ServedModels, answer_log: AnswerLog, settings: Settings
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        served_models.refresh()
        answer_log.start()
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be walked again
        watcher = asyncio.create_task(served_models.keep_fresh(settings.reload_seconds))
        yield
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
        await asyncio.to_thread(answer_log.stop)

    return lifespan
