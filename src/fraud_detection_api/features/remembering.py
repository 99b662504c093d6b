"""Remembering: records as histories know them, entries of whole numbers at their keys, and what those keys knew before.

Texts and numbers that tell who somebody is are known by hashes with a secret; only whether two are the same is asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns, Remembered
from fraud_detection_api.features.histories import HistoryKernel, by_key
from fraud_detection_api.features.history_numpy import Flags, Numbers, Whole
from fraud_detection_api.features.history_plan import FIRST_VALUE, ID, LABEL, MISSING, RECEIVED, TIME, Plan
from fraud_detection_api.features.packed_records import Answer, PackedRecords, packed_records, record_packer
from fraud_detection_api.features.secret_hash import SecretHash, Value, joined
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.schemas.use_case import UseCase

MINUTE = 60_000


@dataclass(frozen=True)
class AtKeys:
    """Records as one history knows them: the key of each, MISSING where it has none, and its entry."""

    keys: Whole
    entries: Whole


@dataclass(frozen=True)
class Arrivals:
    """What a table says of its records beside their fields, in milliseconds since 1970."""

    received: Whole | None = None  # one row, or one for each history; without it, a record arrived as it happened
    labels: Whole | None = None  # as `labels_of` gives them


class Remembering:
    """The histories of a use case: each with its kernel, and a secret for hashes."""

    def __init__(self, use_case: UseCase, secret: bytes = b"", *, compiled: bool = True) -> None:
        if use_case.histories is None:
            raise ValueError(f"{use_case.name} has no histories")
        self.use_case = use_case
        self.histories = use_case.histories
        self.kernels = tuple(HistoryKernel(Plan(each), compiled=compiled) for each in self.histories.of)
        self._compiled = [each.compiled for each in self.kernels if each.compiled]
        self._statistics = sum(len(each.plan.statistics) for each in self.kernels)
        self._unit = DAY if use_case.by_name[self.histories.at].kind is Kind.DATE else 1
        self._hash = SecretHash(secret)
        self._place = {field.name: place for place, field in enumerate(use_case.inputs)}
        kernels = [(each.plan, each.layout) for each in self.kernels]
        time = self._place[self.histories.at], self._unit
        self._packer = record_packer(use_case, kernels, self._hash.secret, time) if compiled else None

    @property
    def hashes_mark(self) -> str:
        """What tells these hashes from those of another secret or another version, and nothing of the secret."""
        return self._hash("")[0].hex()

    def at_keys(self, columns: Columns, arrivals: Arrivals | None = None) -> list[AtKeys]:
        """Records as each history knows them."""
        arrivals = arrivals or Arrivals()
        times = self.times(columns)
        received = np.broadcast_to(
            times if arrivals.received is None else arrivals.received, (len(self.kernels), len(times))
        )
        labels = np.full(len(columns), MISSING) if arrivals.labels is None else arrivals.labels
        common = {TIME: times, ID: ids_of(columns.identifiers), LABEL: labels}
        return [self._at_key(number, columns, common | {RECEIVED: arrived}) for number, arrived in enumerate(received)]

    def packed(self, columns: Columns) -> list[PackedRecords]:
        """The same as a store is told of it."""
        if self._packer:
            try:
                return self._packer(columns, ids_of(columns.identifiers))
            except ValueError:  # what has no place in an entry, numpy says
                pass
        keyed = zip(self.kernels, self.at_keys(columns), strict=True)
        return [packed_records(kernel.layout, each.keys, each.entries) for kernel, each in keyed]

    def recalled(self, records: Sequence[PackedRecords], answers: list[list[Answer]]) -> Remembered | None:
        """What packed records see in a store's answers about those that have a key; None where C reads none."""
        if not self._compiled:
            return None
        keys, entries = [each.keys for each in records], [each.entries for each in records]
        try:
            values, flags, received = self._compiled[0].recalled(self._compiled, keys, entries, answers)
        except (ValueError, OverflowError):
            return None
        shape = len(records), len(keys[0])
        return Remembered(
            np.frombuffer(values).reshape(self._statistics, shape[1]),
            np.frombuffer(flags, np.uint8).reshape(shape),
            np.frombuffer(received, np.int64).reshape(shape),
        )

    def times(self, columns: Columns) -> Whole:
        """When each record happened."""
        times: Whole = columns.numbers[self._place[self.histories.at]].astype(np.int64) * self._unit
        return times

    def in_order(self, columns: Columns) -> Whole:
        """The order of their events, at once by what tells them apart."""
        order: Whole = np.lexsort((ids_of(columns.identifiers), self.times(columns)))
        return order

    def hashes(self, values: Iterable[Value]) -> Whole:
        """Hashes of what tells who somebody is, with the secret; MISSING for nothing."""
        return self._hash.of_values(values)

    def of_table(self, columns: Columns, arrivals: Arrivals | None = None) -> Remembered:
        """What is known of each record of a whole table by the others."""
        keyed = self.at_keys(columns, arrivals or Arrivals())
        found = [of_stream(kernel, each) for kernel, each in zip(self.kernels, keyed, strict=True)]
        values = np.concatenate([values.T for values, _ in found])
        received = np.array([each.entries[:, RECEIVED] for each in keyed])
        return Remembered(values, np.array([flags for _, flags in found]), received)

    def _at_key(self, number: int, columns: Columns, common: dict[int, Whole]) -> AtKeys:
        plan = self.kernels[number].plan
        entries = np.empty((len(columns), plan.width), np.int64)
        for column, values in common.items():
            entries[:, column] = values
        for place, name in enumerate(plan.amounts, FIRST_VALUE):
            entries[:, place] = _amounts(columns.numbers[self._place[name]], plan.history.decimals)
        for place, name in enumerate(plan.values, FIRST_VALUE + len(plan.amounts)):
            entries[:, place] = self._hash.of_values(self._values(name, columns))
        parts = [self._values(name, columns) for name in plan.history.key]
        keys = parts[0] if len(parts) == 1 else map(joined, zip(*parts, strict=True))
        return AtKeys(self._hash.of_keys(keys), entries)

    def _values(self, name: str, columns: Columns) -> Sequence[Value]:
        """A field's values, None where they are missing."""
        if name in columns.texts:
            return columns.texts[name]
        if name == self.use_case.identifier:
            return columns.identifiers if isinstance(columns.identifiers, list) else columns.identifiers.tolist()
        numbers: list[float] = columns.numbers[self._place[name]].tolist()
        return [None if number != number else number for number in numbers]  # noqa: PLR0124  # NaN: nothing was sent


def _amounts(numbers: Numbers, decimals: int) -> Whole:
    """Whole numbers of the smallest unit."""
    is_missing = np.isnan(numbers)
    scaled = np.rint(np.where(is_missing, 0, numbers) * 10**decimals).astype(np.int64)
    return np.where(is_missing, MISSING, scaled)


def of_stream(kernel: HistoryKernel, arrived: AtKeys) -> tuple[Numbers, Flags]:
    """Statistics and flags of records, each beside all others that had arrived before it, in the records' own order."""
    entries = arrived.entries
    values = np.empty((len(entries), len(kernel.plan.statistics)))
    flags = np.empty(len(entries), np.uint8)
    with_key = np.flatnonzero(arrived.keys != MISSING)
    order = with_key[in_turn(entries[with_key])]
    places, ends = by_key(arrived.keys[order])
    order = order[places]
    values[order], flags[order] = kernel.from_stream(entries[order], ends)
    without = np.flatnonzero(arrived.keys == MISSING)
    alone = np.arange(1, len(without) + 1)  # as if each had a key of its own
    values[without], flags[without] = kernel.from_stream(entries[without], alone)
    return values, flags


def in_turn(entries: Whole) -> Whole:
    """The order in which records arrived; those that arrived at once, in the order of events."""
    order: Whole = np.lexsort((entries[:, ID], entries[:, TIME], entries[:, RECEIVED]))
    return order


def ids_of(identifiers: Whole | list[str]) -> Whole:
    """What tells records apart that happened at once: numbers as they are, of a text its hash, the same everywhere."""
    if isinstance(identifiers, list):
        digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in identifiers)
        return np.frombuffer(digests, np.int64)
    return identifiers


def labels_of(is_fraud: NDArray[np.bool_], known_at: Whole) -> Whole:
    """Labels as entries hold them, known from the next whole minute on; MISSING where they are not known."""
    minutes = -(-known_at // MINUTE) * MINUTE
    return np.where(known_at == MISSING, MISSING, 2 * minutes + is_fraud)
