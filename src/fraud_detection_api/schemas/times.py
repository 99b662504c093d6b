"""Days and times as numbers: days since 1970 and milliseconds since 1970 in UTC, converted here and nowhere else."""

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

DAY = 86_400_000  # milliseconds
MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Moments = NDArray[np.datetime64]
Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]

_EPOCH_DAY = EPOCH.toordinal()
_ISO_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII
)  # other ISO 8601, such as 20240531T1230Z, is left to no reader to guess


def day_number(day: date) -> int:
    """Days since 1970."""
    return day.toordinal() - _EPOCH_DAY


def day_of(number: int) -> date:
    """The date of a day counted from 1970."""
    return date.fromordinal(number + _EPOCH_DAY)


def time_number(moment: datetime) -> int:
    """Milliseconds since 1970; what is finer is cut off."""
    return (moment - EPOCH) // MILLISECOND


def time_of(number: int) -> datetime:
    """The time in UTC of so many milliseconds since 1970."""
    return EPOCH + number * MILLISECOND


def iso_date(text: str) -> date | str:
    """The date that a text gives as YYYY-MM-DD, else the text, for the type check to refuse."""
    try:
        return date.fromisoformat(text) if len(text) == 10 and text[7] == "-" else text  # 2024-W01-1 has ten, too
    except ValueError:
        return text


def iso_time(text: str) -> datetime | str:
    """The time that a text gives in ISO 8601, with or without a zone, else the text."""
    try:
        return datetime.fromisoformat(text) if _ISO_TIME.fullmatch(text) else text
    except ValueError:
        return text


def day_numbers(moments: NDArray[np.generic] | NDArray[np.object_]) -> Whole:
    """Days since 1970 of numpy's moments; NaT is the smallest whole number."""
    return moments.astype("datetime64[D]").astype(np.int64)


def as_moments(numbers: Numbers, unit: str) -> Moments:
    """Numbers of days (D) or milliseconds (ms) as numpy's moments, NaN as NaT."""
    missing = np.isnan(numbers)
    moments = np.where(missing, 0, numbers).astype(f"datetime64[{unit}]")
    return np.where(missing, np.datetime64("NaT"), moments).astype("datetime64[us]")


def as_numbers(moments: Moments, unit: str) -> Numbers:
    """Numpy's moments as numbers of days (D) or milliseconds (ms), NaT as NaN; what is finer is cut off."""
    whole = moments.astype(f"datetime64[{unit}]")
    return np.where(np.isnat(whole), np.nan, whole.astype(np.int64).astype(np.float64))
