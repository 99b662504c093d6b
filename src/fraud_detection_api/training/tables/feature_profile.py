"""What training saw of each feature: its range, what was missing, and a histogram to measure drift against."""

from collections import Counter

import numpy as np

from fraud_detection_api.features.columns import Columns, Numbers, Texts
from fraud_detection_api.features.matrix import Categories, KnownTexts
from fraud_detection_api.model import manifest
from fraud_detection_api.schemas.record import Feature, Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.tables.dataset import Rows

BINS = 20

Profiles = tuple[manifest.Feature, ...]


def feature_profiles(use_case: UseCase, columns: Columns, rows: Rows, categories: Categories) -> Profiles:
    """The profile of every feature over these rows, in the record's order."""
    return tuple(
        _category(field, [columns.texts[field.name][row] for row in rows], categories[field.name])
        if field.kind is Kind.CATEGORY
        else _number(field, columns.numbers[position][rows])
        for position, field in enumerate(use_case.features)
    )


def _number(field: Feature, values: Numbers) -> manifest.Feature:
    missing = float(np.isnan(values).mean())
    present = np.sort(values[~np.isnan(values)])
    if not len(present):
        return manifest.Feature(name=field.name, kind=field.kind, missing_share=missing)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)))
    if len(edges) == 1:
        edges = np.repeat(edges, 2)
    reached = np.searchsorted(present, edges[1:-1], side="left")
    counts = np.diff(np.r_[0, reached, len(present)])
    return manifest.Feature(
        name=field.name,
        kind=field.kind,
        low=float(present[0]),
        high=float(present[-1]),
        missing_share=missing,
        histogram_edges=tuple(edges.tolist()),
        histogram_counts=tuple(counts.tolist()),
    )


def _category(field: Feature, texts: Texts, known: KnownTexts) -> manifest.Feature:
    found = Counter(texts)
    missing = found.pop(None, 0)
    counts = {text: found[text] for text in known.texts}
    return manifest.Feature(
        name=field.name,
        kind=field.kind,
        missing_share=missing / len(texts),
        categories=known.texts,
        other=found.total() - sum(counts.values()) if known.has_other else None,
        histogram_counts=tuple(counts.values()),
    )
