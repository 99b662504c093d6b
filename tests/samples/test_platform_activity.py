"""The sample of platform activity: dense clusters, a few anomalies, and no label."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fraud_detection_api.samples import DEFAULT_SEED, SAMPLES
from fraud_detection_api.samples.platform_activity import CENTRES, SHARES, SPREADS
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY


@pytest.fixture(scope="module")
def figures() -> NDArray[np.float64]:
    maker = SAMPLES[PLATFORM_ACTIVITY.name]
    columns = maker(maker.rows, DEFAULT_SEED).columns
    assert list(columns) == ["mean", "sd"]
    return np.column_stack([columns["mean"].astype(np.float64), columns["sd"].astype(np.float64)])


def distances(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many spreads each row is away from each cluster, in the direction in which it is furthest."""
    away: NDArray[np.float64] = np.abs((figures[:, np.newaxis] - CENTRES) / SPREADS).max(axis=2)
    return away


def test_it_has_as_many_rows_as_the_known_table_and_deviations_are_not_below_zero(
    figures: NDArray[np.float64],
) -> None:
    assert figures.shape == (64_227, 2)
    assert figures[:, 1].min() >= 0


def test_rows_lie_in_clusters_and_a_few_far_from_all(figures: NDArray[np.float64]) -> None:
    nearest = distances(figures).min(axis=1)
    assert (nearest < 4.5).mean() > 0.998
    assert 0.0004 < (nearest > 5.5).mean() <= 0.001
    shares = np.bincount(distances(figures).argmin(axis=1)) / len(figures)
    assert shares == pytest.approx(np.array(SHARES), abs=0.03)


def test_mean_and_deviation_rise_together_within_each_cluster(figures: NDArray[np.float64]) -> None:
    away = distances(figures)
    for cluster in range(len(CENTRES)):
        members = figures[(away.argmin(axis=1) == cluster) & (away.min(axis=1) < 3)]
        assert 0.45 < np.corrcoef(members.T)[0, 1] < 0.75
