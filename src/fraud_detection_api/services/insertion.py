"""What is sent to be stored becomes columns: whole columns are looked at, single values only where one is wrong."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import Misfit, ScoresRefused, TooManyRecords
from fraud_detection_api.schemas.stored_scores import FRAUD_CLASSES, LEAST_ID, MOST_ID, Insertion, StoredScores

COLUMNS = ("id", "outlier_prob", "class_pred")
NAMES = ("project_name", "table_name")
MOST_MISFITS = 100
EXACT = 2**53  # below it a float names one whole number

Look = Callable[[object], tuple[str, str] | None]
Column = TypeVar("Column")


@dataclass(frozen=True)
class ReadInsertion:
    """Scores, and the table of the project that they are for."""

    project: str
    table: str
    scores: StoredScores


def read_insertion(content: object, most: int) -> ReadInsertion:
    """The columns of an insertion; refused with the place of every value that is wrong, or the first of them."""
    if not isinstance(content, dict):
        raise ScoresRefused([Misfit((), "Input should be an object", content, "dict_type")])
    _refuse(_wrong_fields(content))
    _refuse(_wrong_names(content))
    for name in COLUMNS:
        if isinstance(content[name], list) and len(content[name]) > most:
            raise TooManyRecords(most)
    _refuse(_wrong_forms(content))
    alone = not isinstance(content["id"], list)
    ids, probabilities, classes = ([content[name]] if alone else content[name] for name in COLUMNS)
    looked_at = _ids(ids), _probabilities(probabilities), _classes(classes)
    if any(column is None for column in looked_at):
        given = zip(COLUMNS, (ids, probabilities, classes), (_wrong_id, _wrong_probability, _wrong_class), strict=True)
        _refuse(misfit for name, values, look in given for misfit in _wrong_values(name, values, look, alone))
    return ReadInsertion(content["project_name"], content["table_name"], _stored(*looked_at))


def _stored(
    ids: NDArray[np.int64] | None, probabilities: NDArray[np.float64] | None, classes: Sequence[str] | None
) -> StoredScores:
    if ids is None or probabilities is None or classes is None:
        raise RuntimeError("a column was refused without a reason")
    return StoredScores(ids, probabilities, classes)


def _refuse(misfits: Iterator[Misfit]) -> None:
    found = list(islice(misfits, MOST_MISFITS))
    if found:
        raise ScoresRefused(found)


def _wrong_fields(content: Mapping[str, object]) -> Iterator[Misfit]:
    known = Insertion.model_fields
    yield from (Misfit((name,), "Field required", dict(content), "missing") for name in known if name not in content)
    extra = [name for name in content if name not in known]
    yield from (Misfit((name,), "Extra inputs are not permitted", content[name], "extra_forbidden") for name in extra)


def _wrong_names(content: Mapping[str, object]) -> Iterator[Misfit]:
    for name in NAMES:
        if not isinstance(content[name], str):
            yield Misfit((name,), "Input should be a valid string", content[name], "string_type")


def _wrong_forms(content: Mapping[str, object]) -> Iterator[Misfit]:
    ids = content["id"]
    for name in COLUMNS[1:]:
        values = content[name]
        if isinstance(values, list) and isinstance(ids, list):
            if len(values) != len(ids):
                message = f"Input should have as many values as id, {len(ids):,} and not {len(values):,}"
                yield Misfit((name,), message, len(values), "unequal_lengths")
        elif isinstance(values, list) or isinstance(ids, list):
            form = "a list" if isinstance(ids, list) else "a single value"
            yield Misfit((name,), f"Input should be {form} as id is", values, "mixed_forms")


def _wrong_values(name: str, values: Sequence[object], look: Look, alone: bool) -> Iterator[Misfit]:
    for row, value in enumerate(values):
        wrong = look(value)
        if wrong:
            kind, message = wrong
            yield Misfit((name,) if alone else (name, row), message, value, kind)


def _ids(values: Sequence[object]) -> NDArray[np.int64] | None:
    if not set(map(type, values)) <= {int}:
        if any(map(_wrong_id, values)):
            return None
        values = [int(value) for value in values if isinstance(value, int | float)]
    try:
        return np.array(values, np.int64)
    except OverflowError:
        return None


def _wrong_id(value: object) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "int_type", "Input should be a valid integer"
    if isinstance(value, int):
        return None if LEAST_ID <= value <= MOST_ID else ("int_range", "Input should be an integer of 64 bits")
    if not value.is_integer():
        return "int_from_float", "Input should be a valid integer, got a number with a fractional part"
    return None if abs(value) < EXACT else ("int_range", "Input should be written as an integer of 64 bits")


def _probabilities(values: Sequence[object]) -> NDArray[np.float64] | None:
    if not set(map(type, values)) <= {int, float}:
        return None
    try:
        found = np.array(values, np.float64)
    except OverflowError:
        return None
    return found + 0.0 if bool(np.all((found >= 0) & (found <= 1))) else None  # -0.0 is 0.0


def _wrong_probability(value: object) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "float_type", "Input should be a valid number"
    if isinstance(value, float) and not math.isfinite(value):
        return "finite_number", "Input should be a finite number"
    if value < 0:
        return "greater_than_equal", "Input should be greater than or equal to 0"
    return ("less_than_equal", "Input should be less than or equal to 1") if value > 1 else None


def _classes(values: Sequence[object]) -> Sequence[str] | None:
    texts = [value for value in values if isinstance(value, str)]
    return texts if len(texts) == len(values) and set(texts) <= set(FRAUD_CLASSES) else None


def _wrong_class(value: object) -> tuple[str, str] | None:
    words = " or ".join(map(repr, FRAUD_CLASSES))
    return None if value in FRAUD_CLASSES else ("literal_error", f"Input should be {words}")
