"""What a review budget finds: the most suspicious share of all records, or the most suspicious so many of each day.

Records with the same probability share the places that are left for them: what counts is what reviewing them in a
random order would find on average, so that no order of the table decides.
"""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.proof.ranked_rows import Positions, RankedRows, Weighed, cumulated
from fraud_detection_api.training.tables.dataset import Days


class ShareReview:
    """People review the most suspicious share of all records."""

    def __init__(self, ranked: RankedRows, share: float) -> None:
        self._ranked, self._share = ranked, share

    def values(self, weighed: Weighed) -> tuple[float, ...]:
        """In the order of measures.REVIEW."""
        places = float(np.floor(self._share * weighed.total + 1e-9))
        if not places:
            return 0.0, 0.0
        found = self._found(weighed, places)
        return found / places, found / weighed.frauds

    def _found(self, weighed: Weighed, places: float) -> float:
        last = int(np.searchsorted(weighed.reached, places, side="right")) - 1
        if last == len(self._ranked):
            return weighed.frauds
        begin, end = self._ranked.ties_of(last)
        above, tied = weighed.reached[begin], weighed.reached[end] - weighed.reached[begin]
        caught = weighed.caught[self._ranked.frauds_before(begin)]
        caught_with_ties = weighed.caught[self._ranked.frauds_before(end)]
        return float(caught + (caught_with_ties - caught) * (places - above) / tied)


class DailyReview:
    """People review the most suspicious so many of each day: entities, where records share one, or else records.

    An entity counts once a day, by its highest probability; once it is found (reviewed on a day on which it is truly
    fraudulent) it neither takes a place nor counts again on later days. Only entities that are fraudulent at some time
    can be found, so that all others are cumulated once, and the days are walked over those few alone.
    """

    def __init__(self, rows: HoldoutRows, a_day: int) -> None:
        if rows.days is None:
            raise ValueError("a daily review needs days")
        shown = _Shown(rows, rows.days)
        self._places = a_day
        is_suspect = shown.is_suspect
        self._others, suspects = shown.row[~is_suspect], np.flatnonzero(is_suspect)
        before = np.r_[0, np.cumsum(is_suspect)]  # how many suspects stand before each position
        edges = np.stack([shown.day_start, shown.tie_start, shown.tie_end])[:, suspects]
        self._suspect_edges, self._other_edges = before[edges], edges - before[edges]
        self._suspect_days, self._other_days = before[shown.days], shown.days - before[shown.days]
        _, first, self._suspect = np.unique(shown.entity[suspects], return_index=True, return_inverse=True)
        self._suspect_rows = shown.row[suspects[first]]
        self._is_fraud = shown.is_fraud[suspects]
        days = len(shown.days) - 1
        self._walks = [(0, days)] if rows.entities is None else [(day, day + 1) for day in range(days)]

    def values(self, weighed: Weighed) -> tuple[float, ...]:
        """In the order of measures.REVIEW."""
        others = cumulated(weighed.by_row[self._others])
        suspects = weighed.by_row[self._suspect_rows]
        starts, above, through = others[self._other_edges]
        ahead, with_ties = above - starts, through - starts
        shown, left, found = np.diff(others[self._other_days]), suspects.copy(), 0.0
        for first, last in self._walks:
            begin, end = self._suspect_days[first], self._suspect_days[last]
            if begin == end:
                continue
            who, part = self._suspect[begin:end], slice(begin, end)
            sums = cumulated(left[who])
            shown[first:last] += np.diff(sums[self._suspect_days[first : last + 1] - begin])
            today, before, after = sums[self._suspect_edges[:, part] - begin]
            reviewed = self._reviewed(ahead[part] + before - today, with_ties[part] + after - today)
            caught = np.where(self._is_fraud[part], reviewed * left[who], 0)
            left[who] -= caught
            found += float(caught.sum())
        reviews = float(np.minimum(shown, self._places).sum())
        return found / max(reviews, 1), found / float(suspects.sum())

    def _reviewed(self, above: Doubles, through: Doubles) -> Doubles:
        """The share of the tied that find a place, where so many stand above them and so many through them."""
        return np.clip((self._places - above) / np.maximum(through - above, 1e-12), 0, 1)


class _Shown:
    """Who is shown on each day, by day and from the most suspicious down: every entity once."""

    def __init__(self, rows: HoldoutRows, days: Days) -> None:
        entities = np.arange(len(rows)) if rows.entities is None else rows.entities
        order = np.lexsort((-rows.probabilities, entities, days))
        firsts = np.flatnonzero(_changes(days[order], entities[order]))
        fraudulent = np.logical_or.reduceat(rows.labels[order], firsts)
        highest = order[firsts]
        order = np.lexsort((-rows.probabilities[highest], days[highest]))
        self.row, self.is_fraud = highest[order], fraudulent[order]
        self.entity = entities[self.row]
        self.is_suspect = np.isin(self.entity, self.entity[self.is_fraud])
        self.days, self.day_start, _ = _runs(days[self.row])
        _, self.tie_start, self.tie_end = _runs(days[self.row], rows.probabilities[self.row])


def _changes(*columns: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Whether a row differs from the one before it in any of the columns."""
    changes = np.ones(len(columns[0]), dtype=np.bool_)
    changes[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return changes


def _runs(*columns: NDArray[np.generic]) -> tuple[Positions, Positions, Positions]:
    """Where runs of equal rows begin, the end of the last one beside them; and each row's own begin and end."""
    bounds = np.r_[np.flatnonzero(_changes(*columns)), len(columns[0])]
    sizes = np.diff(bounds)
    return bounds, np.repeat(bounds[:-1], sizes), np.repeat(bounds[1:], sizes)
