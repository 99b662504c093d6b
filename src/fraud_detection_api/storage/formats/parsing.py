"""Numbers, booleans, dates and times parsed from text: texts become typed Arrow arrays, null where unreadable."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.times import NO_DATE, NO_TIME
from fraud_detection_api.storage.formats.arrow import pa, pc

MISSING = ("", "NA", "NaN", "nan", "null", "NULL")
WORDS = {
    Kind.INTEGER: "Input should be a valid integer",
    Kind.NUMBER: "Input should be a valid number",
    Kind.BOOLEAN: "Input should be a valid boolean",
    Kind.CATEGORY: "Input should be a valid string",
    Kind.DATE: NO_DATE,
    Kind.TIME: NO_TIME,
}

_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMPACT_DAY = re.compile(r"\d{8}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d{1,9})?)?)?\s?(Z|[+-]\d\d:?[0-5]\d)?)?", re.ASCII)
_SHORTEST_TIME = len("2024-05-31T12:30")
_EXACT = 2**53  # whole numbers beyond this lose digits as float64


def typed(texts: pa.Array, kind: Kind) -> tuple[pa.Array, NDArray[np.intp]]:
    """The values that texts hold, and the rows whose text is of another kind."""
    if kind is Kind.CATEGORY:
        return pc.if_else(pc.equal(texts, ""), None, texts), np.empty(0, dtype=np.intp)
    trimmed = pc.utf8_trim_whitespace(texts)
    is_missing = pc.or_kleene(pc.is_null(texts), pc.is_in(trimmed, pa.array(MISSING)))
    present = pc.if_else(is_missing, None, trimmed)
    if kind in (Kind.DATE, Kind.TIME):
        values = _moments(present, kind)
    else:
        values = _booleans(present) if kind is Kind.BOOLEAN else _numbers(present, whole=kind is Kind.INTEGER)
    unreadable = pc.and_(pc.is_null(values), pc.invert(is_missing))
    return values, np.flatnonzero(unreadable.to_numpy(zero_copy_only=False))


def _numbers(texts: pa.Array, *, whole: bool) -> pa.Array:
    if not pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():  # Arrow would read 0x10
        try:
            if whole:
                return pc.cast(texts, pa.int64())
        except pa.ArrowInvalid:
            pass
        try:
            values = pc.cast(texts, pa.float64())
            if not whole or (pc.max(pc.abs(values)).as_py() or 0) < _EXACT:
                return values
        except pa.ArrowInvalid:
            pass
    return _one_by_one(texts, _whole if whole else _number)


def _booleans(texts: pa.Array) -> pa.Array:
    position = pc.index_in(pc.utf8_lower(texts), pa.array(["false", "true", "0", "1"]))
    return pc.cast(pc.bit_wise_and(position, 1), pa.bool_())


def _moments(texts: pa.Array, kind: Kind) -> pa.Array:
    if kind is Kind.DATE or (pc.min(pc.binary_length(texts)).as_py() or 0) >= _SHORTEST_TIME:
        for type_ in (pa.timestamp("us"), pa.timestamp("us", "UTC")):  # all without a zone, or all with one
            with suppress(pa.ArrowInvalid):
                return pc.cast(texts, type_).cast(pa.timestamp("us"))
    found = texts.dictionary_encode()
    known = pa.array([moment_of(text, kind) for text in found.dictionary.to_pylist()], pa.timestamp("us"))
    return known.take(found.indices)


def _one_by_one(texts: pa.Array, read: Callable[[str], float | None]) -> pa.Array:
    found = texts.dictionary_encode()
    values = [read(text) for text in found.dictionary.to_pylist()]
    exact = all(value is None or (isinstance(value, int) and -(2**63) <= value < 2**63) for value in values)
    known = pa.array(values if exact else [None if value is None else float(value) for value in values])
    return known.cast(pa.int64() if exact else pa.float64()).take(found.indices)


def _whole(text: str) -> float | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    number = _number(text)
    return int(number) if number is not None and number.is_integer() else number


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def moment_of(text: str, kind: Kind) -> datetime | None:
    """The moment, in UTC where it has a zone, of an ISO timestamp; of a day, too, where a date is wanted."""
    if kind is Kind.TIME and len(text) < _SHORTEST_TIME:
        return None
    if not (_ISO.fullmatch(text) or _COMPACT_DAY.fullmatch(text)):
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def in_utc(moment: datetime) -> datetime | None:
    """The moment as a clock in UTC shows it; none before the year 1 or after 9999."""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:
        return None
