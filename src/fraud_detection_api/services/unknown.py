"""What was not known of records, in the words of answers."""

from fraud_detection_api.features.columns import DEGRADED, Columns
from fraud_detection_api.features.history_numpy import COLD, TRUNCATED
from fraud_detection_api.schemas.address import Unknown
from fraud_detection_api.schemas.use_case import UseCase


def unknown_of(columns: Columns, use_case: UseCase) -> list[Unknown] | None:
    """What was not known of each record; None where the use case has no histories."""
    if columns.remembered is None or use_case.histories is None:
        return None
    names = [each.name for each in use_case.histories.of]
    rows = list(map(tuple, columns.remembered.flags.T.tolist()))
    known = {flags: _unknown(dict(zip(names, flags, strict=True))) for flags in set(rows)}
    return [known[flags] for flags in rows]


def _unknown(flags: dict[str, int]) -> Unknown:
    cold = tuple(name for name, flag in flags.items() if flag & COLD)
    truncated = tuple(name for name, flag in flags.items() if flag & TRUNCATED)
    return Unknown(cold, truncated, any(flag & DEGRADED for flag in flags.values()))
