"""Anomalies: how the scores of the training rows are spread, where a model learned without labels."""

import numpy as np

from fraud_detection_api.model.manifest import Manifest, Ranks
from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.report.contents import Anomalies, Flagging
from fraud_detection_api.training.report.ranking import listed

BARS = 40
OTHERS = (0.0001, 0.001, 0.01, 0.05, 0.1)  # shares of the training rows that somebody might want to look at
NARROWEST = 0.01
COUNTED = "flagged_share"  # what the gate calls the share that it has counted


def anomalies(manifest: Manifest) -> Anomalies:
    """What the ranks of a model say of the rows that it learned from, where it learned without labels."""
    ranks = manifest.known_ranks
    rows = manifest.data.rows if manifest.data else 0
    edges = _edges(ranks)
    reached = _below(ranks, edges)
    reached[0] = 0
    return Anomalies(
        rows=rows,
        flagged=round(flagged_share(manifest) * rows),
        edges=listed(edges),
        shares=listed(np.diff(reached)),
        others=tuple(_flagging(ranks, share) for share in OTHERS if share * rows >= 1),
    )


def flagged_share(manifest: Manifest) -> float:
    """The share of the training rows that is flagged: as the gate has counted it, else as the ranks have it."""
    counted = (check.numbers[COUNTED] for check in manifest.gate.checks if COUNTED in check.numbers)
    return next(counted, float(_below(manifest.known_ranks, np.array([manifest.threshold]))[0]))


def _below(ranks: Ranks, scores: Doubles) -> Doubles:
    """The share of the training rows that is more unusual than each of these scores, on lines between the ranks."""
    reached: Doubles = np.interp(scores, ranks.scores, 1 - np.array(ranks.shares), left=0.0)
    return reached


def _flagging(ranks: Ranks, share: float) -> Flagging:
    at = float(np.interp(share, 1 - np.array(ranks.shares), ranks.scores))
    return Flagging(threshold=at, share=share)


def _edges(ranks: Ranks) -> Doubles:
    low = np.floor(ranks.scores[0] / NARROWEST) * NARROWEST
    high = np.ceil(ranks.scores[-1] / NARROWEST) * NARROWEST
    edges: Doubles = np.linspace(low, max(high, low + NARROWEST), BARS + 1)
    return edges
