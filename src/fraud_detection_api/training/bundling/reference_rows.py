"""Reference rows: what a bundle is proven on at load; real rows, rows on the edges of splits, and rows with nothing."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.training.saved_model import Thresholds

REAL, ON_SPLITS, MOST_MISSING = 96, 128, 64
EXTREMES = np.array([3.4028235e38, -3.4028235e38, 0.0, -0.0, 1.1754944e-38, -1.1754944e-38], dtype=np.float32)


@dataclass(frozen=True)
class SplitEdges:
    """Where numeric splits divide; features that hold category codes have none."""

    thresholds: Thresholds
    categorical: tuple[int, ...] = ()


def reference_rows(real: Matrix, edges: SplitEdges, seed: int) -> Matrix:
    """About 256 rows, made from at least one real row."""
    random = np.random.default_rng(seed)
    kept = _some(real, random)
    moved = rows_on_splits(kept, edges, ON_SPLITS, random)
    return np.concatenate([kept, moved, _missing(kept, random), _extremes(kept, edges)])


def on_splits(real: Matrix, edges: SplitEdges, seed: int) -> Matrix:
    """Real rows and rows on the edges of splits: for a model that knows nothing missing."""
    random = np.random.default_rng(seed)
    kept = _some(real, random)
    return np.concatenate([kept, rows_on_splits(kept, edges, ON_SPLITS, random)])


def _some(real: Matrix, random: np.random.Generator) -> Matrix:
    return real[np.sort(random.choice(len(real), min(REAL, len(real)), replace=False))]


def rows_on_splits(real: Matrix, edges: SplitEdges, size: int, random: np.random.Generator) -> Matrix:
    """Real rows with half of their values moved exactly onto, or one step below, a value that splits."""
    rows = real[random.integers(0, len(real), size)]
    for feature, values in edges.thresholds.items():
        moved = np.flatnonzero(random.random(size) < 0.5)
        on = random.choice(values, len(moved))
        below = np.nextafter(on, np.float32(-np.inf), dtype=np.float32)
        rows[moved, feature] = np.where(random.random(len(moved)) < 0.5, on, below)
    return rows


def _missing(real: Matrix, random: np.random.Generator) -> Matrix:
    features = real.shape[1]
    chosen = np.sort(random.choice(features, min(features, MOST_MISSING), replace=False))
    rows = real[random.integers(0, len(real), len(chosen) + 1)]
    rows[np.arange(len(chosen)), chosen] = np.nan
    rows[-1] = np.nan
    return rows


def _extremes(real: Matrix, edges: SplitEdges) -> Matrix:
    numeric = np.setdiff1d(np.arange(real.shape[1]), edges.categorical)
    rows = np.repeat(real[:1], len(EXTREMES), axis=0)
    rows[:, numeric] = EXTREMES[:, None]
    return rows
