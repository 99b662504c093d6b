"""The store as a worker uses it: SQLAlchemy is loaded on first use, since most workers never need it."""

from threading import Lock
from typing import TYPE_CHECKING

from fraud_detection_api.storage.store_options import StoreOptions

if TYPE_CHECKING:
    from fraud_detection_api.storage.answer_log.reading import AnswerReader
    from fraud_detection_api.storage.score_store import ScoreStore


class Store:
    """What is opened once, by whoever asks first; nothing is connected before it is used."""

    def __init__(self, scores: StoreOptions, answers: StoreOptions) -> None:
        self._options = scores, answers
        self._lock = Lock()
        self._opened: tuple[ScoreStore, AnswerReader] | None = None

    @property
    def scores(self) -> "ScoreStore":
        """The tables of scores."""
        return self._open()[0]

    @property
    def answers(self) -> "AnswerReader":
        """The answer log, to be read."""
        return self._open()[1]

    def _open(self) -> "tuple[ScoreStore, AnswerReader]":
        with self._lock:
            if self._opened is None:
                from fraud_detection_api.storage.answer_log.reading import AnswerReader
                from fraud_detection_api.storage.score_store import ScoreStore
                from fraud_detection_api.storage.store_database import StoreDatabase

                scores, answers = map(StoreDatabase, self._options)
                self._opened = ScoreStore(scores), AnswerReader(answers, self._options[1].projects[0])
            return self._opened

    def close(self) -> None:
        """Let go of what is held open; it opens again on next use."""
        for each in self._opened or ():
            each.close()
