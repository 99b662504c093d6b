"""Periods: a split by time of records that are too many to look at together, from their numbers hour by hour."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.histories import HOUR
from fraud_detection_api.schemas.times import DAY, day_of
from fraud_detection_api.training.tables.split import USUAL_SHARES, VALIDATION_SHARE, Split, cuts, described

HOURS = DAY // HOUR
MATURE = 0.95  # of a day's labels are known: from the last such day on, nothing learns and nothing is judged
NOWHERE, TRAIN, STOPPING, CALIBRATION, VALIDATION = range(5)

Whole = NDArray[np.int64]
Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Hours:
    """Hours since 1970, the records of each, how many labels of these are known by now, and how many of them frauds."""

    hours: Whole
    records: Whole
    known: Whole
    frauds: Whole

    def until(self, end: int) -> "Hours":
        """Those before an hour."""
        before = self.hours < end
        return Hours(self.hours[before], self.records[before], self.known[before], self.frauds[before])


@dataclass(frozen=True)
class Periods:
    """Where the parts begin and end, in milliseconds since 1970, and how many rows the training part has."""

    train_until: int
    stopping: int
    calibration: int
    validation: int
    end: int
    how: str
    honest: int  # of the training part
    frauds: int

    def parts_of(self, times: Whole) -> Codes:
        """Which part each record belongs to: one of the numbers above; those in the gap to none."""
        codes = np.searchsorted([self.stopping, self.calibration, self.validation, self.end], times, side="right")
        parts = np.array([TRAIN, STOPPING, CALIBRATION, VALIDATION, NOWHERE], np.int8)[codes]
        parts[(times >= self.train_until) & (times < self.stopping)] = NOWHERE
        return parts

    def split(self, parts: Codes) -> Split:
        """The rows of each part."""
        train, stopping, calibration, validation = (
            np.flatnonzero(parts == part) for part in (TRAIN, STOPPING, CALIBRATION, VALIDATION)
        )
        return Split(
            train,
            stopping,
            calibration,
            validation,
            self.how,
            trained_until=day_of((self.train_until - 1) // DAY),
            chosen_until=day_of((self.validation - 1) // DAY),
            validated_from=day_of(self.validation // DAY),
        )


def periods(every: Hours, gap_days: int, share: float, most: int) -> Periods:
    """The newest records whose labels have come in judge: this share of all, and so many at most.

    Those that stop and calibrate come before them, half and a quarter as many; then a gap; whatever is older trains.
    """
    end = _matured(every)
    known = every.until(end)
    share = min(share, most / max(int(known.known.sum()), 1))
    scaled = [each * share / VALIDATION_SHARE for each in USUAL_SHARES]
    starts = cuts(known.known, "hour(s)", (scaled[0], scaled[1], scaled[2]))
    stopping, calibration, validation = (int(known.hours[start]) for start in starts)
    trained = known.until(stopping - gap_days * HOURS)
    if not trained.known.any():
        raise DataRefused(
            f"A gap of {gap_days} days leaves no record to train on: labels are known from "
            f"{day_of(int(every.hours[0]) // HOURS)} to {day_of(end // HOURS - 1)}. Choose a smaller gap, or more data."
        )
    frauds = int(trained.frauds.sum())
    return Periods(
        train_until=(stopping - gap_days * HOURS) * HOUR,
        stopping=stopping * HOUR,
        calibration=calibration * HOUR,
        validation=validation * HOUR,
        end=end * HOUR,
        how=described(known.hours // HOURS, starts, gap_days),
        honest=int(trained.known.sum()) - frauds,
        frauds=frauds,
    )


def _matured(every: Hours) -> int:
    """The hour at which the last day ends of whose records nearly all labels are known."""
    days, of = np.unique(every.hours // HOURS, return_inverse=True)
    known, records = (np.bincount(of, counts) for counts in (every.known, every.records))
    mature = np.flatnonzero(known >= MATURE * records)
    if not len(mature):
        raise DataRefused("Of no day are the labels known yet: wait for them, or look at when they are known.")
    return int(days[mature[-1]] + 1) * HOURS
