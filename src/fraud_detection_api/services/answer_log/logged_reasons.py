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


class LoggedReasons:
    """Finds the reasons of what the spool holds; none where the version or the fields are no longer those."""

    def __init__(self, registry: Registry, use_cases: Mapping[str, UseCase]) -> None:
        self._registry = registry
        self._use_cases = use_cases
        self._scorers: dict[tuple[str, str], Scorer | None] = {}

    def of(self, entry: Entry) -> Sequence[str | None]:
        """Each flagged record's reasons as JSON; nothing at all for an answer whose reasons are not to be kept."""
        answer, use_case = entry.answer, self._use_cases.get(entry.answer.use_case)
        if use_case is None or answer.numbers is None or not answer.flagged.any() or entry.form != form_of(use_case):
            return ()
        scorer = self._scorer(use_case, answer.model_version)
        if scorer is None:
            return ()
        columns = derive(Columns(np.arange(answer.size), answer.numbers, dict(answer.texts)), use_case)
        try:
            texts = Reasons(use_case).texts(columns, scorer, answer.flagged, KEPT_REASONS)
        except FraudError as error:
            self._forget(use_case, answer.model_version, error)
            return ()
        return [text if flagged else None for text, flagged in zip(texts, answer.flagged.tolist(), strict=True)]

    def _scorer(self, use_case: UseCase, version: str) -> Scorer | None:
        if (use_case.name, version) not in self._scorers:
            try:
                self._scorers[use_case.name, version] = load_scorer(
                    self._registry.bundle(use_case.name, version), use_case
                )
            except FraudError as error:
                self._forget(use_case, version, error)
        return self._scorers[use_case.name, version]

    def _forget(self, use_case: UseCase, version: str, error: FraudError) -> None:
        self._scorers[use_case.name, version] = None
        logger.bind(use_case=use_case.name, version=version, error=error.message).error("No reasons can be kept")
