"""The store as a worker uses it: SQLAlchemy is loaded on first use, since most workers never need it."""

from threading import Lock
from typing import TYPE_CHECKING

from fraud_detection_api.storage.store_options import StoreOptions

if TYPE_CHECKING:
    from fraud_detection_api.storage.answer_log.reading import AnswerReader
    from fraud_detection_api.storage.score_store import ScoreStore


class Store:
    """What is opened once, by whoever asks first."""

    def __init__(self, scores: StoreOptions, answers: StoreOptions) -> None:
        self._options = scores, answers
        self._lock = Lock()
        self._scores: ScoreStore | None = None
        self._answers: AnswerReader | None = None

    @property
    def scores(self) -> "ScoreStore":
        """The tables of scores."""
        with self._lock:
            if self._scores is None:
                from fraud_detection_api.storage.score_store import ScoreStore
                from fraud_detection_api.storage.store_database import StoreDatabase

                self._scores = ScoreStore(StoreDatabase(self._options[0]))
            return self._scores

    @property
    def answers(self) -> "AnswerReader":
        """The answer log, to be read."""
        with self._lock:
            if self._answers is None:
                from fraud_detection_api.storage.answer_log.reading import AnswerReader
                from fraud_detection_api.storage.store_database import StoreDatabase

                options = self._options[1]
                self._answers = AnswerReader(StoreDatabase(options), options.projects[0])
            return self._answers

    def close(self) -> None:
        """Let go of what is held open; it opens again on next use."""
        for opened in (self._scores, self._answers):
            if opened is not None:
                opened.close()
