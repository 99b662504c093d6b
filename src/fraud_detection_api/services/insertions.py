"""What /insert is sent becomes columns piece by piece: as objects, short scores would take twenty times their bytes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
from pydantic import TypeAdapter, ValidationError

from fraud_detection_api.errors import InputRefused
from fraud_detection_api.features.json_values import Content, JsonValues
from fraud_detection_api.features.validated import misfits_of
from fraud_detection_api.problems import MOST_PROBLEMS, Misfit
from fraud_detection_api.schemas.plain_values import DEEPEST, MOST_ITEMS, plain
from fraud_detection_api.schemas.stored_scores import Classes, Ids, Insertion, Probabilities, ScoreColumn

NAMES = frozenset(Insertion.model_fields)


@dataclass(frozen=True)
class _Column:
    """A field that may be a list: what its values have to be, and how they are kept."""

    values: TypeAdapter[Any]
    kept: Callable[[list[Any]], ScoreColumn]


def _same_texts(texts: list[str]) -> ScoreColumn:
    """Each class once in memory, however often it comes; not interned, which may be for good."""
    known: dict[str, str] = {}
    return np.array(list(map(known.setdefault, texts, texts)), dtype=object)


_COLUMNS = {
    "id": _Column(TypeAdapter(Ids), partial(np.array, dtype=np.int64)),
    "outlier_prob": _Column(TypeAdapter(Probabilities), partial(np.array, dtype=np.float64)),
    "class_pred": _Column(TypeAdapter(Classes), _same_texts),
}


def insertion_in(body: Content) -> Insertion:
    """The scores of a body; refuses what is wrong with it. Single values are lists of one."""
    reading = _Reading(JsonValues(body))
    try:
        return Insertion.model_validate(reading.content())
    except ValidationError as error:
        raise InputRefused([reading.placed(misfit) for misfit in misfits_of(error, ("body",))]) from None


class _Reading:
    """One body on its way to an insertion."""

    def __init__(self, values: JsonValues) -> None:
        self._values = values
        self._skipped = dict.fromkeys(_COLUMNS, 0)  # good values of a list, before the wrong one that stands for it
        self._is_alone = False

    def content(self) -> object:
        """What Pydantic is to look at: no more of each list than its first wrong value, if there is one."""
        if self._values.opening != "{":
            return self._values.only()
        found: dict[str, object] = {}
        for name in self._values.names():
            value = self._value(name)
            if name in NAMES or len(found) < len(NAMES) + MOST_PROBLEMS:
                found[name] = value
        self._values.refuse_more()
        return self._as_lists(found)

    def placed(self, misfit: Misfit) -> Misfit:
        """A problem in its place of the body, as it was sent."""
        part, name, *rows = misfit.place if len(misfit.place) > 1 else (*misfit.place, "")
        if self._is_alone or not rows or not isinstance(rows[0], int):
            return replace(misfit, place=misfit.place[:2])
        return replace(misfit, place=(part, name, rows[0] + self._skipped[str(name)]))

    def _value(self, name: str) -> object:
        if name in _COLUMNS and self._values.opening == "[":
            return self._column(name, _COLUMNS[name])
        value = self._values.value()
        if name not in NAMES:
            return plain(value, DEEPEST)  # it is only told
        return plain(value, 1) if isinstance(value, dict | list) else value

    def _column(self, name: str, column: _Column) -> ScoreColumn | list[object]:
        parts: list[ScoreColumn] = []
        wrong: list[object] = []
        self._skipped[name] = 0
        for batch in self._values.items():
            if not wrong:
                try:
                    parts.append(column.kept(column.values.validate_python(batch, strict=True)))
                    self._skipped[name] += len(batch)
                except ValidationError as error:
                    row = int(error.errors()[0]["loc"][0])
                    self._skipped[name] += row
                    wrong = [plain(batch[row], 1) if isinstance(batch[row], dict | list) else batch[row]]
        return wrong or cast("ScoreColumn", np.concatenate(parts))

    def _as_lists(self, found: dict[str, object]) -> dict[str, object]:
        columns = [found[name] for name in _COLUMNS if name in found]
        self._is_alone = bool(columns) and not isinstance(columns[0], list | np.ndarray)
        if not self._is_alone:
            return found
        return {name: [_shown(value)] if name in _COLUMNS else value for name, value in found.items()}


def _shown(value: object) -> object:
    return value[:MOST_ITEMS].tolist() if isinstance(value, np.ndarray) else value
