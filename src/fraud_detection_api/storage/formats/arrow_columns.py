"""Typed Arrow arrays as the columns that the rest of the product sees."""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.formats.arrow import pa, pc
from fraud_detection_api.storage.formats.parsing import WORDS, typed

_LARGEST_WHOLE = 2.0**63


def column(array: pa.Array, kind: Kind, name: str) -> tuple[RawColumn, list[Problem]]:
    """One column by its kind, and the texts in it that are no dates."""
    array = _plain(array)
    if pa.types.is_null(array.type):
        return _nothing(len(array), kind), []
    match kind:
        case Kind.CATEGORY:
            return _texts(array, name), []
        case Kind.DATE | Kind.TIME:
            return _moments(array, kind, name)
        case Kind.BOOLEAN:
            return _booleans(array, name), []
        case _:
            return _numbers(array, kind, name), []


def parsed_column(texts: pa.Array, kind: Kind, name: str) -> tuple[RawColumn, list[Problem]]:
    """One column of texts by its kind, and the texts that are of no such kind."""
    values, unreadable = typed(texts, kind)
    found, _ = column(values, kind, name)
    return found, [Problem(int(row), name, WORDS[kind], texts[int(row)].as_py(), "type") for row in unreadable]


def _plain(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type) and not pa.types.is_string(array.type.value_type):
        return array.dictionary_decode()
    return array


def _nothing(size: int, kind: Kind) -> RawColumn:
    if kind is Kind.CATEGORY:
        return np.full(size, None, dtype=object)
    is_moment = kind in (Kind.DATE, Kind.TIME)
    return np.full(size, "NaT", dtype="datetime64[us]") if is_moment else np.full(size, np.nan)


def _texts(array: pa.Array, name: str) -> NDArray[np.object_]:
    if pa.types.is_integer(array.type):
        array = array.cast(pa.string())
    if not pa.types.is_dictionary(array.type):
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            raise _other_type(array, Kind.CATEGORY, name)
        array = array.dictionary_encode()
    # each text once in memory, however often it is used
    known = np.array([*array.dictionary.to_pylist(), None], dtype=object)
    positions = array.indices.fill_null(len(known) - 1) if array.indices.null_count else array.indices
    texts: NDArray[np.object_] = known[positions.to_numpy(zero_copy_only=False)]
    return texts


def _moments(array: pa.Array, kind: Kind, name: str) -> tuple[RawColumn, list[Problem]]:
    if pa.types.is_integer(array.type) and kind is Kind.DATE:  # 20240131
        array = array.cast(pa.string())
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return parsed_column(array, kind, name)
    if not (pa.types.is_timestamp(array.type) or (pa.types.is_date(array.type) and kind is Kind.DATE)):
        raise _other_type(array, kind, name)
    moments = array.cast(pa.timestamp("us")) if pa.types.is_date(array.type) else array
    # numpy rounds down where Arrow rounds towards 1970
    return moments.to_numpy(zero_copy_only=False).astype("datetime64[us]", copy=False), []


def _booleans(array: pa.Array, name: str) -> RawColumn:
    if not (pa.types.is_boolean(array.type) or _is_numeric(array)):
        raise _other_type(array, Kind.BOOLEAN, name)
    if pa.types.is_boolean(array.type) and not array.null_count:
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool)
    values = _floats(array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array)
    return values.astype(bool) if ((values == 0) | (values == 1)).all() else values


def _numbers(array: pa.Array, kind: Kind, name: str) -> RawColumn:
    if not _is_numeric(array):
        raise _other_type(array, kind, name)
    if kind is Kind.NUMBER:
        return _floats(array)
    if pa.types.is_integer(array.type) and not array.null_count:
        try:
            return np.asarray(array.cast(pa.int64()).to_numpy())
        except pa.ArrowInvalid:  # beyond 64 bits with a sign
            return _floats(array)
    values = _floats(array)
    is_whole = (np.abs(values) < _LARGEST_WHOLE) & (values == np.floor(values))
    return values.astype(np.int64) if is_whole.all() else values


def _floats(array: pa.Array) -> NDArray[np.float64]:
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.string())  # through its digits: a division would round twice
    floats = pc.cast(array, pa.float64(), safe=False)
    return np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


def _is_numeric(array: pa.Array) -> bool:
    kind = array.type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _other_type(array: pa.Array, kind: Kind, name: str) -> DataRefused:
    kept = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    return DataRefused(f"Column {name} holds {kept}, but the record says {kind}: convert it in the table.")
