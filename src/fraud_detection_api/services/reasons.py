"""Reasons: which fields pushed a record's score, which way and how much, from the very model that gave it."""

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.validated import Slot
from fraud_detection_api.model.runtimes import Contributions
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.reasons import ReasonsFor, ReasonsQuery
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.reason_sentences import LOWERS, RAISES, wordings
from fraud_detection_api.services.sent_values import SentValues

TOGETHER = 32  # records explained in one go, about 3 ms for 300 trees of depth 6
NOTHING = 1e-6  # of log-odds: less than float32 leaves of a margin is no push in either direction
NONE = "[]"


class Reasons:
    """The reasons of one use case's scores."""

    def __init__(self, use_case: UseCase, slot: Slot = nullcontext) -> None:
        self._fields = use_case.features
        self._wordings = wordings(use_case.features, use_case.score.pushed)
        self._values = SentValues(use_case.features)
        self._slot = slot

    def texts(self, columns: Columns, scorer: Scorer, flagged: NDArray[np.bool_], query: ReasonsQuery) -> list[str]:
        """Each record's reasons as JSON; none for a record that was not asked about."""
        texts = [NONE] * len(columns)
        rows = np.flatnonzero(flagged | (query.of is ReasonsFor.ALL))
        for start in range(0, len(rows), TOGETHER):
            some = rows[start : start + TOGETHER]
            with self._slot():
                for row, reasons in zip(
                    some.tolist(), self._reasons(columns.take(some), scorer, query.most), strict=True
                ):
                    texts[row] = orjson.dumps(reasons).decode()
        return texts

    def _reasons(self, columns: Columns, scorer: Scorer, most: int) -> Iterator[list[dict[str, Scalar]]]:
        positions, weights = strongest(scorer.contributions(columns), most)
        values = self._values.rows(columns)
        for row, (at, pushed) in enumerate(zip(positions.tolist(), weights.tolist(), strict=True)):
            yield [
                self._reason(position, values[row], weight)
                for position, weight in zip(at, pushed, strict=True)
                if weight
            ]

    def _reason(self, position: int, values: list[Scalar], weight: float) -> dict[str, Scalar]:
        direction = RAISES if weight > 0 else LOWERS
        return {
            "field": self._fields[position].name,
            "value": values[position],
            "direction": direction,
            "weight": float(f"{weight:.6g}"),
            "sentence": self._wordings[position].sentence(values, direction),
        }


def strongest(contributions: Contributions, most: int) -> tuple[NDArray[np.intp], Contributions]:
    """The features that push each record most and by how much, the earlier field first among equals; 0 is no push."""
    weights = contributions[:, :-1]
    with np.errstate(invalid="ignore"):
        weights = np.where(np.isfinite(weights) & (np.abs(weights) >= NOTHING), weights, 0.0)
    positions = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :most]
    return positions, np.take_along_axis(weights, positions, axis=1)
