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
from fraud_detection_api.training.proof.gate import refuse_unknown_demands
from fraud_detection_api.training.proof.judged_rows import JUDGED, Judged, judged_bytes
from fraud_detection_api.training.proof.proving import Learned, proof
from fraud_detection_api.training.proof.threshold import choice_of
from fraud_detection_api.training.report.figures import explained_rows, importance
from fraud_detection_api.training.report.making import report_files
from fraud_detection_api.training.summary import summary
from fraud_detection_api.training.tables.fingerprint import fingerprint
from fraud_detection_api.training.tables.split import split
from fraud_detection_api.training.tables.training_table import TrainingTable, training_table
from fraud_detection_api.training.tracking.tracker import tracker_at, tracking_uri
from fraud_detection_api.training.train_xgboost import XGBoostTrainer
from fraud_detection_api.training.tuning.tuned_file import Tuned, read_tuned

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
    options.budget.refuse_without_days(use_case)
    refuse_unknown_demands(use_case)
    if options.threshold is not None:
        choice_of(options.threshold).refuse_unfit(use_case)
    registry = Registry(options.models or Path("models"))
    tuned = _tuned(use_case, registry, follower) if options.tuned else None
    boosting = tuned.as_boosting(options.seed) if tuned else options.boosting
    trainer, options = XGBoostTrainer(boosting, options.threads, options.device), options.told(boosting)
    table = training_table(use_case, options, follower)
    learned = _learned(use_case, table, trainer, options, follower)
    if tuned:
        _warn_of_judges_that_tuned(tuned, learned, options, follower)
    follower.step(f"Kept {learned.model.rounds} rounds; proving them on {len(learned.parts.validation):,} later rows")
    proven = proof(learned, registry, options)
    if proven.threshold.remark:
        follower.warn(proven.threshold.remark)
    parameters = trainer.parameters | ({"tuned_by": tuned.study} if tuned else {})
    manifest = trained_manifest(learned, proven, parameters, options, table.source)
    rows = _reference_rows(learned, options.seed)
    version = published(registry, manifest, learned.model.model, rows, _attached(learned, manifest, proven.rows))
    may_lead = manifest.gate.passed or manifest.gate.forced_because is not None
    if may_lead:
        promoted(registry, use_case, version)
    return Fitted(version, manifest, is_champion=may_lead)


def _tuned(use_case: UseCase, registry: Registry, follower: Follower) -> Tuned:
    tuned = read_tuned(registry, use_case)
    follower.step(f"Boosting as study {tuned.study} has found on {tuned.created_at:%Y-%m-%d}")
    return tuned


def _warn_of_judges_that_tuned(tuned: Tuned, learned: Learned, options: FitOptions, follower: Follower) -> None:
    remark = tuned.remark(learned.parts.validated_from, fingerprint(learned.dataset), options.seed)
    if remark:
        follower.warn(remark)


def fit_and_report(use_case: UseCase, options: FitOptions) -> int:
    """Fit with progress on stderr and a summary on stdout; the exit code."""
    with following() as follower:
        fitted = fit(use_case, options, follower)
        _track(fitted, options, follower)
    summary(fitted.version, fitted.manifest, is_champion=fitted.is_champion)
    return 0 if fitted.is_champion else GATE_FAILED


def _track(fitted: Fitted, options: FitOptions, follower: Follower) -> None:
    registry = Registry(options.models or Path("models"))
    uri = tracking_uri(options.track, options.tracking, registry.root)
    tracker = tracker_at(uri, registry, fitted.manifest.use_case, follower.warn)
    tracker.fitted(fitted.version)
    if fitted.is_champion:
        tracker.promoted(fitted.version)


def _learned(
    use_case: UseCase, table: TrainingTable, trainer: XGBoostTrainer, options: FitOptions, follower: Follower
) -> Learned:
    dataset = table.dataset
    follower.step(f"{len(dataset):,} rows, {int(dataset.labels.sum()):,} of them frauds")
    parts = split(dataset, options.gap_days, options.seed)
    follower.step(f"Split {parts.how}")

    def on_round(done: int, loss: float | None) -> None:
        follower.round(done, trainer.boosting.rounds, loss)

    return Learned(use_case, dataset, parts, trainer.train(use_case, dataset, parts.train, parts.stopping, on_round))


def _attached(learned: Learned, manifest: Manifest, judged: Judged) -> dict[str, bytes]:
    """The judged rows, and the report that is made from them."""
    some = learned.dataset.columns.take(explained_rows(learned.parts.validation))
    moved = importance(learned.model.runtime, learned.model.maker, some, learned.use_case.feature_names)
    kept = judged_bytes(judged)
    return {JUDGED: kept, **report_files(learned.use_case, manifest, kept, moved)}


def _reference_rows(learned: Learned, seed: int) -> Matrix:
    candidates = learned.parts.train[:: max(len(learned.parts.train) // MOST_REFERENCE_CANDIDATES, 1)]
    maker = MatrixMaker(learned.use_case.feature_names, learned.model.categories)
    categorical = tuple(
        position for position, field in enumerate(learned.use_case.features) if field.kind is Kind.CATEGORY
    )
    edges = SplitEdges(thresholds(parsed(learned.model.model)), categorical)
    return reference_rows(maker.matrix(learned.dataset.columns.take(np.asarray(candidates))), edges, seed)
