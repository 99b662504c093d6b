"""Fitting: read, split, train, prove, judge, publish."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fraud_detection_api.features.matrix import Matrix, MatrixMaker
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.bundling.publishing import promoted, published
from fraud_detection_api.training.bundling.reference_rows import SplitEdges, reference_rows
from fraud_detection_api.training.bundling.saved_model import parsed, thresholds
from fraud_detection_api.training.bundling.trained_manifest import trained_manifest
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.progress import Follower, following
from fraud_detection_api.training.proof.judged_rows import JUDGED, judged_bytes
from fraud_detection_api.training.proof.proving import Learned, proof
from fraud_detection_api.training.summary import summary
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.training.tables.training_table import TrainingTable, training_table
from fraud_detection_api.training.train_xgboost import XGBoostTrainer

GATE_FAILED = 3
MOST_REFERENCE_CANDIDATES = 10_000


@dataclass(frozen=True)
class Fitted:
    """What a run has published, and whether it is champion now."""

    version: str
    manifest: Manifest
    is_champion: bool


def fit(use_case: UseCase, options: FitOptions, follower: Follower) -> Fitted:
    """Train a model on a table and publish it; it becomes champion if the gate or a reason lets it."""
    options.refuse_contradictions()
    registry = Registry(options.models or Path("models"))
    trainer = XGBoostTrainer(options.boosting, options.threads, options.device)
    table = training_table(use_case, options, follower)
    learned = _learned(use_case, table, trainer, options, follower)
    follower.step(f"Kept {learned.model.rounds} rounds; proving them on {len(learned.parts.validation):,} later rows")
    proven = proof(learned, registry, options)
    manifest = trained_manifest(learned, proven, trainer.parameters, options, table.source)
    rows = _reference_rows(learned, options.seed)
    version = published(registry, manifest, learned.model.model, rows, {JUDGED: judged_bytes(proven.rows)})
    may_lead = manifest.gate.passed or manifest.gate.forced_because is not None
    if may_lead:
        promoted(registry, use_case, version)
    return Fitted(version, manifest, is_champion=may_lead)


def fit_and_report(use_case: UseCase, options: FitOptions) -> int:
    """Fit with progress on stderr and a summary on stdout; the exit code."""
    with following() as follower:
        fitted = fit(use_case, options, follower)
    summary(fitted.version, fitted.manifest, is_champion=fitted.is_champion)
    return 0 if fitted.is_champion else GATE_FAILED


def _learned(
    use_case: UseCase, table: TrainingTable, trainer: XGBoostTrainer, options: FitOptions, follower: Follower
) -> Learned:
    dataset = table.dataset
    follower.step(f"{len(dataset):,} rows, {int(dataset.labels.sum()):,} of them frauds")
    parts = split(dataset, options.gap_days, options.seed)
    follower.step(f"Split {parts.how}")

    def on_round(done: int, loss: float | None) -> None:
        follower.round(done, options.rounds, loss)

    return Learned(use_case, dataset, parts, trainer.train(use_case, dataset, parts.train, parts.stopping, on_round))


def _reference_rows(learned: Learned, seed: int) -> Matrix:
    candidates = learned.parts.train[:: max(len(learned.parts.train) // MOST_REFERENCE_CANDIDATES, 1)]
    maker = MatrixMaker(learned.use_case.feature_names, learned.model.categories)
    categorical = tuple(
        position for position, field in enumerate(learned.use_case.features) if field.kind is Kind.CATEGORY
    )
    edges = SplitEdges(thresholds(parsed(learned.model.model)), categorical)
    return reference_rows(maker.matrix(learned.dataset.columns.take(np.asarray(candidates))), edges, seed)
