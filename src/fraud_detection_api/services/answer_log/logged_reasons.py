"""Reasons for the answer log: of flagged records, by the very version that scored them, after the answer was given."""

from collections.abc import Mapping, Sequence

import numpy as np
from loguru import logger

from fraud_detection_api.errors import FraudError
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import Scorer, load_scorer
from fraud_detection_api.schemas.reasons import ReasonsQuery
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.reasons import Reasons
from fraud_detection_api.storage.answer_log.entry import form_of
from fraud_detection_api.storage.answer_log.writing import Entry

KEPT_REASONS = ReasonsQuery(4)  # of each record: as many as a notice of refusal has to name
LEAST_SCORERS, SCORERS_EACH = 8, 2  # held at once: of all use cases together, and of each where there are many


class LoggedReasons:
    """Finds the reasons of what the spool holds; none where the version or the fields are no longer those."""

    def __init__(self, registry: Registry, use_cases: Mapping[str, UseCase]) -> None:
        self._registry = registry
        self._use_cases = use_cases
        self._reasons = {name: Reasons(use_case) for name, use_case in use_cases.items()}
        self._scorers: dict[tuple[str, str], Scorer | None] = {}  # those loaded first go first

    def of(self, entry: Entry) -> Sequence[str | None]:
        """Each flagged record's reasons as JSON; nothing at all for an answer whose reasons are not to be kept."""
        answer, use_case = entry.answer, self._use_cases.get(entry.answer.use_case)
        if use_case is None or answer.numbers is None or not answer.flagged.any() or entry.form != form_of(use_case):
            return ()
        key = use_case.name, answer.model_version
        try:
            scorer = self._scorer(key, use_case)
            if scorer is None:
                return ()
            given = Columns(np.arange(answer.size), answer.numbers, dict(answer.texts), remembered=answer.remembered)
            columns = derive(given, use_case)
            texts = self._reasons[use_case.name].texts(columns, scorer, answer.flagged, KEPT_REASONS)
        except OSError:
            raise  # the disk may work again a moment later
        except Exception as error:  # noqa: BLE001  # whatever a model breaks, the answers themselves are to be kept
            self._forget(key, error)
            return ()
        return [text if flagged else None for text, flagged in zip(texts, answer.flagged.tolist(), strict=True)]

    def _scorer(self, key: tuple[str, str], use_case: UseCase) -> Scorer | None:
        if key not in self._scorers:
            self._remember(key, load_scorer(self._registry.bundle(*key), use_case))
        return self._scorers[key]

    def _remember(self, key: tuple[str, str], scorer: Scorer | None) -> None:
        self._scorers[key] = scorer
        if len(self._scorers) > max(LEAST_SCORERS, SCORERS_EACH * len(self._use_cases)):
            del self._scorers[next(iter(self._scorers))]

    def _forget(self, key: tuple[str, str], error: Exception) -> None:
        self._remember(key, None)
        # no words but our own: a stranger's may quote a record
        why = error.message if isinstance(error, FraudError) else type(error).__name__
        logger.bind(use_case=key[0], version=key[1], error=why).error("No reasons can be kept")
