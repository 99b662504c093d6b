"""What happens at each threshold; a few hundred thresholds stand for all."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.ranked_rows import Positions, RankedRows
from fraud_detection_api.training.proof.resampling import cell_counts
from fraud_detection_api.training.report.contents import Curves

EVERY_CUT = 300  # as many thresholds are all drawn
PLACES = 100  # of the frauds, of the others and of all records, at which a threshold is drawn otherwise


@dataclass(frozen=True)
class Cuts:
    """Some thresholds of ranked rows, highest first: how many rows, and how many frauds, are flagged at each."""

    ranked: RankedRows
    flagged: Positions
    caught: Positions

    @property
    def thresholds(self) -> Doubles:
        """The lowest probability that is flagged at each."""
        return self.ranked.probabilities[self.flagged - 1]

    @property
    def false_alarms(self) -> Positions:
        """How many of those flagged were no frauds."""
        return self.flagged - self.caught


def cuts_of(rows: HoldoutRows, threshold: float) -> Cuts:
    """Cuts through some rows, one of them at the model's own threshold."""
    ranked = RankedRows(rows)
    ends, caught = ranked.ends, np.searchsorted(ranked.frauds, ranked.ends)
    if len(ends) > EVERY_CUT:
        places = _places(ends, caught, ranked.flagged(threshold))
        ends, caught = ends[places], caught[places]
    return Cuts(ranked, ends, caught)


def curves(rows: HoldoutRows, cuts: Cuts) -> Curves:
    """The curves through the cuts, with bands of resampled rows, or of resampled entities where rows share them."""
    flagged_share, recall = cuts.flagged / cuts.flagged[-1], cuts.caught / max(cuts.caught[-1], 1)
    rate = cuts.false_alarms / max(cuts.false_alarms[-1], 1)
    bands: list[tuple[Doubles, Doubles, Doubles]] = []
    for counts in cell_counts(rows, _cells(rows, cuts), 2 * len(cuts.flagged), seed=0):
        false_alarms, caught = np.cumsum(counts.reshape(-1, 2), axis=0).T
        found, wrong = caught / max(caught[-1], 1), false_alarms / max(false_alarms[-1], 1)
        flagged = np.maximum(caught + false_alarms, 1)
        precision = np.interp(recall, found, caught / flagged)
        bands.append((precision, np.interp(flagged_share, flagged / flagged[-1], found), np.interp(rate, wrong, found)))
    lows, highs = np.quantile(np.array(bands), [0.025, 0.975], axis=0)
    return Curves(
        thresholds=listed(cuts.thresholds),
        flagged_share=listed(flagged_share),
        recall=listed(recall),
        precision=listed(cuts.caught / cuts.flagged),
        false_positive_rate=listed(rate),
        precision_low=listed(lows[0]),
        precision_high=listed(highs[0]),
        recall_low=listed(lows[1]),
        recall_high=listed(highs[1]),
        roc_low=listed(lows[2]),
        roc_high=listed(highs[2]),
    )


def listed(values: Doubles) -> tuple[float, ...]:
    """Numbers as JSON holds them."""
    return tuple(values.tolist())


def _cells(rows: HoldoutRows, cuts: Cuts) -> Positions:
    """Between which cuts each row lies, twice, and one more where it is a fraud."""
    between = np.empty(len(rows), np.intp)
    between[cuts.ranked.order] = np.repeat(np.arange(len(cuts.flagged)), np.diff(np.r_[0, cuts.flagged]))
    return 2 * between + rows.labels


def _places(ends: Positions, caught: Positions, flagged: int) -> Positions:
    """Cuts spread evenly over the frauds, the others and, the first ones densely, over all records."""
    false_alarms = ends - caught
    places = [
        np.searchsorted(caught, np.linspace(1, caught[-1], PLACES)),
        np.searchsorted(false_alarms, np.linspace(0, false_alarms[-1], PLACES)),
        np.searchsorted(ends, np.geomspace(1, ends[-1], PLACES)),
        np.searchsorted(ends, [1, flagged, ends[-1]]),
    ]
    return np.unique(np.minimum(np.concatenate(places), len(ends) - 1))
