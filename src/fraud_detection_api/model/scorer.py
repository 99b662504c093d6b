"""The scorer: a loaded bundle; columns in, scores out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import ReasonsUnavailable
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import Matrix, MatrixMaker
from fraud_detection_api.model.bundle import Bundle, refuse_other_features
from fraud_detection_api.model.calibration import calibrated, percentiles
from fraud_detection_api.model.kinds.kind import ModelKind
from fraud_detection_api.model.kinds.known import proven_runtime
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.runtimes import (
    AnomalyRuntime,
    AnomalyScores,
    Contributions,
    Probabilities,
    Runtime,
)
from fraud_detection_api.schemas.answers import Warned
from fraud_detection_api.schemas.record import formatted
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind
from fraud_detection_api.schemas.use_case import UseCase

UNKNOWN_TEXT = {
    False: "never seen in training, scored as missing",
    True: "rare or never seen in training, scored as all such texts are",
}


NO_ANOMALY_SCORES: AnomalyScores = np.empty(0)  # where scores are probabilities, nothing lies behind them


@dataclass(frozen=True)
class Scores:
    """What a model says of some records: fraud probabilities, or anomaly percentiles and the scores behind them."""

    values: Probabilities
    flagged: NDArray[np.bool_]
    kind: ScoreKind = FRAUD
    anomaly_scores: AnomalyScores = field(default_factory=lambda: NO_ANOMALY_SCORES)

    @property
    def by_field(self) -> dict[str, NDArray[np.floating]]:
        """What answers and files hold of them."""
        return dict(zip(self.kind.fields, (self.values, self.anomaly_scores), strict=False))

    def part(self, start: int, stop: int) -> "Scores":
        """The scores of some neighbouring records."""
        rows = slice(start, stop)
        return Scores(self.values[rows], self.flagged[rows], self.kind, self.anomaly_scores[rows])


class Scorer:
    """A proven model with its version: what one request takes and keeps to the end."""

    def __init__(self, version: str, manifest: Manifest, kind: ModelKind, runtime: Runtime | AnomalyRuntime) -> None:
        self.version = version
        self.manifest = manifest
        self.kind = kind
        self.runtime = runtime
        self._rate = partial(_RATED[manifest.score], manifest, runtime)
        self._maker = MatrixMaker([feature.name for feature in manifest.features], manifest.categories)
        self._low = np.array([[-np.inf if f.low is None else f.low] for f in manifest.features])
        self._high = np.array([[np.inf if f.high is None else f.high] for f in manifest.features])

    def scores(self, columns: Columns) -> Scores:
        """The scores of these records, and which of them are flagged."""
        return self._rate(self._maker.matrix(columns))

    def contributions(self, columns: Columns) -> Contributions:
        """What each feature adds to each record's score, in the unit of the model's kind, and the bias."""
        try:
            found = self.runtime.contributions(self._maker.matrix(columns))
        except ValueError as error:  # the library's own error is one: it cannot read trees without covers
            raise ReasonsUnavailable(self.version, self.kind.no_reasons) from error
        if not np.isfinite(found).all():
            raise ReasonsUnavailable(self.version, self.kind.no_reasons)
        return found

    def warnings(self, columns: Columns) -> dict[int, list[Warned]]:
        """What in these records lies outside the range or the categories of training, by row."""
        found: dict[int, list[Warned]] = {}
        outside = (columns.numbers < self._low) | (columns.numbers > self._high)
        for position, row in np.argwhere(outside) if np.count_nonzero(outside) else ():
            feature = self.manifest.features[position]
            low, high = (formatted(feature.kind, bound[position, 0]) for bound in (self._low, self._high))
            message = f"outside the trained range, {low} to {high}"
            found.setdefault(int(row), []).append(Warned(feature.name, message))
        for name, rows in self._maker.unseen(columns).items():
            for row in rows:
                found.setdefault(row, []).append(Warned(name, UNKNOWN_TEXT[self.manifest.categories[name].has_other]))
        return found


def load_scorer(bundle: Bundle, use_case: UseCase) -> Scorer:
    """A scorer, once it has given the scores of the bundle's own reference rows."""
    refuse_other_features(bundle, use_case)
    return Scorer(bundle.version, bundle.manifest, *proven_runtime(bundle, use_case))


def _frauds(manifest: Manifest, runtime: Runtime, matrix: Matrix) -> Scores:
    """The runtime's own probabilities, calibrated where the bundle says how; flagged at and above the threshold."""
    probabilities = calibrated(runtime.probabilities(matrix), manifest.calibration)
    return Scores(probabilities, probabilities >= np.float32(manifest.threshold))


def _anomalies(manifest: Manifest, runtime: AnomalyRuntime, matrix: Matrix) -> Scores:
    """How many training records are less unusual; flagged below the threshold, as scikit-learn's forest decides."""
    scores = runtime.anomaly_scores(matrix)
    return Scores(percentiles(scores, manifest.known_ranks), scores < manifest.threshold, ANOMALY, scores)


_RATED: Mapping[ScoreKind, Callable[..., Scores]] = {FRAUD: _frauds, ANOMALY: _anomalies}
