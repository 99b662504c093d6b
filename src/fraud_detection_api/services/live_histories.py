"""The histories of a worker: one store for all use cases that have histories, from its start to its end."""

import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.history_errors import HistoriesNotShared
from fraud_detection_api.schemas.reasons import Question
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.finding import Finding
from fraud_detection_api.services.latest_records import LatestByEntity
from fraud_detection_api.services.recalling import Recalling
from fraud_detection_api.services.scoring import Recall, Run
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import MEMORY, HistoryOptions
from fraud_detection_api.storage.secret_file import secret_in


class LiveHistories:
    """Looks up and remembers what a worker scores."""

    def __init__(self, options: HistoryOptions, secret: Path, workers: int, listed: Collection[str] = ()) -> None:
        self.store = store_of(options)
        self._listed = listed  # use cases whose latest records are kept, too
        self._secret = secret_of(options, secret)
        self._is_shared = workers == 1 or options.url != MEMORY
        self.is_in_memory = workers == 1 and options.url == MEMORY

    def recall_of(self, use_case: UseCase) -> Recall | None:
        """What an address of the use case asks before it scores; nothing where it has no histories."""
        if use_case.histories is None:
            return None
        if not self._is_shared:
            return _refuse
        remembering = self.remembering(use_case)
        latest = LatestByEntity(remembering) if use_case.name in self._listed else None
        return Recalling(remembering, self.store, latest)

    def finding(self, use_cases: Mapping[str, UseCase]) -> Finding:
        """What gives latest records back."""
        return Finding(self.store, use_cases, self._listed, is_shared=self._is_shared)

    def remembering(self, use_case: UseCase) -> Remembering:
        """The histories of a use case, with the secret of this service."""
        return Remembering(use_case, self._secret)


async def _refuse(columns: Columns, question: Question, run: Run) -> Columns:  # noqa: ARG001  # as every recall
    """Each of several workers would know a part of each history."""
    raise HistoriesNotShared


def secret_of(options: HistoryOptions, path: Path) -> bytes:
    """The secret of a file, which the pipeline hashes with, too, whichever of them makes it.

    Histories in the memory of a service that may write nowhere need none that lasts.
    """
    may_make_it = path.exists() or os.access(path.parent, os.W_OK)
    return secret_in(path) if options.url != MEMORY or may_make_it else secrets.token_bytes(32)
