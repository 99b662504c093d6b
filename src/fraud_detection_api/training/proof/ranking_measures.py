"""How well probabilities rank, and what a threshold makes of the ranking; tied rows count as one step."""

import numpy as np

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.proof.ranked_rows import Positions, RankedRows, Weighed, weighted_sum


class RankingMeasures:
    """ROC AUC, average precision, and the recall within a false-positive rate of 1 and of 5 percent."""

    def __init__(self, ranked: RankedRows) -> None:
        self._above, self._through = _ties(ranked)
        self._frauds_above = np.searchsorted(ranked.frauds, self._above)
        self._frauds_through = np.searchsorted(ranked.frauds, self._through)

    def values(self, weighed: Weighed) -> tuple[float, ...]:
        """In the order of measures.RANKING."""
        weights, frauds, honest = weighed.of_frauds, weighed.frauds, weighed.total - weighed.frauds
        reached, caught = weighed.reached[self._through], weighed.caught[self._frauds_through]
        honest_above = weighed.reached[self._above] - weighed.caught[self._frauds_above]
        honest_through = reached - caught
        auc = weighted_sum(weights, honest - (honest_above + honest_through) / 2) / (frauds * honest)
        precision = weighted_sum(weights, caught / np.maximum(reached, 1)) / frauds
        recalls = (_last_within(honest_through, rate * honest, caught) / frauds for rate in (0.01, 0.05))
        return auc, precision, *recalls


class FlaggingMeasures:
    """The recall and the precision of flagging at and above a threshold."""

    def __init__(self, ranked: RankedRows, threshold: float) -> None:
        self._flagged = ranked.flagged(threshold)
        self._frauds_flagged = ranked.frauds_before(self._flagged)

    def values(self, weighed: Weighed) -> tuple[float, ...]:
        """In the order of measures.FLAGGING."""
        flagged, caught = weighed.reached[self._flagged], weighed.caught[self._frauds_flagged]
        return float(caught / weighed.frauds), float(caught / max(flagged, 1))


def _ties(ranked: RankedRows) -> tuple[Positions, Positions]:
    """For every fraud, where the rows with its probability begin and end."""
    step = np.searchsorted(ranked.ends, ranked.frauds, side="right")
    return np.r_[0, ranked.ends[:-1]][step], ranked.ends[step]


def _last_within(used: Doubles, limit: float, caught: Doubles) -> float:
    within = int(np.searchsorted(used, limit * (1 + 1e-12), side="right"))
    return float(caught[within - 1]) if within else 0.0
