"""Values that JSON had, validated by Pydantic and refused in FastAPI's words; many records some at a time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from typing import Generic, TypeVar

import numpy as np
from pydantic import BaseModel, TypeAdapter, ValidationError

from fraud_detection_api.errors import InputRefused, RecordsRefused, TooManyRecords
from fraud_detection_api.features.columns import Columns, joined
from fraud_detection_api.features.json_values import Content, JsonValues, has_more
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.problems import MOST_PROBLEMS, Misfit, Problem
from fraud_detection_api.schemas.plain_values import plain
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase

Model = TypeVar("Model", bound=BaseModel)
Slot = Callable[[], AbstractContextManager[object]]
Place = tuple[str | int, ...]


class Validated(Generic[Model]):
    """What a class of Pydantic's makes of JSON values."""

    def __init__(self, model: type[Model]) -> None:
        self._names = frozenset(model.model_fields)
        self._adapter = TypeAdapter(model)

    def only(self, body: Content) -> Model:
        """The one value that a body is; refused where it is wrong."""
        if not body:
            raise InputRefused([Misfit(("body",), "Field required", None, "missing")])
        found = self.one(JsonValues(body).only(), ("body",))
        if isinstance(found, list):
            raise InputRefused(found)
        return found

    def one(self, value: object, place: Place) -> Model | list[Misfit]:
        """An object of the class, or what is wrong with the value."""
        try:
            return self._adapter.validate_python(self._bounded(value), from_attributes=True)
        except ValidationError as error:
            return misfits_of(error, place)

    def _bounded(self, value: object) -> object:
        # all unknown names of an object would be told one by one
        if not isinstance(value, dict) or len(value) <= len(self._names) + MOST_PROBLEMS:
            return value
        told = self._names.union(islice((name for name in value if name not in self._names), MOST_PROBLEMS))
        return {name: each for name, each in value.items() if name in told}


class ValidatedRecords:
    """Lists of one use case's records."""

    def __init__(self, use_case: UseCase, most: int) -> None:
        self._use_case = use_case
        self._most = most
        self._records = Validated(use_case.record)
        self._reader = RecordReader(use_case)

    def read(self, body: Content, slot: Slot) -> Columns:
        """The columns of a list; counted first, then read and validated in pieces, each in a slot of its own."""
        if not body:
            raise InputRefused([Misfit(("body",), "Field required", None, "missing")])
        if JsonValues(body).opening != "[":
            no_list = plain(JsonValues(body).only(), 1)
            raise InputRefused([Misfit(("body",), "Input should be a valid list", no_list, "list_type")])
        self._refuse_too_many(body, slot)
        return _Reading(self._use_case, self._reader, self._records).read(body, slot)

    def _refuse_too_many(self, body: Content, slot: Slot) -> None:
        found = 0

        def count(values: list[object]) -> bool:
            nonlocal found
            found += len(values)
            return found <= self._most

        if has_more(body, b",", self._most - 1):
            in_slots(JsonValues(body).batches(), slot, count)
        if found > self._most:
            raise TooManyRecords(self._most)


class _Reading:
    """One list on its way to columns."""

    def __init__(self, use_case: UseCase, reader: RecordReader, records: Validated[Record]) -> None:
        self._use_case, self._reader, self._records = use_case, reader, records
        self._size = 0
        self._parts: list[Columns] = []
        self._misfits: list[Misfit] = []
        self._problems: list[Problem] = []

    def read(self, body: Content, slot: Slot) -> Columns:
        in_slots(JsonValues(body).batches(), slot, self._take)
        if self._misfits:
            raise InputRefused(self._misfits[:MOST_PROBLEMS])
        if self._problems:
            raise RecordsRefused(self._problems[:MOST_PROBLEMS])
        columns = joined(self._parts)
        return replace(columns, identifiers=np.arange(self._size)) if self._use_case.identifier is None else columns

    def _take(self, values: list[object]) -> bool:
        records: list[Record] = []
        for row, value in enumerate(values, self._size):
            found = self._records.one(value, ("body", row))
            if isinstance(found, list):
                self._misfits += found
                if len(self._misfits) >= MOST_PROBLEMS:
                    return False
            else:
                records.append(found)
        if not self._misfits and len(self._problems) < MOST_PROBLEMS:
            self._add(records)
        self._size += len(values)
        return True

    def _add(self, records: list[Record]) -> None:
        try:
            self._parts.append(self._reader.columns(records))
        except RecordsRefused as refused:
            self._problems += [replace(each, row=each.row + self._size) for each in refused.problems]


def in_slots(batches: Iterator[list[object]], slot: Slot, take: Callable[[list[object]], bool]) -> None:
    """Hand on batch by batch until one is the last that is wanted."""
    more = True
    while more:
        with slot():
            batch = next(batches, None)
            more = batch is not None and take(batch)


def misfits_of(error: ValidationError, place: Place) -> list[Misfit]:
    """What Pydantic says is wrong, each in its place of the request."""
    return [
        Misfit((*place, *each["loc"]), each["msg"], plain(each["input"], 1), each["type"], _context(each.get("ctx")))
        for each in error.errors(include_url=False)[:MOST_PROBLEMS]
    ]


def _context(given: dict[str, object] | None) -> dict[str, object] | None:
    return {name: plain(value, 2) for name, value in given.items()} if given else None
