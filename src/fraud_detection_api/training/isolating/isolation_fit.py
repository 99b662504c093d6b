"""Fitting without labels: an isolation forest on every row, and the ranks of its scores."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import orjson
import sklearn  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest as GrownForest  # type: ignore[import-untyped]  # as above

from fraud_detection_api.features.matrix import Matrix, MatrixMaker
from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.isolation_forest import IsolationForest
from fraud_detection_api.model.kinds.isolation_forest import ISOLATION_FOREST
from fraud_detection_api.model.manifest import DataSummary, GateCheck, GateVerdict, Manifest, Ranks
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.bundling.publishing import library_versions
from fraud_detection_api.training.bundling.reference_rows import SplitEdges, on_splits
from fraud_detection_api.training.isolating.forest_file import forest_file
from fraud_detection_api.training.report.contents import Importance
from fraud_detection_api.training.report.figures import explained_rows, importance
from fraud_detection_api.training.saved_model import thresholds
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.feature_profile import feature_profiles
from fraud_detection_api.training.tables.fingerprint import fingerprint
from fraud_detection_api.training.tables.training_table import TrainingTable

RANK_POINTS = 512
AUTO = "auto"
TIED = 1e-12


@dataclass(frozen=True)
class Isolated:
    """A forest as its bundle will keep it, with what it says of the rows that it was grown on."""

    use_case: UseCase
    table: TrainingTable
    parameters: Parameters
    model: bytes
    forest: IsolationForest
    maker: MatrixMaker
    matrix: Matrix
    scores: NDArray[np.float64]
    threshold: float

    @property
    def flagged(self) -> int:
        """How many of the training rows lie below the threshold."""
        return int(np.count_nonzero(self.scores < self.threshold))


def isolated(use_case: UseCase, table: TrainingTable, isolation: Unsupervised) -> Isolated:
    """Grow a forest on every row; its scores are scikit-learn's own, or the export is refused."""
    maker = MatrixMaker(use_case.feature_names, {})
    matrix = maker.matrix(table.dataset.columns)
    contamination = AUTO if isolation.contamination is None else isolation.contamination
    grown = GrownForest(
        n_estimators=isolation.n_estimators, contamination=contamination, random_state=isolation.random_state
    ).fit(matrix)
    model = forest_file(grown, matrix)
    parameters: Parameters = {
        "n_estimators": isolation.n_estimators,
        "contamination": contamination,
        "random_state": isolation.random_state,
        "max_samples": int(grown.max_samples_),
        "skipped_rows": table.dataset.skipped,
    }
    forest = IsolationForest.read(model)
    scores, threshold = forest.anomaly_scores(matrix), float(grown.offset_)
    return Isolated(use_case, table, parameters, model, forest, maker, matrix, scores, threshold)


def isolation_manifest(found: Isolated, force: str | None) -> Manifest:
    """Everything known of the forest but the digests of its files."""
    dataset = found.table.dataset
    every = np.arange(len(dataset))
    return Manifest(
        use_case=found.use_case.name,
        model_kind=ISOLATION_FOREST.name,
        origin="trained",
        created_at=datetime.now(UTC),
        features=feature_profiles(found.use_case, dataset.columns, every, {}),
        parameters=found.parameters,
        threshold=found.threshold,
        threshold_rule=f"contamination {found.parameters['contamination']}",
        ranks=ranks_of(found.scores),
        data=_summary(dataset, found.table.source),
        gate=_verdict(found, force),
        libraries=library_versions({"scikit-learn": sklearn.__version__}),
    )


def isolation_reference(found: Isolated) -> Reference:
    """Training rows, and rows on the edges of splits, with the scores that they got when the forest was made."""
    edges = SplitEdges(thresholds(orjson.loads(found.model)["isolation_forest"]["trees"]))
    rows = on_splits(found.matrix, edges, seed=0)
    return Reference(rows, found.forest.anomaly_scores(rows).astype(np.float32))


def isolation_importance(found: Isolated) -> Importance:
    """What moves the anomaly scores of some of the rows."""
    dataset = found.table.dataset
    some = dataset.columns.take(explained_rows(np.arange(len(dataset))))
    return importance(found.forest, found.maker, some, found.use_case.feature_names)


def ranks_of(scores: NDArray[np.float64]) -> Ranks:
    """Points of the training scores, closer together among the lowest; the share that is less unusual at each."""
    ascending = np.sort(scores)
    size = len(ascending)
    places = np.geomspace(1, size, min(RANK_POINTS, size)).round().astype(np.int64) - 1
    points = np.unique(ascending[places])
    less_unusual = size - np.searchsorted(ascending, points, side="right")
    return Ranks(scores=tuple(points.tolist()), shares=tuple((less_unusual / size).tolist()))


def _summary(dataset: Dataset, source: str) -> DataSummary:
    return DataSummary(
        source=source, fingerprint=fingerprint(dataset), rows=len(dataset), split="none: there is no label to judge by"
    )


def _verdict(found: Isolated, force: str | None) -> GateVerdict:
    """Whether the forest tells rows apart at all, and flags about as many as it was asked to."""
    checks = (_tells_apart(found), _flags_as_asked(found))
    passed = all(check.passed for check in checks)
    return GateVerdict(passed=passed, checks=checks, forced_because=None if passed or not force else force.strip())


def _tells_apart(found: Isolated) -> GateCheck:
    different = len(np.unique(found.scores))
    detail = f"{different:,} different scores on {len(found.scores):,} rows"
    return GateCheck(name="tells rows apart", passed=different > 1, detail=detail)


def _flags_as_asked(found: Isolated) -> GateCheck:
    """Rows of the same score stand or fall together, so that the share can be missed by as many as share one."""
    size, contamination = len(found.scores), found.parameters["contamination"]
    numbers = {"flagged_share": found.flagged / size}
    detail = f"{found.flagged:,} of {size:,} training rows are flagged"
    if not isinstance(contamination, float):
        detail = f"{detail}; no share was asked for"
        return GateCheck(name="flags as asked", passed=True, detail=detail, numbers=numbers)
    ties = int(np.count_nonzero(np.abs(found.scores - found.threshold) <= TIED))
    passed = abs(found.flagged - contamination * size) <= 1 + ties
    detail = f"{detail}, {contamination:.4%} asked for"
    return GateCheck(name="flags as asked", passed=passed, detail=detail, numbers=numbers)
