"""Histories in a service's memory: brought back at its start, and filled again whenever a run has loaded new ones."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from loguru import logger

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.history_errors import HistoriesForeign
from fraud_detection_api.pipeline.filling import fill_from_log
from fraud_detection_api.pipeline.loaded import LoadedHistories, loaded_histories
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.histories.store import HistoryStore

SPOOL_SECONDS, POLL_SECONDS = 10.0, 0.1  # for what a service before this one has answered to come into the log

Pages = Callable[[UseCase], Iterator[Columns]]


class MemoryFilling:
    """Fills the memory of one process from the pipeline's files and the answer log."""

    def __init__(
        self,
        store: HistoryStore,
        rememberings: Sequence[Remembering],
        folder: Path,
        pages: Pages,
        listed: Collection[str] = (),
    ) -> None:
        self._store = store
        self._rememberings = rememberings
        self._folder = folder
        self._pages = pages  # of the answer log
        self._listed = listed  # use cases whose latest records are kept, too
        self._loaded: dict[str, LoadedHistories] = {}

    async def start(self, is_written: Callable[[], bool]) -> None:
        """Bring back what can be known; what the log lacks is lost, and said so by cold starts."""
        await self._look()
        for _ in range(round(SPOOL_SECONDS / POLL_SECONDS)):
            if is_written():
                break
            await asyncio.sleep(POLL_SECONDS)
        for each in self._rememberings:
            count = await fill_from_log(
                self._store, each, self._pages(each.use_case), is_listed=each.use_case.name in self._listed
            )
            if count:
                logger.bind(use_case=each.use_case.name, records=count).info("Histories restored from the answer log")

    async def keep_fresh(self, seconds: float) -> None:
        """Look again and again whether a run has loaded histories."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001  # the next look may find what this one did not
                logger.bind(error=type(error).__name__).error("The pipeline's histories could not be read")
                await asyncio.sleep(POLL_SECONDS)

    async def _look(self) -> None:
        for each in self._rememberings:
            name, loaded = each.use_case.name, loaded_histories(self._folder, each.use_case)
            if loaded is None or loaded == self._loaded.get(name):
                continue
            from fraud_detection_api.pipeline.restoring import fill_from_files  # only now: it loads Arrow

            try:
                keys = await fill_from_files(self._store, each, loaded, is_listed=name in self._listed)
            except HistoriesForeign as error:  # nobody is known, which every answer says
                logger.error(error.message)
                self._loaded[name] = loaded
                continue
            self._loaded[name] = loaded
            logger.bind(use_case=name, **keys).info("Histories filled from the pipeline's files")
