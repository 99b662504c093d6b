"""Which models are served now: one scorer a use case, replaced whole when another version becomes champion."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from loguru import logger

from fraud_detection_api.errors import BundleRefused, ModelMissing
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import Scorer, load_scorer
from fraud_detection_api.schemas.use_case import UseCase


@dataclass
class ServedModel:
    """The champion of one use case, as far as it could be loaded."""

    use_case: UseCase
    registry: Registry
    scorer: Scorer | None = None
    problem: str | None = None
    refused_bundles: int = 0
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
            if champion is None:
                self._tell(f"train one with `fraud train {self.use_case.name}`", "INFO")
            elif self.scorer is None or champion != self.scorer.version:
                self._load_unless_refused(champion)
            else:
                self.problem = self._refused = None
        except (BundleRefused, OSError) as error:
            self._tell(str(error))

    def _load_unless_refused(self, champion: str) -> None:
        # a refused bundle is looked at again only once somebody has mended its files
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
            self._tell(str(error))
            return
        self.problem = None
        runtime = type(self.scorer.runtime).__name__
        logger.bind(use_case=self.use_case.name, version=champion, runtime=runtime).info("Model loaded")

    def _tell(self, problem: str, level: str = "ERROR") -> None:
        if problem != self.problem:
            scoring = self.scorer.version if self.scorer else None
            log = logger.bind(use_case=self.use_case.name, still_scoring=scoring)
            log.log(level, "No new champion: {}", problem)
        self.problem = problem


class ServedModels:
    """The served model of every use case."""

    def __init__(self, use_cases: Mapping[str, UseCase], registry: Registry) -> None:
        self.by_use_case = {name: ServedModel(use_case, registry) for name, use_case in use_cases.items()}

    def refresh(self) -> None:
        """Look at every use case's champion once."""
        for served in self.by_use_case.values():
            served.refresh()

    async def keep_fresh(self, seconds: float) -> None:
        """Look again and again; loading happens in a thread, and the event loop goes on."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.refresh)

    @property
    def ready(self) -> bool:
        """Whether any model can be served."""
        return any(served.scorer for served in self.by_use_case.values())
