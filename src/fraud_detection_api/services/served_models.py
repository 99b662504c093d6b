"""Which models are served now: one scorer a use case, replaced whole when another version becomes champion."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from loguru import logger

from fraud_detection_api.errors import BundleRefused, ModelMissing
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import Scorer, load_scorer
from fraud_detection_api.schemas.use_case import UseCase

_FOLDERS = re.compile(r"(?<![\w.])(?:/[^\s/:'\"]+)*/(?=[^\s/])")
_LONGEST_REASON = 300


@dataclass
class ServedModel:
    """The champion of one use case, as far as it could be loaded."""

    use_case: UseCase
    registry: Registry
    scorer: Scorer | None = None
    problem: str | None = None
    refused_bundles: int = 0
    awaits_first: bool = False  # nobody has made a model champion yet
    _refused: tuple[str, int] | None = None  # the version and when its files were last changed

    def current(self) -> Scorer:
        """The scorer to take once a request."""
        if self.scorer is None:
            raise ModelMissing(self.use_case.name, self.problem or "it has not been loaded yet")
        return self.scorer

    def refresh(self) -> None:
        """Load the champion if it is another one than before; what is refused leaves the old one in place."""
        try:
            champion = self.registry.aliases(self.use_case.name).champion
            self.awaits_first = champion is None
            if champion is None:
                self.problem = f"no model yet; train one with `fraud train {self.use_case.name}`"
            elif self.scorer is None or champion != self.scorer.version:
                self._load_unless_refused(champion)
            else:
                self.problem = self._refused = None
        except (BundleRefused, OSError) as error:
            self._note(error)

    def _load_unless_refused(self, champion: str) -> None:
        # a refused bundle is looked at again only once somebody has fixed its files
        stamp = (champion, self.registry.changed_at(self.use_case.name, champion))
        if stamp != self._refused:
            self._load(champion)
            self._refused = stamp if self.problem else None

    def _load(self, champion: str) -> None:
        try:
            self.scorer = load_scorer(self.registry.bundle(self.use_case.name, champion), self.use_case)
        except OSError:
            raise  # the disk may work again a moment later
        except Exception as error:  # noqa: BLE001  # whatever a stranger's bundle breaks, the old one goes on serving
            self.refused_bundles += 1
            self._note(error)
            return
        self.problem = None
        runtime = type(self.scorer.runtime).__name__
        logger.bind(use_case=self.use_case.name, version=champion, runtime=runtime).info("Model loaded")

    def _note(self, error: Exception) -> None:
        """Keep the short reason for whoever asks, and log the whole of it, once."""
        problem, whole = short_reason(error), str(error)
        if problem != self.problem:
            scoring = self.scorer.version if self.scorer else None
            log = logger.bind(use_case=self.use_case.name, still_scoring=scoring)
            (log if whole == problem else log.bind(error=whole)).error("{}", problem)
        self.problem = problem


def short_reason(error: Exception) -> str:
    """Why a model is not served, as anybody may read it: no library's stack trace and no path of this machine."""
    if isinstance(error, BundleRefused):
        line = _FOLDERS.sub("", error.message.partition("\n")[0])
        return line if len(line) <= _LONGEST_REASON else line[:_LONGEST_REASON] + "..."
    if isinstance(error, OSError):
        return "The registry cannot be read at the moment; the service's log says why"
    return "The bundle cannot be loaded; the service's log says why"


class ServedModels:
    """The served model of every use case."""

    def __init__(self, use_cases: Mapping[str, UseCase], registry: Registry) -> None:
        self.by_use_case = {name: ServedModel(use_case, registry) for name, use_case in use_cases.items()}
        self._without_model: set[str] = set()

    def refresh(self) -> None:
        """Look at every use case's champion once."""
        for served in self.by_use_case.values():
            served.refresh()
        without = {name for name, served in self.by_use_case.items() if served.awaits_first}
        if without - self._without_model:
            names = ", ".join(name for name in self.by_use_case if name in without)
            logger.info("No model yet for {}: train one with `fraud train <use case>`", names)
        self._without_model = without

    async def keep_fresh(self, seconds: float) -> None:
        """Look again and again; loading happens in a thread, and the event loop goes on."""
        trouble = ""
        while True:
            await asyncio.sleep(seconds)
            told, trouble = trouble, ""
            try:
                await asyncio.to_thread(self.refresh)
            except Exception as error:  # noqa: BLE001  # whatever it is, the next look may find what this one did not
                trouble = type(error).__name__
                if trouble != told:
                    logger.bind(error=trouble).error("The registry could not be looked at")

    @property
    def ready(self) -> bool:
        """Whether any model can be served."""
        return any(served.scorer for served in self.by_use_case.values())
