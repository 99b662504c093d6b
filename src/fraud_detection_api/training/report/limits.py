"""Limits: what the figures cannot promise, as far as the data itself shows it."""

from collections.abc import Iterator
from datetime import date

from fraud_detection_api.model.manifest import DataSummary, Manifest
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.report.anomalies import flagged_share
from fraud_detection_api.training.report.contents import Figures, Importance
from fraud_detection_api.training.report.wording import count, interval

FEW_FRAUDS, FEW_IN_GROUP = 100, 30
WIDE = 0.1
MANY_CATEGORIES = 50
SHOWN = 5
LOOK = "A score is a reason to look, not a proof."


def fraud_limits(
    use_case: UseCase, manifest: Manifest, figures: Figures | None, importance: Importance | None
) -> tuple[str, ...]:
    """Every limit of probabilities that can be seen, the gravest first."""
    if manifest.data is None:
        return (*_unjudged(manifest), *_always())
    return (
        *_few(manifest, manifest.data),
        *_time(use_case, manifest.data),
        *_shares(manifest.data),
        *_covered(use_case, figures),
        *_features(manifest, importance),
        *_always(),
    )


def anomaly_limits(
    _: UseCase, manifest: Manifest, _figures: Figures | None, importance: Importance | None
) -> tuple[str, ...]:
    """Every limit of anomaly scores that can be seen, the gravest first."""
    return (*_unlabelled(manifest), *_skipped(manifest), *_features(manifest, importance), LOOK)


def _unjudged(manifest: Manifest) -> Iterator[str]:
    yield (
        "No data has judged this model here: how well it ranks, how true its probabilities are and what its threshold "
        "means are unknown. Train one here on labelled records, or ask whoever made it for its figures."
    )
    if all(feature.low is None and not feature.categories for feature in manifest.features):
        yield "The ranges it was trained on are unknown, so no warning can say that a record lies outside them."


def _unlabelled(manifest: Manifest) -> Iterator[str]:
    yield (
        "Nobody knows which of these records are frauds: flagged means unusual, and what is unusual may well be "
        "honest. How many frauds are found and how many are missed is unknown."
    )
    yield (
        "Fraud that looks like everything else is not found, nor is fraud so common that it looks usual: the model "
        "learned from all rows, whatever frauds may be among them."
    )
    if isinstance(manifest.parameters.get("contamination"), str):
        flagged = flagged_share(manifest)
        yield (
            f"Nobody has asked for a share to flag, and the threshold flags {flagged:.1%} of the training rows: if "
            "that is more or less than people can look at, train with --contamination."
        )
    yield "Nothing says when the rows were made, so nothing shows how the model ages: train again when habits change."


def _few(manifest: Manifest, data: DataSummary) -> Iterator[str]:
    if data.validation_frauds < FEW_FRAUDS:
        yield (
            f"Only {count(data.validation_frauds, 'fraud')} judged this model: its intervals are wide, and only a "
            "large difference between two models can be seen."
        )
    precision = manifest.metrics.get("average_precision")
    if precision and (precision.high or 0) - (precision.low or 0) > min(WIDE, precision.value / 2):
        yield f"The average precision is known roughly only: anywhere from {interval(precision)}."
    yield from _skipped(manifest)


def _skipped(manifest: Manifest) -> Iterator[str]:
    skipped = manifest.parameters.get("skipped_rows", 0)
    if isinstance(skipped, int) and skipped:
        yield f"{count(skipped, 'row')} broke bounds or rules and were left out: the model knows no records like them."


def _time(use_case: UseCase, data: DataSummary) -> Iterator[str]:
    if use_case.order_column is not None:
        yield (
            f"Rows were split in the order of {use_case.order_column}, which is no date: nothing here shows how the "
            "model ages over days or months, and what came after the last row is unknown."
        )
        return
    if data.first_day is None or data.last_day is None:
        yield (
            "There is no time column, so rows were split at random: nothing here shows how the model ages, and frauds "
            "of one attack may stand on both sides of the split, which flatters the figures."
        )
        return
    days = (date.fromisoformat(data.last_day) - date.fromisoformat(data.first_day)).days + 1
    if days < 365:
        yield f"The data spans {count(days, 'day')}: seasons that it does not hold, such as a whole year, are unknown."
    yield f"Nothing after {data.last_day} has been seen: expect performance to decay as fraud changes."
    yield (
        "The number of rounds, the calibration and the threshold were chosen on rows up to the day before validation, "
        "with labels that in daily work come later: `fraud evaluate` judges with that delay."
    )


def _shares(data: DataSummary) -> Iterator[str]:
    rest_rows, rest_frauds = data.rows - data.validation_rows, data.frauds - data.validation_frauds
    if not (rest_rows and rest_frauds and data.validation_frauds):
        return
    before, later = data.share_before or rest_frauds / rest_rows, data.validation_frauds / data.validation_rows
    if not 1 / 1.25 < later / before < 1.25:
        yield (
            f"Frauds were {before:.2%} of the other rows and {later:.2%} of those that judge: the share changes, "
            "and with it how true the probabilities are."
        )


def _covered(use_case: UseCase, figures: Figures | None) -> Iterator[str]:
    if use_case.entity is None:
        yield (
            "The use case names no entity (a card, a customer): where several records belong to one, the intervals are "
            "narrower than they should be, and one may stand both in training and in validation."
        )
    elif figures is None or figures.at_threshold.entities is not None:
        yield f"A {use_case.entity} that training never saw may be scored less well than those it knows."
    if use_case.gate.group is None:
        yield "No group is named, so nobody has looked at whether the model treats groups of people alike."
    elif figures:
        small = [each.name for each in figures.groups if each.frauds < FEW_IN_GROUP]
        if small:
            more = f" and {len(small) - SHOWN} more" if len(small) > SHOWN else ""
            yield f"Groups with fewer than {FEW_IN_GROUP} frauds say little: {', '.join(small[:SHOWN])}{more}."


def _features(manifest: Manifest, importance: Importance | None) -> Iterator[str]:
    missing = [each.name for each in manifest.features if (each.missing_share or 0) > 0.5]
    constant = [each.name for each in manifest.features if each.low is not None and each.low == each.high]
    broad = [
        each.name
        for each in manifest.features
        if each.kind is Kind.CATEGORY and len(each.categories or ()) > MANY_CATEGORIES
    ]
    for names, words in (
        (missing, "missing in more than half of the training rows"),
        (constant, "the same in every training row, so the model learned nothing from it"),
        (
            broad,
            f"texts with more than {MANY_CATEGORIES} values, of which new ones are scored as rare ones or as missing",
        ),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield f"{', '.join(names[:SHOWN])}{more}: {words}."
    total = sum(importance.values.values()) if importance else 0.0
    if importance and total and len(importance.values) > 2:
        first, moved = next(iter(importance.values.items()))
        if moved > total / 2:
            yield f"{moved / total:.0%} of what moves the scores comes from {first}: who changes it changes the score."


def _always() -> Iterator[str]:
    yield "The labels are taken as the truth: a fraud that nobody reported counts as honest, here and in training."
    yield LOOK
