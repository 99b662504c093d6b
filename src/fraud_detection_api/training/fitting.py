"""Fitting: read, split, train, prove, judge, publish."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.bundle import COMPARISON
from fraud_detection_api.model.kinds.xgboost import XGBOOST
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import FitSettings
from fraud_detection_api.training.bundling.publishing import promoted, published
from fraud_detection_api.training.bundling.trained_bundle import trained_manifest, trained_reference
from fraud_detection_api.training.compared import ComparisonPlan
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.kind_selection import FOLDS, best_kind, requested_kinds
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.proof.consequences import Consequences, consequences
from fraud_detection_api.training.proof.gate import refuse_unknown_demands
from fraud_detection_api.training.proof.holdout_rows import HOLDOUT, Holdout, as_kept, holdout_bytes
from fraud_detection_api.training.proof.proving import Learned, proof
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.report.contents import Importance
from fraud_detection_api.training.report.figures import explained_rows, importance
from fraud_detection_api.training.report.making import report_files
from fraud_detection_api.training.tables.dataset import Dataset, refuse_few, refuse_unlabelled
from fraud_detection_api.training.tables.fingerprint import fingerprint
from fraud_detection_api.training.tables.split import Split, refuse_parts, rows_that_judge, split
from fraud_detection_api.training.tables.training_table import TrainingTable, training_table, unlabelled_table
from fraud_detection_api.training.trained import Trainer
from fraud_detection_api.training.trainers import trainer_of
from fraud_detection_api.training.tuning.tuned_file import Tuned, read_tuned


@dataclass(frozen=True)
class Fitted:
    """What a run has published, what its threshold means where labels say so, and whether it is champion now."""

    version: str
    manifest: Manifest
    meaning: Consequences | None = None
    is_champion: bool = False


@dataclass(frozen=True)
class ReadyRows:
    """Rows that somebody has made ready and divided; the words for where they came from."""

    dataset: Dataset
    parts: Split
    source: str


@dataclass(frozen=True)
class _Approach:
    """Which kinds of model are tried, and how."""

    kinds: tuple[str, ...]
    settings: FitSettings
    tuned: Tuned | None = None
    trainer: Trainer | None = None  # instead of the one that the kind names


def fit(use_case: UseCase, options: FitOptions, follower: Follower) -> Fitted:
    """Train a model on a table and publish it; it becomes champion if the gate or a reason lets it."""
    options.refuse_unfit(use_case)
    options.refuse_contradictions()
    return _judged(use_case, _FITTED[use_case.score](use_case, options, follower), options)


def fit_ready(
    use_case: UseCase, rows: ReadyRows, options: FitOptions, follower: Follower, trainer: Trainer | None = None
) -> Fitted:
    """The same with rows that need no table; where some stand for others, only XGBoost knows what to make of that."""
    options.refuse_unfit(use_case)
    options.refuse_contradictions()
    refuse_unlabelled(use_case)
    refuse_few(rows.dataset.labels)
    refuse_parts(rows.dataset.labels, rows.parts)
    approach = _approach(use_case, options, follower)
    if (trainer or rows.dataset.weights is not None) and approach.kinds != (XGBOOST.name,):
        raise DataRefused(
            f"Not all training rows are here, and {', '.join(approach.kinds)} cannot make up for that: "
            "train on fewer of them, or train xgboost alone."
        )
    return _judged(use_case, _published(use_case, rows, replace(approach, trainer=trainer), options, follower), options)


def _judged(use_case: UseCase, fitted: Fitted, options: FitOptions) -> Fitted:
    """Promoted, if the gate or a reason lets it."""
    gate = fitted.manifest.gate
    may_lead = gate.passed or gate.forced_because is not None
    if may_lead:
        promoted(options.registry, use_case, fitted.version)
    return replace(fitted, is_champion=may_lead)


def _fit_labelled(use_case: UseCase, options: FitOptions, follower: Follower) -> Fitted:
    """Read, split, choose a kind, train, prove, publish."""
    approach = _approach(use_case, options, follower)
    table = training_table(use_case, options.source, follower)
    rows = ReadyRows(table.dataset, _split(table, options, follower), table.source)
    return _published(use_case, rows, approach, options, follower)


def _approach(use_case: UseCase, options: FitOptions, follower: Follower) -> _Approach:
    """Refuses at once what would be refused after a long training."""
    _refuse_unjudgeable(use_case, options)
    kinds = requested_kinds(use_case, options)
    tuned = _tuned(use_case, options.registry, follower) if options.tuned else None
    return _Approach(kinds, _settings(options, tuned), tuned)


def _published(
    use_case: UseCase, rows: ReadyRows, approach: _Approach, options: FitOptions, follower: Follower
) -> Fitted:
    """Choose a kind, train, prove, publish."""
    registry, tuned = options.registry, approach.tuned
    plan = ComparisonPlan(approach.kinds, FOLDS, options.gap_days, approach.settings)
    chosen = best_kind(use_case, rows.dataset, rows.parts, plan, follower)
    trainer = approach.trainer or trainer_of(use_case, chosen.kind, approach.settings)
    learned = _learned(use_case, rows.dataset, rows.parts, trainer, follower)
    if tuned:
        _warn_of_judges_that_tuned(tuned, learned, options, follower)
    proven = proof(learned, registry, options.proof)
    if proven.threshold.remark:
        follower.warn(proven.threshold.remark)
    parameters = trainer.parameters | dict(learned.model.chosen) | ({"tuned_by": tuned.study} if tuned else {})
    manifest = trained_manifest(learned, proven, parameters, options, rows.source)
    reference = trained_reference(learned, options.seed)
    attached = _attached(learned, manifest, proven.rows, chosen.comparison)
    version = published(registry, manifest, learned.model.model, reference, attached)
    return Fitted(version, manifest, consequences(proven.rows.validation_rows, manifest.threshold, use_case.costs))


def _fit_isolation(use_case: UseCase, options: FitOptions, follower: Follower) -> Fitted:
    """Read, grow a forest on every row, publish."""
    from fraud_detection_api.training.isolating.isolation_fit import (
        isolated,
        isolation_importance,
        isolation_manifest,
        isolation_reference,
    )

    isolation = options.isolation(use_case)
    table = unlabelled_table(use_case, options.source, follower)
    follower.step(f"{len(table.dataset):,} rows; growing {isolation.n_estimators:,} trees that isolate them")
    found = isolated(use_case, table, isolation)
    manifest = isolation_manifest(found, options.force)
    report = report_files(use_case, manifest, None, isolation_importance(found))
    return Fitted(published(options.registry, manifest, found.model, isolation_reference(found), report), manifest)


_FITTED: Mapping[ScoreKind, Callable[[UseCase, FitOptions, Follower], Fitted]] = {
    FRAUD: _fit_labelled,
    ANOMALY: _fit_isolation,
}


def _refuse_unjudgeable(use_case: UseCase, options: FitOptions) -> None:
    options.budget.refuse_without_days(use_case)
    refuse_unknown_demands(use_case)
    if options.threshold is not None:
        rule_of(options.threshold).refuse_unfit(use_case)


def _tuned(use_case: UseCase, registry: Registry, follower: Follower) -> Tuned:
    tuned = read_tuned(registry, use_case)
    follower.step(f"Boosting as study {tuned.study} has found on {tuned.created_at:%Y-%m-%d}")
    return tuned


def _settings(options: FitOptions, tuned: Tuned | None) -> FitSettings:
    boosting = tuned.as_boosting(options.seed) if tuned else options.boosting
    return FitSettings(boosting, options.seed, options.threads, options.device, options.grid)


def _warn_of_judges_that_tuned(tuned: Tuned, learned: Learned, options: FitOptions, follower: Follower) -> None:
    remark = tuned.remark(learned.parts.validated_from, fingerprint(learned.dataset), options.seed)
    if remark:
        follower.warn(remark)


def _split(table: TrainingTable, options: FitOptions, follower: Follower) -> Split:
    dataset = table.dataset
    follower.step(f"{len(dataset):,} rows, {int(dataset.labels.sum()):,} of them frauds")
    parts = split(dataset, options.gap_days, options.seed)
    follower.step(f"Split {parts.how}")
    return parts


def _learned(use_case: UseCase, dataset: Dataset, parts: Split, trainer: Trainer, follower: Follower) -> Learned:
    def on_round(done: int, loss: float | None) -> None:
        follower.round(done, trainer.most_rounds, loss)

    model = trainer.train(use_case, dataset, parts.train, parts.stopping, on_round)
    kept = f"Kept {model.rounds} rounds; proving them" if model.rounds else "Fitted the model; proving it"
    follower.step(f"{kept} on {len(parts.validation):,} {rows_that_judge(parts.how)} rows")
    if model.remark:
        follower.step(f"The model: {model.remark}")
    return Learned(use_case, dataset, parts, model)


def _attached(
    learned: Learned, manifest: Manifest, judged: Holdout, comparison: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The holdout rows, the comparison where there was one, and the report that is made from them."""
    report = report_files(learned.use_case, manifest, as_kept(judged), _importance(learned), comparison.get(COMPARISON))
    return {HOLDOUT: holdout_bytes(judged), **comparison, **report}


def _importance(learned: Learned) -> Importance | None:
    """What moves the model; nobody knows where its kind cannot be explained."""
    some = learned.dataset.columns.take(explained_rows(learned.parts.validation))
    try:
        return importance(learned.model.runtime, learned.model.maker, some, learned.use_case.feature_names)
    except ValueError:
        return None
