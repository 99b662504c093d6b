"""Features of histories that a table brings, because somebody has computed them: taken as they are, once checked."""

from collections.abc import Iterable, Iterator

import numpy as np

from fraud_detection_api.errors import DataRefused, FileWithoutHistories
from fraud_detection_api.features.check import bound_message
from fraud_detection_api.features.columns import Remembered
from fraud_detection_api.features.tables import RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase


def brings_features(names: Iterable[str], use_case: UseCase) -> bool:
    """Whether a table with these columns has what histories say; refused where it has some of it."""
    wanted, there = [each.name for each in use_case.histories.features] if use_case.histories else [], set(names)
    lacking = [name for name in wanted if name not in there]
    if lacking and len(lacking) < len(wanted):
        raise DataRefused(
            f"The table has some features of histories and lacks {', '.join(lacking)}: bring all of them, or none, "
            "so that they are computed from its rows."
        )
    return bool(wanted) and not lacking


def columns_to_bring(use_case: UseCase) -> dict[str, Kind]:
    """The columns that records have to bring where nobody looks their histories up."""
    return {each.name: Kind.NUMBER for each in (use_case.histories.features if use_case.histories else ())}


def refuse_without_histories(names: Iterable[str], use_case: UseCase, table: str) -> None:
    """Refuse a table of records alone: it does not say what was known before them."""
    if use_case.histories and not brings_features(names, use_case):
        raise FileWithoutHistories(table, use_case.name, use_case.histories.features[0].name)


def brought(raw: RawTable, use_case: UseCase) -> Remembered | None:
    """What a table says of its own rows, as it says it; nothing where there are no histories."""
    if use_case.histories is None:
        return None
    size = len(next(iter(raw.values())))
    values = [raw[each.name].astype(np.float64) for each in use_case.histories.features]
    of_keys = (len(use_case.histories.of), size)
    return Remembered(np.array(values), np.zeros(of_keys, np.uint8), np.zeros(of_keys, np.int64))


def problems_of_brought(raw: RawTable, use_case: UseCase) -> Iterator[Problem]:
    """What a table says of its rows that no history can say: nothing at all, or more than all."""
    for each in use_case.histories.features if use_case.histories and brings_features(raw, use_case) else ():
        values = raw[each.name].astype(np.float64)
        fits = (values >= each.low) & (values <= each.high) | (np.isnan(values) & each.optional)
        for row in np.flatnonzero(~fits):
            yield Problem(int(row), each.name, bound_message(each, float(values[row]))[0], float(values[row]))
