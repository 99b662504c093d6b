"""How well probabilities are calibrated, and what decisions at a threshold cost."""

import numpy as np

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.ranked_rows import Positions, RankedRows, Weighed

CALIBRATION_BINS = 10
LEAST_DOUBT = 1e-7  # so that the log loss of one row that was sure and wrong stays finite


class CalibrationMeasures:
    """Brier score, calibration error over ten bins of equally many rows, log loss."""

    def __init__(self, ranked: RankedRows) -> None:
        self._excess = ranked.probabilities - ranked.is_fraud
        self._squares = self._excess**2
        sure = np.clip(ranked.probabilities, LEAST_DOUBT, 1 - LEAST_DOUBT)
        self._losses = -np.log(np.where(ranked.is_fraud, sure, 1 - sure))
        self._bins = _bin_starts(ranked.probabilities)

    def values(self, weighed: Weighed) -> tuple[float, ...]:
        """In the order of measures.CALIBRATION."""
        gaps = np.add.reduceat(weighed.descending * self._excess, self._bins)
        error = float(np.abs(gaps).sum()) / weighed.total
        return weighed.mean(self._squares), error, weighed.mean(self._losses)


class MoneyMeasures:
    """What the decisions at a threshold cost: on as many records as there are, and each of them."""

    def __init__(self, ranked: RankedRows, at_stake: Doubles, costs: Costs, threshold: float) -> None:
        flagged = np.arange(len(ranked)) < ranked.flagged(threshold)
        of_fraud = np.where(flagged, costs.caught_fraud, ranked.in_order(at_stake))
        self._costs = np.where(ranked.is_fraud, of_fraud, flagged * costs.false_alarm)

    def values(self, weighed: Weighed) -> tuple[float, ...]:
        """In the order of measures.MONEY."""
        each = weighed.mean(self._costs)
        return each * len(self._costs), each


def _bin_starts(descending: Doubles) -> Positions:
    cuts = descending[np.arange(CALIBRATION_BINS) * len(descending) // CALIBRATION_BINS]
    return np.unique(np.searchsorted(-descending, -cuts))
