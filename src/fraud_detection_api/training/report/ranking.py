"""Ranking: what happens at each threshold, on rows sorted once; a few hundred thresholds stand for all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.judged_rows import JudgedRows
from fraud_detection_api.training.report.contents import Curves

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
EVERY_CUT = 300  # as many thresholds are all drawn
PLACES = 100  # of the frauds, of the others and of all records, at which a threshold is drawn otherwise
RESAMPLES = 100


@dataclass(frozen=True)
class Ranking:
    """Rows from the highest probability down, cut at some thresholds: how many lie at and above each."""

    order: NDArray[np.intp]
    thresholds: Floats
    flagged: Counts
    caught: Counts
    missed_cost: Floats  # at stake in frauds below each threshold; nothing where rows have nothing at stake
    rows: int
    frauds: int

    @property
    def false_alarms(self) -> Counts:
        """How many of those flagged were no frauds."""
        return self.flagged - self.caught

    def cost(self, costs: Costs) -> Floats:
        """What each threshold costs."""
        decided: Floats = costs.false_alarm * self.false_alarms + costs.caught_fraud * self.caught
        return self.missed_cost + decided

    def at(self, threshold: float) -> int:
        """The cut whose flagged rows come closest to those at and above this threshold."""
        return int(np.argmin(np.abs(self.thresholds - np.float64(np.float32(threshold)))))


def ranking(judged: JudgedRows, threshold: float) -> Ranking:
    """The ranking of some judged rows, with a cut at the model's own threshold."""
    order = np.argsort(-judged.probabilities, kind="stable")
    descending, frauds = judged.probabilities[order].astype(np.float64), np.cumsum(judged.labels[order], dtype=np.int64)
    ends = np.flatnonzero(np.r_[np.diff(descending) != 0, True]) + 1
    if len(ends) > EVERY_CUT:
        flagged = int(np.count_nonzero(judged.probabilities >= np.float32(threshold)))
        ends = ends[_places(ends, frauds[ends - 1], flagged)]
    at_stake = np.zeros(len(order)) if judged.at_stake is None else (judged.at_stake * judged.labels)[order]
    saved = np.cumsum(at_stake)
    return Ranking(
        order,
        descending[ends - 1],
        ends.astype(np.int64),
        frauds[ends - 1].astype(np.int64),
        np.maximum(saved[-1] - saved[ends - 1], 0.0),
        len(order),
        int(frauds[-1]),
    )


def curves(judged: JudgedRows, ranked: Ranking, seed: int = 0) -> Curves:
    """The curves through the cuts, with bands of resampled rows, or of resampled entities where rows share them."""
    honest = max(ranked.rows - ranked.frauds, 1)
    flagged_share, recall = ranked.flagged / ranked.rows, ranked.caught / max(ranked.frauds, 1)
    rate = ranked.false_alarms / honest
    bands: list[tuple[Floats, Floats, Floats]] = []
    for caught, false_alarms in _resampled(judged, ranked, np.random.default_rng(seed)):
        found, wrong = caught / max(caught[-1], 1), false_alarms / max(false_alarms[-1], 1)
        flagged = np.maximum(caught + false_alarms, 1)
        precision = np.interp(recall, found, caught / flagged)
        bands.append((precision, np.interp(flagged_share, flagged / flagged[-1], found), np.interp(rate, wrong, found)))
    lows, highs = np.quantile(np.array(bands), [0.025, 0.975], axis=0)
    return Curves(
        thresholds=listed(ranked.thresholds),
        flagged_share=listed(flagged_share),
        recall=listed(recall),
        precision=listed(ranked.caught / ranked.flagged),
        false_positive_rate=listed(rate),
        precision_low=listed(lows[0]),
        precision_high=listed(highs[0]),
        recall_low=listed(lows[1]),
        recall_high=listed(highs[1]),
        roc_low=listed(lows[2]),
        roc_high=listed(highs[2]),
    )


def listed(values: Floats) -> tuple[float, ...]:
    """Numbers as JSON holds them."""
    return tuple(values.tolist())


def _places(ends: NDArray[np.intp], caught: Counts, flagged: int) -> NDArray[np.intp]:
    """Cuts spread evenly over the frauds, the others and, the first ones densely, over all records."""
    false_alarms = ends - caught
    places = [
        np.searchsorted(caught, np.linspace(1, caught[-1], PLACES)),
        np.searchsorted(false_alarms, np.linspace(0, false_alarms[-1], PLACES)),
        np.searchsorted(ends, np.geomspace(1, ends[-1], PLACES)),
        np.searchsorted(ends, [1, flagged, ends[-1]]),
    ]
    return np.unique(np.minimum(np.concatenate(places), len(ends) - 1))


def _resampled(judged: JudgedRows, ranked: Ranking, random: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Frauds and others at and above each cut in each resample; a row occurs as often as Poisson's law says."""
    starts = np.r_[0, ranked.flagged[:-1]]
    is_fraud = judged.labels[ranked.order]
    if judged.entities is None:  # counts of rows that occur each for itself are Poisson counts again
        caught = random.poisson(np.diff(np.r_[0, ranked.caught]), (RESAMPLES, len(starts)))
        others = random.poisson(np.diff(np.r_[0, ranked.false_alarms]), (RESAMPLES, len(starts)))
        return list(zip(np.cumsum(caught, axis=1) * 1.0, np.cumsum(others, axis=1) * 1.0, strict=True))
    entities = judged.entities[ranked.order]
    found = []
    for _ in range(RESAMPLES):
        weight = random.poisson(1.0, int(entities.max()) + 1)[entities]
        cells = np.add.reduceat(weight, starts), np.add.reduceat(weight * is_fraud, starts)
        found.append((np.cumsum(cells[1]) * 1.0, np.cumsum(cells[0] - cells[1]) * 1.0))
    return found
