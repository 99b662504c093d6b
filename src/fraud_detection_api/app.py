"""The application: builds the services once, hangs the routes on them, keeps the models fresh."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from fraud_detection_api import __version__
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.json_values import MOST_VALUE_BYTES
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.monitoring.logs import configure_logs
from fraud_detection_api.pipeline.memory_filling import MemoryFilling
from fraud_detection_api.routes import documentation, health, model_information, models
from fraud_detection_api.routes.addresses import documented_route, every_address, query_of
from fraud_detection_api.routes.admission import Admission, InFlightLimit, Limits
from fraud_detection_api.routes.answer_log import ANSWERS, answer_log_router
from fraud_detection_api.routes.documentation import described_app
from fraud_detection_api.routes.fast_path import FastPath, Threads
from fraud_detection_api.routes.find import find_router
from fraud_detection_api.routes.heads import HeadAsGet
from fraud_detection_api.routes.refusals import add_refusals
from fraud_detection_api.routes.request_log import RequestLog
from fraud_detection_api.routes.score_store import INSERT, MOST_ROW_BYTES, SCORES, StoreAccess, store_router
from fraud_detection_api.schemas.address import Address, BodyForm
from fraud_detection_api.schemas.answer_log import AnswerLogMode
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answer_log.answer_log import AnswerLog, AnswerLogOptions, check_answer_log
from fraud_detection_api.services.answer_log.writer_launcher import WriterOptions
from fraud_detection_api.services.answers import writer_of
from fraud_detection_api.services.body_readers import reader_of
from fraud_detection_api.services.fair_queue import FairQueue
from fraud_detection_api.services.latest_records import entity_of
from fraud_detection_api.services.live_histories import LiveHistories
from fraud_detection_api.services.logged_histories import logged_records
from fraud_detection_api.services.scoring import Scoring
from fraud_detection_api.services.served_models import ServedModels
from fraud_detection_api.services.store import Store
from fraud_detection_api.settings import Settings
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.store_options import StoreOptions
from fraud_detection_api.use_cases.known import all_use_cases, named

OBJECTS_BETWEEN_WALKS = 20_000  # of the garbage collector: at Python's 700 they take a twentieth of an order's time


def create_app(settings: Settings) -> FastAPI:
    """The service as these settings want it."""
    configure_logs(settings.log_level, settings.log_json)
    use_cases = all_use_cases(settings.use_cases)
    addresses = every_address(use_cases)
    served_models = ServedModels(use_cases, Registry(settings.models))
    log_options = _answer_log(settings)
    answer_log = AnswerLog(log_options, use_cases)
    histories = _live_histories(settings)
    scoring, store = InFlightLimit(settings.max_requests_in_flight), InFlightLimit(settings.max_requests_in_flight)
    answers = _fast_paths(addresses, served_models, answer_log, histories, settings)
    posts = {
        **{
            path: Limits(scoring, _most_bytes(addresses[path][0], settings), answer) for path, answer in answers.items()
        },
        INSERT: Limits(store, min(settings.max_body_bytes, MOST_ROW_BYTES * settings.max_records)),
    }
    scores_and_answers = opened_store(settings)
    filling = _filling(histories, use_cases, scores_and_answers, settings)
    app = described_app(__version__, _lifespan(served_models, answer_log, histories, filling, settings))
    app.state.served_models = served_models
    finding = InFlightLimit(max(1, settings.max_requests_in_flight // 4))
    pages = dict.fromkeys((SCORES, ANSWERS), Limits(store, 0)) | dict.fromkeys(settings.find, Limits(finding, 0))
    most_bytes = max(settings.max_bytes_in_flight, settings.max_body_bytes)  # one body has to fit
    app.add_middleware(Admission, posts, pages, settings.deadline_seconds, most_bytes)
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestLog, log_all=settings.log_requests == "all")  # added last: around all others
    add_refusals(app)
    for address, use_case in addresses.values():
        app.include_router(documented_route(address, use_case))
    for router in (health.router, models.router, model_information.router, documentation.router):
        app.include_router(router)
    access = StoreAccess(
        store=scores_and_answers,
        threads=ThreadPoolExecutor(settings.store_pool, thread_name_prefix="storing"),
    )
    app.include_router(store_router(access, settings.max_records))
    app.include_router(answer_log_router(access, use_cases, is_readable=settings.keep_readable))
    app.include_router(find_router(histories.finding(use_cases)))
    return app


def _most_bytes(address: Address, settings: Settings) -> int:
    is_list = address.reads is BodyForm.RECORDS
    return settings.max_body_bytes if is_list else min(settings.max_body_bytes, MOST_VALUE_BYTES)


def _fast_paths(
    addresses: Mapping[str, tuple[Address, UseCase]],
    served_models: ServedModels,
    answer_log: AnswerLog,
    histories: LiveHistories,
    settings: Settings,
) -> dict[str, FastPath]:
    """What answers each scoring address."""
    threads = Threads(
        quick=ThreadPoolExecutor(os.cpu_count() or 2, thread_name_prefix="scoring"),
        patient=ThreadPoolExecutor(2, thread_name_prefix="patient"),
        queue=FairQueue(),
        in_flight=InFlightLimit(max(1, settings.max_requests_in_flight // 4)),
    )
    recalls = {use_case.name: histories.recall_of(use_case) for _, use_case in addresses.values()}
    return {
        path: FastPath(
            Scoring(
                use_case,
                served_models.by_use_case[use_case.name],
                reader_of(address.reads, use_case, settings.max_records),
                writer_of(address, use_case, threads.queue.slot),
                tuple(filter(None, [answer_log.observer(use_case.name, path)])),
                recalls[use_case.name],
            ),
            query_of(address, use_case),
            threads,
        )
        for path, (address, use_case) in addresses.items()
    }


def check_settings(settings: Settings) -> None:
    """Settings with which no worker could serve, or keep what it is to keep, are refused before any is started."""
    use_cases = all_use_cases(settings.use_cases)
    _ = _scores(settings), _live_histories(settings), [entity_of(named(each, use_cases)) for each in settings.find]
    check_answer_log(_answer_log(settings), use_cases)


def opened_store(settings: Settings) -> Store:
    """The score store and the answer log, to be read; nothing is connected yet."""
    return Store(_scores(settings), _answer_log(settings).writer.store)


def _scores(settings: Settings) -> StoreOptions:
    return StoreOptions(settings.store, settings.store_projects, settings.store_pool, settings.store_timeout_seconds)


def _live_histories(settings: Settings) -> LiveHistories:
    return LiveHistories(history_options(settings), settings.histories_secret, settings.workers, settings.find)


def history_options(settings: Settings) -> HistoryOptions:
    """Where histories live."""
    return HistoryOptions(
        url=settings.histories,
        prefix=settings.histories_prefix,
        ttl_days=settings.histories_ttl_days,
        away=settings.histories_away,
        timeout_seconds=settings.histories_timeout_seconds,
        spool=settings.spool / "histories",
        spool_max_bytes=settings.spool_max_bytes,
    )


def _filling(
    histories: LiveHistories, use_cases: Mapping[str, UseCase], store: Store, settings: Settings
) -> MemoryFilling | None:
    """What brings back the histories of a service that has them in its memory."""
    if not histories.is_in_memory:
        return None
    kept = {name for name, mode in settings.keep.items() if mode.keeps_records}
    rememberings = [histories.remembering(each) for each in use_cases.values() if each.histories]
    remembered_since = datetime.now(UTC) - timedelta(days=settings.histories_ttl_days)

    def pages(use_case: UseCase) -> Iterator[Columns]:
        return logged_records(store.answers, use_case, remembered_since) if use_case.name in kept else iter(())

    return MemoryFilling(histories.store, rememberings, settings.pipeline, pages, settings.find)


def _answer_log(settings: Settings) -> AnswerLogOptions:
    writer = WriterOptions(
        url=settings.store,
        project=settings.keep_project,
        timeout_seconds=settings.store_timeout_seconds,
        log_level=settings.log_level,
        log_json=settings.log_json,
        models=str(settings.models),
        use_cases=settings.use_cases,
        reasons=tuple(name for name, mode in settings.keep.items() if mode is AnswerLogMode.FULL_REASONS),
    )
    return AnswerLogOptions(settings.keep, settings.spool, settings.spool_max_bytes, writer)


def _lifespan(
    served_models: ServedModels,
    answer_log: AnswerLog,
    histories: LiveHistories,
    filling: MemoryFilling | None,
    settings: Settings,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        served_models.refresh()
        answer_log.start()
        await histories.store.start()
        if filling:
            await filling.start(lambda: answer_log.is_written)
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be walked again
        gc.set_threshold(OBJECTS_BETWEEN_WALKS)
        watchers = [asyncio.create_task(served_models.keep_fresh(settings.reload_seconds))]
        if filling:
            watchers.append(asyncio.create_task(filling.keep_fresh(settings.reload_seconds)))
        yield
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)  # however it ended, what is kept is brought home
        await histories.store.stop()
        await asyncio.to_thread(answer_log.stop)

    return lifespan
