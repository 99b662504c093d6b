"""Packed records: what stores of histories are told of them, the hash of each key and an entry without its arrival."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import numpy as np

from fraud_detection_api.features.columns import Columns, Texts
from fraud_detection_api.features.entry_layout import EntryLayout
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import Plan
from fraud_detection_api.features.secret_hash import NO_KEY
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase

MOST_PLACES = 64
NUMBER, TEXT, IDENTIFIER = range(3)  # what a hash is made of

Answer = object  # of a store about a record's key: a packed history or None, and when the record arrived there
Plans = Sequence[tuple[Plan, EntryLayout]]


class PackedRecords(NamedTuple):
    """Records at their keys of one history, None where a record has none."""

    keys: list[bytes | None]
    entries: list[bytes]


def packed_records(layout: EntryLayout, keys: Whole, entries: Whole) -> PackedRecords:
    """The same of keys and entries that are numbers."""
    raw = keys.astype(">i8").tobytes()
    every = (raw[at : at + len(NO_KEY)] for at in range(0, len(raw), len(NO_KEY)))
    return PackedRecords([None if key == NO_KEY else key for key in every], layout.pack_arrivals(entries))


class RecordPacker:
    """Packs records in C, one as quickly as among many."""

    def __init__(self, use_case: UseCase, kernels: Plans, secret: bytes, time: tuple[int, int]) -> None:
        from fraud_detection_api.features._packed_records import Packer

        recipe = _Recipe(use_case, kernels)
        self._texts, self._identifier = recipe.texts, use_case.identifier
        self._packer = Packer(len(use_case.inputs), len(recipe.texts), *time, secret, *recipe.rows())

    def __call__(self, columns: Columns, identifiers: Whole) -> list[PackedRecords]:
        """The records, as each history's store is told of them."""
        texts = [self._of(name, columns) for name in self._texts]
        numbers = np.ascontiguousarray(columns.numbers).data
        return [PackedRecords(*each) for each in self._packer.pack(numbers, identifiers.tobytes(), texts)]

    def _of(self, name: str, columns: Columns) -> Texts:
        if name != self._identifier:
            return columns.texts[name]
        return [each if isinstance(each, str) else None for each in columns.identifiers]


class _TooLarge(Exception):  # nobody sees it
    """More of something than C has room for."""


class _Recipe:
    """Where everything is that histories know of a record, in the numbers that the packer knows."""

    def __init__(self, use_case: UseCase, kernels: Plans) -> None:
        self.texts = [field.name for field in use_case.fields if field.kind is Kind.CATEGORY]
        self._identifier = use_case.identifier
        self._column = {field.name: at for at, field in enumerate(use_case.inputs)}
        self._entry_amounts = [self._amounts(*each) for each in kernels]
        self._amount = {each: at for at, each in enumerate(dict.fromkeys(chain(*self._entry_amounts)))}
        self._hashes = [(plan.history.key, [(name,) for name in plan.values]) for plan, _ in kernels]
        hashed = dict.fromkeys(each for key, values in self._hashes for each in (key, *values))
        self._hashed = {each: at for at, each in enumerate(hashed)}

    def rows(self) -> list[bytes]:
        """Amounts, what hashes are made of, how much of that makes each, and a recipe for each history."""
        ends = [0, *accumulate(map(len, self._hashed))]
        hashed = [(start, end - start) for start, end in pairwise(ends)]
        if max(len(self._amount), len(self._hashed), ends[-1], len(self._entry_amounts)) > MOST_PLACES:
            raise _TooLarge
        sources = [self._source(name) for names in self._hashed for name in names]
        return [np.array([*each], np.int64).tobytes() for each in (self._amount, sources, hashed, self._recipes())]

    def _recipes(self) -> Iterator[list[int]]:
        for amounts, (key, values) in zip(self._entry_amounts, self._hashes, strict=True):
            places = [*map(self._amount.__getitem__, amounts), *map(self._hashed.__getitem__, values)]
            unused = [0] * (MOST_PLACES - len(places))
            yield [self._hashed[key], len(amounts), len(values), *places, *unused]

    def _amounts(self, plan: Plan, layout: EntryLayout) -> list[tuple[int, int, int, int]]:
        scale = 10**plan.history.decimals
        return [(self._column[name], scale, layout.amount_bytes, layout.most_amount) for name in plan.amounts]

    def _source(self, name: str) -> tuple[int, int]:
        if name in self.texts:
            return TEXT, self.texts.index(name)
        return (IDENTIFIER, 0) if name == self._identifier else (NUMBER, self._column[name])


def record_packer(use_case: UseCase, kernels: Plans, secret: bytes, time: tuple[int, int]) -> RecordPacker | None:
    """What packs records of a use case, whose time is a column of so many milliseconds; without it, numpy does.

    It is not built, or there is more of something than it has room for.
    """
    try:
        return RecordPacker(use_case, kernels, secret, time)
    except (ImportError, _TooLarge):
        return None
