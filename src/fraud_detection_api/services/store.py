"""The store as a worker uses it: SQLAlchemy is loaded on first use, since most workers never need it."""

from threading import Lock
from typing import TYPE_CHECKING

from fraud_detection_api.storage.store_options import StoreOptions

if TYPE_CHECKING:
    from fraud_detection_api.storage.score_store import ScoreStore


class Store:
    """What is opened once, by whoever asks first."""

    def __init__(self, options: StoreOptions) -> None:
        self._options = options
        self._lock = Lock()
        self._scores: ScoreStore | None = None

    @property
    def scores(self) -> "ScoreStore":
        """The tables of scores."""
        with self._lock:
            if self._scores is None:
                from fraud_detection_api.storage.score_store import ScoreStore
                from fraud_detection_api.storage.store_database import StoreDatabase

                self._scores = ScoreStore(StoreDatabase(self._options))
            return self._scores

    def close(self) -> None:
        """Let go of what is held open; it opens again on next use."""
        if self._scores is not None:
            self._scores.close()
