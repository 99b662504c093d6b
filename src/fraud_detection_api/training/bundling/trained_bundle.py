"""What a bundle holds of a trained model: its manifest, and reference rows with the scores of its own library."""

from datetime import UTC, datetime

import numpy as np

from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.manifest import DataSummary, Manifest
from fraud_detection_api.samples.sample_table import expected_average_precision
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.times import day_of
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.bundling.publishing import library_versions
from fraud_detection_api.training.bundling.reference_rows import SplitEdges, reference_rows
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.proof.proving import Learned, Proof
from fraud_detection_api.training.tables.feature_profile import feature_profiles
from fraud_detection_api.training.tables.fingerprint import fingerprint

MOST_CANDIDATES = 10_000  # rows that reference rows are drawn from


def trained_manifest(
    learned: Learned, proven: Proof, parameters: Parameters, options: FitOptions, source: str
) -> Manifest:
    """Everything known of the model but the digests of its files."""
    dataset, parts = learned.dataset, learned.parts
    return Manifest(
        use_case=learned.use_case.name,
        model_kind=learned.model.kind.name,
        model_file=learned.model.kind.model_file,
        origin="trained",
        created_at=datetime.now(UTC),
        features=feature_profiles(learned.use_case, dataset.columns, parts.train, learned.model.maker.categories),
        parameters=parameters | _choices(learned, options),
        threshold=proven.threshold.at,
        threshold_rule=proven.threshold.rule,
        threshold_asked=proven.threshold.was_asked,
        at_stake=learned.use_case.costs.missed_fraud if learned.use_case.costs else None,
        calibration=proven.calibration,
        metrics=proven.metrics,
        groups=dataset.groups.names if dataset.groups else (),
        data=_summary(learned, source),
        gate=proven.verdict,
        libraries=library_versions(learned.model.learned_with),
    )


def _choices(learned: Learned, options: FitOptions) -> Parameters:
    chosen: Parameters = {"review_budget": options.review_budget, "skipped_rows": learned.dataset.skipped}
    days = {"trained_until": learned.parts.trained_until, "chosen_until": learned.parts.chosen_until}
    return chosen | {name: day.isoformat() for name, day in days.items() if day}


def _summary(learned: Learned, source: str) -> DataSummary:
    dataset, validation = learned.dataset, learned.dataset.labels[learned.parts.validation]
    days = [] if dataset.days is None else [str(day_of(int(day))) for day in (dataset.days.min(), dataset.days.max())]
    return DataSummary(
        source=source,
        fingerprint=fingerprint(dataset),
        rows=len(dataset),
        frauds=int(dataset.labels.sum()),
        validation_rows=len(validation),
        validation_frauds=int(validation.sum()),
        split=learned.parts.how,
        first_day=days[0] if days else None,
        last_day=days[1] if days else None,
        share_before=_share_before(learned),
        best_average_precision=_best_average_precision(learned),
    )


def _share_before(learned: Learned) -> float | None:
    """The share of frauds in all that was there before validation, where some of it was left out at random."""
    if learned.dataset.weights is None:
        return None
    before = np.ones(len(learned.dataset), bool)
    before[learned.parts.validation] = False
    return learned.dataset.fraud_share(np.flatnonzero(before))


def _best_average_precision(learned: Learned) -> float | None:
    """What no model can exceed on the validation rows but by luck; only samples know it."""
    chances = learned.dataset.probabilities
    if chances is None:
        return None
    judged = chances[learned.parts.validation]
    return expected_average_precision(judged, np.ones(len(judged), np.int64))


def trained_reference(learned: Learned, seed: int) -> Reference:
    """About 256 rows: of boosted trees also such as lie on the edges of their splits."""
    train, model = learned.parts.train, learned.model
    candidates = np.asarray(train[:: max(len(train) // MOST_CANDIDATES, 1)])
    matrix = model.maker.matrix(learned.dataset.columns.take(candidates))
    categorical = tuple(
        position for position, field in enumerate(learned.use_case.features) if field.kind is Kind.CATEGORY
    )
    return model.reference(reference_rows(matrix, SplitEdges(model.thresholds, categorical), seed))
