"""Remembering: records as histories know them, entries of whole numbers at their keys, and what those keys knew before.

Texts and numbers that tell who somebody is are known by hashes with a secret; only whether two are the same is asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns, Remembered
from fraud_detection_api.features.histories import HistoryKernel, by_key
from fraud_detection_api.features.history_numpy import Flags, Numbers, Whole
from fraud_detection_api.features.history_plan import FIRST_VALUE, ID, LABEL, MISSING, RECEIVED, TIME, Plan
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.schemas.use_case import UseCase

MINUTE = 60_000
VALUE_BITS = 48  # of a value's hash: so much is enough to tell a few thousand apart, and takes less room in a store

Value = str | float | None


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
        self._unit = DAY if use_case.by_name[self.histories.at].kind is Kind.DATE else 1
        key = blake2b(secret, digest_size=32).digest()
        hasher = partial(blake2b, digest_size=8, key=key)
        self._hash_of_values = _Hash(hasher(person=b"value"), VALUE_BITS)
        self._hashes_of_keys = [
            _Hash(hasher(person=blake2b(f"{use_case.name}:{each.name}".encode(), digest_size=16).digest()), 64)
            for each in self.histories.of
        ]
        self._place = {field.name: place for place, field in enumerate(use_case.inputs)}

    def at_keys(self, columns: Columns, arrivals: Arrivals | None = None) -> list[AtKeys]:
        """Records as each history knows them."""
        if len(columns) == 1 and arrivals is None:
            return self._of_one(columns)
        arrivals = arrivals or Arrivals()
        times = self.times(columns)
        received = np.broadcast_to(
            times if arrivals.received is None else arrivals.received, (len(self.kernels), len(times))
        )
        labels = np.full(len(columns), MISSING) if arrivals.labels is None else arrivals.labels
        common = {TIME: times, ID: ids_of(columns.identifiers), LABEL: labels}
        return [self._at_key(number, columns, common | {RECEIVED: arrived}) for number, arrived in enumerate(received)]

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
        return self._hash_of_values.of_all(values)

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
            entries[:, place] = self._hash_of_values.of_all(self._values(name, columns))
        parts = [self._values(name, columns) for name in plan.history.key]
        return AtKeys(self._hashes_of_keys[number].of_all(map(_joined, zip(*parts, strict=True))), entries)

    def _of_one(self, columns: Columns) -> list[AtKeys]:
        """The same of one record, by plain numbers: in a fifth of the time."""
        numbers = columns.numbers[:, 0].tolist()
        time = int(numbers[self._place[self.histories.at]]) * self._unit
        identifier = ids_of(columns.identifiers).tolist()[0]
        sent = {name: self._value(name, columns, numbers) for name in self._read}
        hashes = {name: self._hash_of_values(sent[name]) for name in self._compared}
        keys, entries = list[int](), list[int]()
        for kernel, hash_of_key in zip(self.kernels, self._hashes_of_keys, strict=True):
            plan = kernel.plan
            keys.append(hash_of_key(_joined([sent[name] for name in plan.history.key])))
            entries += time, identifier, time, MISSING
            entries += [_amount(sent[name], plan.history.decimals) for name in plan.amounts]
            entries += [hashes[name] for name in plan.values]
        return self._split(np.array(keys, np.int64), np.array(entries, np.int64))

    def _split(self, keys: Whole, entries: Whole) -> list[AtKeys]:
        """The one key and the one entry of each history."""
        found, start = [], 0
        for number, kernel in enumerate(self.kernels):
            end = start + kernel.plan.width
            found.append(AtKeys(keys[number : number + 1], entries[start:end].reshape(1, -1)))
            start = end
        return found

    @cached_property
    def _compared(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for each in self.kernels for name in each.plan.values))

    @cached_property
    def _read(self) -> tuple[str, ...]:
        keyed = (name for each in self.kernels for name in (*each.plan.history.key, *each.plan.amounts))
        return tuple(dict.fromkeys((*keyed, *self._compared)))

    def _value(self, name: str, columns: Columns, numbers: list[float]) -> Value:
        """A field's value of the only record."""
        if name in columns.texts or name == self.use_case.identifier:
            return self._values(name, columns)[0]
        number = numbers[self._place[name]]
        return None if number != number else number  # noqa: PLR0124  # NaN: nothing was sent

    def _values(self, name: str, columns: Columns) -> Sequence[Value]:
        """A field's values, None where they are missing."""
        if name in columns.texts:
            return columns.texts[name]
        if name == self.use_case.identifier:
            return columns.identifiers if isinstance(columns.identifiers, list) else columns.identifiers.tolist()
        numbers: list[float] = columns.numbers[self._place[name]].tolist()
        return [None if number != number else number for number in numbers]  # noqa: PLR0124  # NaN: nothing was sent


class _Hash:
    """Hashes of texts and whole numbers, of so many bits, never the lowest number that they could be."""

    def __init__(self, hasher: "blake2b", bits: int) -> None:
        self._hasher, self._unused = hasher, 64 - bits
        self._least = 1 - (1 << (bits - 1))

    def __call__(self, value: Value) -> int:
        """The hash of a value; MISSING of none."""
        if value is None:
            return int(MISSING)
        hasher = self._hasher.copy()
        hasher.update((value if isinstance(value, str) else str(int(value))).encode())
        found = int.from_bytes(hasher.digest(), "little", signed=True) >> self._unused
        return max(self._least, found)

    def of_all(self, values: Iterable[Value]) -> Whole:
        """The hashes of many values, each computed once."""
        every = list(values)
        known = {value: self(value) for value in set(every)}
        return np.array([known[value] for value in every], np.int64)


def _joined(parts: Sequence[Value]) -> Value:
    """A key of one field or of several, each with its length so that no two look alike; none where one is missing."""
    if len(parts) == 1:
        return parts[0]
    texts = ["" if part is None else _text(part) for part in parts]
    return None if None in parts else "".join(f"{len(text)}:{text}" for text in texts)


def _text(value: str | float) -> str:
    """A value as it is hashed: a text as it is, a number, which is whole, as all of its digits."""
    return value if isinstance(value, str) else str(int(value))


def _amounts(numbers: Numbers, decimals: int) -> Whole:
    """Whole numbers of the smallest unit."""
    is_missing = np.isnan(numbers)
    scaled = np.rint(np.where(is_missing, 0, numbers) * 10**decimals).astype(np.int64)
    return np.where(is_missing, MISSING, scaled)


def _amount(number: Value, decimals: int) -> int:
    return int(MISSING) if not isinstance(number, float) else round(number * 10**decimals)


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
    values[without], flags[without] = nothing_known(kernel, entries[without])
    return values, flags


def nothing_known(kernel: HistoryKernel, records: Whole) -> tuple[Numbers, Flags]:
    """Statistics and flags of records of whose keys nothing is known."""
    none, never = np.zeros(len(records), np.int64), np.full(len(records), MISSING)
    return kernel.from_entries(records, np.empty((0, kernel.plan.width), np.int64), none, never)


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
