"""The one check of bounds and rules: records and tables both go through these lines."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from fraud_detection_api.errors import RecordsRefused
from fraud_detection_api.features.columns import Columns, Texts
from fraud_detection_api.problems import MOST_PROBLEMS, Problem
from fraud_detection_api.schemas.record import Feature, Kind, formatted, lengths_of
from fraud_detection_api.schemas.use_case import Rule, UseCase

CHECKED_AT_ONCE = 8_192


class RecordCheck:
    """Bounds, required values and rules of a use case, for whole columns at once."""

    def __init__(self, use_case: UseCase) -> None:
        self._use_case = use_case
        self._low = np.array([[field.low] for field in use_case.inputs])
        self._high = np.array([[field.high] for field in use_case.inputs])
        self._optional = np.array([[field.optional] for field in use_case.inputs])
        self._position = {field.name: index for index, field in enumerate(use_case.inputs)}

    def refuse(self, columns: Columns) -> None:
        """Raise RecordsRefused with the first problems, if there is one."""
        found = self.first_problems(columns)
        if found:
            raise RecordsRefused(found)

    def problems(self, columns: Columns) -> list[Problem]:
        """Everything that is wrong with these records, in the order of the rows."""
        inside = self._inside(columns)
        found = [] if _all(inside) else list(self._out_of_bounds(columns, inside))
        found += self._unfit_identifiers(columns)
        for rule in self._use_case.rules:
            found.extend(self._broken(rule, columns))
        for name, (shortest, longest) in self._lengths.items():
            texts = self._texts_of(name, columns)
            if not _fit(texts, shortest, longest):
                found.extend(_refused_texts(name, self._text_adapters[name], texts))
        for name in self._looked_at:
            found.extend(_refused_texts(name, self._text_adapters[name], self._texts_of(name, columns)))
        return sorted(found, key=lambda problem: problem.row) if found else found

    def first_problems(self, columns: Columns) -> list[Problem]:
        """The first hundred problems or some more; of 100,000 wrong records not all are looked at."""
        if len(columns) <= CHECKED_AT_ONCE:
            return self.problems(columns)
        found: list[Problem] = []
        for start in range(0, len(columns), CHECKED_AT_ONCE):
            problems = self.problems(columns.part(start, start + CHECKED_AT_ONCE))
            found += [replace(problem, row=problem.row + start) for problem in problems]
            if len(found) >= MOST_PROBLEMS:
                break
        return found

    @cached_property
    def _identifier_bounds(self) -> tuple[float | None, float | None]:
        """Those that an identifier of 64 bits may lie outside of."""
        field = self._use_case.identifier_field
        if field is None:
            return None, None
        return None if field.low <= -(2**63) else field.low, None if field.high >= 2**63 - 1 else field.high

    @cached_property
    def _text_adapters(self) -> dict[str, TypeAdapter[object]]:
        record = self._use_case.record
        return {
            field.name: TypeAdapter(record.__pydantic_fields__[field.attribute].rebuild_annotation())
            for field in self._use_case.fields
            if field.kind is Kind.CATEGORY
        }

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, float]]:
        """Texts of which nothing but the length is asked: the shortest and the longest."""
        lengths = {field.name: lengths_of(self._use_case.record, field.attribute) for field in self._use_case.fields}
        return {name: found for name, found in lengths.items() if found is not None}

    @cached_property
    def _looked_at(self) -> list[str]:
        """Texts that Pydantic looks at: patterns, and values that are listed."""
        return [name for name in self._text_adapters if name not in self._lengths]

    def _texts_of(self, name: str, columns: Columns) -> Texts:
        if name != self._use_case.identifier:
            return columns.texts[name]
        return [text for text in columns.identifiers if isinstance(text, str)]

    def _inside(self, columns: Columns) -> NDArray[np.bool_]:
        numbers = columns.numbers
        inside: NDArray[np.bool_] = (numbers >= self._low) & (numbers <= self._high)
        return inside if _all(inside) else inside | (np.isnan(numbers) & self._optional)

    def _out_of_bounds(self, columns: Columns, inside: NDArray[np.bool_]) -> Iterator[Problem]:
        for position, row in np.argwhere(~inside):
            field = self._use_case.inputs[position]
            value = float(columns.numbers[position, row])
            yield Problem(int(row), field.name, *bound_message(field, value))

    def _unfit_identifiers(self, columns: Columns) -> list[Problem]:
        field, keys = self._use_case.identifier_field, columns.identifiers
        if field is None or isinstance(keys, list):
            return []
        low, high = self._identifier_bounds
        is_low = low is not None and np.count_nonzero(keys < low)
        if not is_low and (high is None or not np.count_nonzero(keys > high)):
            return []
        rows = np.flatnonzero((keys < field.low) | (keys > field.high)).tolist()
        return [Problem(row, field.name, *bound_message(field, float(keys[row]))) for row in rows]

    def _broken(self, rule: Rule, columns: Columns) -> Iterator[Problem]:
        values = [columns.numbers[self._position[name]] for name in rule.fields]
        held = np.asarray(rule.holds(*values), dtype=bool)
        if _all(held):
            return
        for row in np.flatnonzero(~held & ~np.isnan(values).any(axis=0)):
            yield Problem(int(row), rule.fields[0], rule.message, float(values[0][row]), "rule")


def bound_message(field: Feature, value: float) -> tuple[str, float | str | None, str]:
    """The words, the value and the kind of a problem with a number."""
    if np.isnan(value):
        return "A value is required", None, "missing"
    shown = formatted(field.kind, value) if field.kind in (Kind.DATE, Kind.TIME) else value
    bound = formatted(field.kind, field.low if value < field.low else field.high)
    if value < field.low:
        return f"Input should be greater than or equal to {bound}", shown, "greater_than_equal"
    return f"Input should be less than or equal to {bound}", shown, "less_than_equal"


def _refused_texts(name: str, adapter: TypeAdapter[object], texts: Sequence[str | None]) -> Iterator[Problem]:
    refused = {text: why for text in set(texts) if (why := _why_refused(adapter, text))}
    if not refused:
        return
    for row, text in enumerate(texts):
        if text in refused:
            yield Problem(row, name, refused[text], text)


def _why_refused(adapter: TypeAdapter[object], text: str | None) -> str | None:
    try:
        adapter.validate_python(text, strict=True)
    except ValidationError as error:
        return error.errors()[0]["msg"]
    return None


def _fit(texts: Texts, shortest: int, longest: float) -> bool:
    for text in texts:  # noqa: SIM110  # a generator takes several times as long for one text
        if text is not None and not shortest <= len(text) <= longest:
            return False
    return True


def _all(truths: NDArray[np.bool_]) -> bool:
    return int(np.count_nonzero(truths)) == truths.size  # a third of what .all() takes for one record
