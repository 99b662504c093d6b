"""Days and times as numbers: days since 1970 and milliseconds since 1970 in UTC, converted here and nowhere else."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import isnan
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray
from pydantic_core import PydanticCustomError

DAY = 86_400_000  # milliseconds
MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_TIME, LAST_TIME = -62_135_596_800_000, 253_402_300_799_999  # from the year 1 to the end of 9999
NO_DATE = "Input should be a date, YYYY-MM-DD"
NO_TIME = "Input should be a time in ISO 8601, such as 2024-05-31T12:30:00.123Z"
NO_ZONE = "The time has no zone: end it with Z for UTC, or with its offset, such as +02:00"

Moments = NDArray[np.datetime64]
Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]
# one value, or a column of them: for one alone, numpy takes ten times as long
Values = TypeVar("Values", float, Numbers)

_EPOCH_DAY, _EPOCH_IN_UTC = EPOCH.toordinal(), EPOCH.replace(tzinfo=None)
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:[0-5]\d)?", re.ASCII)


def day_number(day: date) -> int:
    """Days since 1970."""
    return day.toordinal() - _EPOCH_DAY


def day_of(number: int) -> date:
    """The date of a day counted from 1970."""
    return date.fromordinal(number + _EPOCH_DAY)


def time_number(moment: datetime) -> int:
    """Milliseconds since 1970; what is finer is cut off."""
    return (moment - EPOCH) // MILLISECOND


def time_text(number: int) -> str:
    """The time of so many milliseconds since 1970 in ISO 8601, as 2024-05-31T12:30:00.123Z."""
    moment = _EPOCH_IN_UTC + number * MILLISECOND
    return f"{moment.isoformat(timespec='milliseconds' if number % 1000 else 'seconds')}Z"


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


def zoned_time(value: object) -> object:
    """A time with its zone, to the millisecond, from text or time; whatever is neither is for the type check."""
    moment = iso_time(value) if isinstance(value, str) else value
    if isinstance(moment, str):
        raise PydanticCustomError("time", NO_TIME)
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise PydanticCustomError("time_zone", NO_ZONE)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


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


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def local_times(times: Values, zone: str) -> Values:
    """Milliseconds as the clocks of a zone show them, as if its offset had passed since 1970, too; NaN stays."""
    if zone == "UTC":
        return times
    if isinstance(times, float):
        if isnan(times):
            return times
        before, change, after = _offsets(zone, int(times // DAY))
        return times + (before if times < change else after)
    days, places = np.unique(np.floor(np.nan_to_num(times) / DAY), return_inverse=True)
    before, change, after = np.array([_offsets(zone, int(day)) for day in days], dtype=np.float64).reshape(-1, 3).T
    local: Numbers = times + np.where(times < change[places], before[places], after[places])
    return local


@lru_cache(maxsize=1 << 15)
def _offsets(zone: str, day: int) -> tuple[int, int, int]:
    """A zone's offset when a day of UTC begins, when it changes on that day, and to what."""
    low, high = day * DAY, (day + 1) * DAY
    before, after = _offset(zone, low), _offset(zone, high - 1)
    while before != after and high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return before, high, after


def _offset(zone: str, time: int) -> int:
    safe = min(max(time, FIRST_TIME + 2 * DAY), LAST_TIME - 2 * DAY)  # where datetime can still add it
    offset = (EPOCH + safe * MILLISECOND).astimezone(ZoneInfo(zone)).utcoffset()
    return (offset or timedelta(0)) // MILLISECOND
