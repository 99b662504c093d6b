"""Remembering: records as histories know them, entries of whole numbers at their keys, and what those keys knew before.

Texts and numbers that tell who somebody is are known by hashes with a secret; only whether two are the same is asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns, Remembered
from fraud_detection_api.features.histories import HistoryKernel, by_key
from fraud_detection_api.features.history_numpy import Flags, Numbers, Whole
from fraud_detection_api.features.history_plan import FIRST_VALUE, ID, LABEL, MISSING, RECEIVED, TIME, Plan
from fraud_detection_api.schemas.histories import History
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

    received: Whole | None = None  # without it, a record arrived as it happened
    labels: Whole | None = None  # as `labels_of` gives them


class Remembering:
    """The histories of a use case: each with its kernel, and a secret for hashes."""

    def __init__(self, use_case: UseCase, secret: bytes = b"", *, compiled: bool = True) -> None:
        if use_case.histories is None:
            raise ValueError(f"{use_case.name} has no histories")
        self.use_case = use_case
        self.histories = use_case.histories
        self.kernels = tuple(HistoryKernel(Plan(each), compiled=compiled) for each in self.histories.of)
        self._secret = blake2b(secret, digest_size=32).digest()
        self._place = {field.name: place for place, field in enumerate(use_case.inputs)}

    def at_keys(self, columns: Columns, arrivals: Arrivals | None = None) -> list[AtKeys]:
        """Records as each history knows them."""
        arrivals = arrivals or Arrivals()
        times = self.times(columns)
        received = times if arrivals.received is None else arrivals.received
        labels = np.full(len(columns), MISSING) if arrivals.labels is None else arrivals.labels
        common = {TIME: times, ID: ids_of(columns.identifiers), RECEIVED: received, LABEL: labels}
        return [self._at_key(kernel.plan, columns, common) for kernel in self.kernels]

    def times(self, columns: Columns) -> Whole:
        """When each record happened."""
        unit = DAY if self.use_case.by_name[self.histories.at].kind is Kind.DATE else 1
        times: Whole = columns.numbers[self._place[self.histories.at]].astype(np.int64) * unit
        return times

    def of_table(self, columns: Columns, arrivals: Arrivals | None = None) -> Remembered:
        """What is known of each record of a whole table by the others."""
        keyed = self.at_keys(columns, arrivals)
        found = [of_stream(kernel, each) for kernel, each in zip(self.kernels, keyed, strict=True)]
        values = np.concatenate([values.T for values, _ in found])
        received = np.array([each.entries[:, RECEIVED] for each in keyed])
        return Remembered(values, np.array([flags for _, flags in found]), received)

    def _at_key(self, plan: Plan, columns: Columns, common: dict[int, Whole]) -> AtKeys:
        entries = np.empty((len(columns), plan.width), np.int64)
        for column, values in common.items():
            entries[:, column] = values
        for place, name in enumerate(plan.amounts, FIRST_VALUE):
            entries[:, place] = self._amounts(name, plan.history, columns)
        for place, name in enumerate(plan.values, FIRST_VALUE + len(plan.amounts)):
            entries[:, place] = self._hashes(self._values(name, columns), VALUE_BITS, b"value")
        return AtKeys(self._keys(plan.history, columns), entries)

    def _keys(self, history: History, columns: Columns) -> Whole:
        purpose = blake2b(f"{self.use_case.name}:{history.name}".encode(), digest_size=16).digest()
        parts = [self._values(name, columns) for name in history.key]
        if len(parts) == 1:
            return self._hashes(parts[0], 64, purpose)
        joined = (None if None in each else "\0".join(map(str, each)) for each in zip(*parts, strict=True))
        return self._hashes(joined, 64, purpose)

    def _values(self, name: str, columns: Columns) -> Iterable[Value]:
        """A field's values, whole numbers as their text."""
        if name in columns.texts:
            return columns.texts[name]
        if name == self.use_case.identifier:
            return columns.identifiers if isinstance(columns.identifiers, list) else columns.identifiers.tolist()
        numbers: list[float] = columns.numbers[self._place[name]].tolist()
        return [None if number != number else number for number in numbers]  # noqa: PLR0124  # NaN: nothing was sent

    def _hashes(self, values: Iterable[Value], bits: int, purpose: bytes) -> Whole:
        hashed = _Hashes(partial(blake2b, digest_size=8, key=self._secret, person=purpose), bits)
        return np.array([hashed[value] for value in values], np.int64)

    def _amounts(self, name: str, history: History, columns: Columns) -> Whole:
        """Whole numbers of the smallest unit."""
        numbers = columns.numbers[self._place[name]]
        is_missing = np.isnan(numbers)
        scaled = np.rint(np.where(is_missing, 0, numbers) * 10**history.decimals).astype(np.int64)
        return np.where(is_missing, MISSING, scaled)


class _Hashes(dict[Value, int]):
    """Hashes of values, each computed once."""

    def __init__(self, hasher: "partial[blake2b]", bits: int) -> None:
        super().__init__({None: int(MISSING)})
        self._hasher, self._bits = hasher, bits

    def __missing__(self, value: Value) -> int:
        text = value if isinstance(value, str) else f"{value:.0f}"
        whole = int.from_bytes(self._hasher(text.encode()).digest(), "little", signed=True) >> (64 - self._bits)
        self[value] = found = max(whole, int(MISSING) + 1)
        return found


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


def ids_of(identifiers: Whole | Sequence[str]) -> Whole:
    """What tells records apart that happened at once: numbers as they are, of a text its hash, the same everywhere."""
    if not isinstance(identifiers, np.ndarray):
        digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in identifiers)
        return np.frombuffer(digests, np.int64)
    return identifiers


def labels_of(is_fraud: NDArray[np.bool_], known_at: Whole) -> Whole:
    """Labels as entries hold them, known from the next whole minute on; MISSING where they are not known."""
    minutes = -(-known_at // MINUTE) * MINUTE
    return np.where(known_at == MISSING, MISSING, 2 * minutes + is_fraud)
