"""What histories say of the rows of a training table: computed from its rows, or read where it has been computed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns, Remembered
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.features.remembering import Arrivals, Remembering, labels_of
from fraud_detection_api.features.tables import RawColumn, RawTable
from fraud_detection_api.schemas.use_case import UseCase


def remembered_in(raw: RawTable, columns: Columns, labels: NDArray[np.bool_], use_case: UseCase) -> Remembered:
    """What is known of each row's keys just before it."""
    remembering = Remembering(use_case)
    names = [each.name for each in remembering.histories.features]
    there = [name for name in names if name in raw]
    if not there:
        return remembering.of_table(columns, arrivals_in(raw, remembering.times(columns), labels, use_case))
    _refuse_some(names, there)
    values = np.array([raw[name].astype(np.float64) for name in names])
    of_keys = (len(remembering.kernels), len(columns))
    return Remembered(values, np.zeros(of_keys, np.uint8), np.zeros(of_keys, np.int64))


def arrivals_in(raw: RawTable, times: NDArray[np.int64], labels: NDArray[np.bool_], use_case: UseCase) -> Arrivals:
    """When each row arrived, and its label with the time at which it was known."""
    histories = use_case.histories
    received = raw.get(histories.received_at or "") if histories else None
    known_at = raw.get(histories.label_known_at or "") if histories else None
    arrived = None if received is None else _milliseconds(received)
    if arrived is not None:
        arrived = np.where(arrived == MISSING, times, arrived)
    if use_case.label is None:
        return Arrivals(arrived)
    return Arrivals(arrived, labels_of(labels, times if known_at is None else _milliseconds(known_at)))


def _milliseconds(moments: RawColumn) -> NDArray[np.int64]:
    """Milliseconds since 1970; no time is MISSING, as numpy has it."""
    return moments.astype("datetime64[ms]").astype(np.int64)


def _refuse_some(names: Sequence[str], there: Sequence[str]) -> None:
    lacking = [name for name in names if name not in there]
    if lacking:
        raise DataRefused(
            f"The table has some features of histories and lacks {', '.join(lacking)}: bring all of them, or none, "
            "so that they are computed from its rows."
        )
