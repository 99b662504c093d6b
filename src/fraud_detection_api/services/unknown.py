"""What was not known of records, in the words of answers."""

from functools import lru_cache

from fraud_detection_api.features.columns import DEGRADED, Columns
from fraud_detection_api.features.history_numpy import COLD, TRUNCATED
from fraud_detection_api.schemas.address import Unknown
from fraud_detection_api.schemas.use_case import UseCase


def unknown_of(columns: Columns, use_case: UseCase) -> list[Unknown] | None:
    """What was not known of each record; None where the use case has no histories."""
    if columns.remembered is None or use_case.histories is None:
        return None
    names = use_case.histories.names
    return [_unknown(names, tuple(flags)) for flags in columns.remembered.flags.T.tolist()]


@lru_cache(maxsize=4096)
def _unknown(names: tuple[str, ...], flags: tuple[int, ...]) -> Unknown:
    cold = tuple(name for name, flag in zip(names, flags, strict=True) if flag & COLD)
    truncated = tuple(name for name, flag in zip(names, flags, strict=True) if flag & TRUNCATED)
    return Unknown(cold, truncated, any(flag & DEGRADED for flag in flags))
