"""What histories say of the rows of a table, computed from its rows."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns, Remembered
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.features.remembering import Arrivals, Remembering, labels_of
from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.histories import Histories
from fraud_detection_api.schemas.use_case import UseCase


def remembered_in(raw: RawTable, columns: Columns, problems: Iterable[Problem], use_case: UseCase) -> Remembered:
    """What is known of each row's keys just before it; rows with a problem know nothing, nor does anybody of them."""
    remembering, size = Remembering(use_case), len(columns)
    readable = np.setdiff1d(np.arange(size), [each.row for each in problems])
    columns = columns.take(readable)
    beside = {name: raw[name][readable] for name in raw if name not in use_case.by_name}
    arrivals = arrivals_in(beside, remembering.times(columns), use_case)
    return _spread(remembering.of_table(columns, arrivals), readable, size)


def arrivals_in(raw: RawTable, times: NDArray[np.int64], use_case: UseCase) -> Arrivals:
    """When each row arrived, and its label with the time at which it was known."""
    histories = use_case.histories
    received = raw.get(histories.received_at or "") if histories else None
    arrived = None if received is None else _milliseconds(received)
    if arrived is not None:
        arrived = np.where(arrived == MISSING, times, arrived)
    if histories is None or use_case.label is None:
        return Arrivals(arrived)
    if use_case.label not in raw:
        _refuse_without_labels(histories, use_case.label)
        return Arrivals(arrived)
    known_at = _known_at(raw, histories, times)
    labels = raw[use_case.label].astype(np.float64)
    return Arrivals(arrived, labels_of(labels == 1, np.where(np.isnan(labels), MISSING, known_at)))


def _known_at(raw: RawTable, histories: Histories, times: NDArray[np.int64]) -> NDArray[np.int64]:
    if histories.label_known_at is None:
        return times
    if histories.label_known_at in raw:
        return _milliseconds(raw[histories.label_known_at])
    if histories.counts_frauds:
        raise DataRefused(
            f"The table has no column {histories.label_known_at}, which says when each label was known: without it, "
            "known frauds would be counted before anybody knew of them. Add it, rename the column that holds it, or "
            "bring the features of the histories."
        )
    return times


def _refuse_without_labels(histories: Histories, label: str) -> None:
    if histories.counts_frauds:
        raise DataRefused(f"The table has no column {label}, and its histories count known frauds: add it.")


def _spread(found: Remembered, rows: NDArray[np.intp], size: int) -> Remembered:
    """The same among all rows of the table."""
    if len(rows) == size:
        return found
    values, flags = np.full((len(found.values), size), np.nan), np.zeros((len(found.flags), size), np.uint8)
    received = np.zeros((len(found.received), size), np.int64)
    values[:, rows], flags[:, rows], received[:, rows] = found.values, found.flags, found.received
    return Remembered(values, flags, received)


def _milliseconds(moments: RawColumn) -> NDArray[np.int64]:
    """Milliseconds since 1970; no time is MISSING, as numpy has it."""
    return moments.astype("datetime64[ms]").astype(np.int64)
