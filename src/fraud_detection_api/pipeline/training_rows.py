"""Training rows: numbers as the model sees them, with what else is known of each row, in blocks of one raw file each.

No row holds a text that the model does not see: whom rows share is told by hashes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns, Texts
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.blocks import BlockWriter, blocks_in
from fraud_detection_api.storage.formats.writers import Layout
from fraud_detection_api.training.tables.dataset import Dataset, Groups
from fraud_detection_api.training.tables.periods import TRAIN, Codes

# Beside the features, which have their own names.
PART, TIME, LABEL, WEIGHT, ENTITY, GROUP, AT_STAKE, PROBABILITY = (
    f"#{name}" for name in ("part", "time", "label", "weight", "entity", "group", "at_stake", "probability")
)
_FLOAT, _WHOLE = np.dtype(np.float64), np.dtype(np.int64)


@dataclass(frozen=True)
class LoadedRows:
    """All rows of a run, ready to be fitted, and which part of the split each belongs to."""

    dataset: Dataset
    parts: Codes


@dataclass(frozen=True)
class Wanted:
    """Which rows are read: of one part or of all, and of those that learn one in so many."""

    part: int | None = None
    one_in: int = 1


def layout_of(use_case: UseCase) -> Layout:
    """The columns of a use case's training rows."""
    features = {each.name: np.dtype(object) if each.kind is Kind.CATEGORY else _FLOAT for each in use_case.features}
    beside: Layout = {PART: np.dtype(np.int8), TIME: _WHOLE, LABEL: np.dtype(np.bool_), WEIGHT: np.dtype(np.float32)}
    entity: Layout = {ENTITY: _WHOLE} if use_case.entity else {}
    group: Layout = {GROUP: np.dtype(object)} if use_case.gate.group else {}
    at_stake: Layout = {AT_STAKE: _FLOAT} if use_case.costs else {}
    return {**features, **beside, PROBABILITY: _FLOAT, **entity, **group, **at_stake}


def write_rows(writer: BlockWriter, use_case: UseCase, derived: Columns, beside: Mapping[str, RawColumn]) -> None:
    """Write a block of rows."""
    columns: dict[str, RawColumn] = {
        each.name: np.array(derived.texts[each.name], dtype=object)
        if each.kind is Kind.CATEGORY
        else derived.numbers[at]
        for at, each in enumerate(use_case.features)
    }
    writer.write(columns | dict(beside))


def loaded_rows(folder: Path, use_case: UseCase, skipped: int, wanted: Wanted | None = None) -> LoadedRows:
    """The rows in a folder, or those that are wanted: each number is in memory once."""
    return rows_in(training_files(folder), use_case, wanted or Wanted(), skipped)


def training_files(folder: Path) -> list[Path]:
    """One for each raw file."""
    return sorted(folder.glob("*.parquet"))


def training_rows(folder: Path) -> int:
    """How many rows learn, without the reading of any."""
    return sum(int(np.count_nonzero(parts == TRAIN)) for parts in _parts_of(training_files(folder)))


def rows_in(files: Sequence[Path], use_case: UseCase, wanted: Wanted, skipped: int = 0) -> LoadedRows:
    """The wanted rows of some files."""
    places = list(_places(files, wanted))
    found = _Rows.empty(use_case, sum(map(len, places)))
    for block, chosen in zip(_blocks_of(files), places, strict=True):
        found.add({name: values[chosen] for name, values in block.items()})
    return LoadedRows(found.dataset(skipped), found.beside[PART].astype(np.int8))


def _places(files: Sequence[Path], wanted: Wanted) -> Iterator[NDArray[np.intp]]:
    """Of each block the rows that are wanted."""
    learning = 0
    for parts in _parts_of(files):
        learns = parts == TRAIN
        turn = learning + np.cumsum(learns) - 1
        learning += int(np.count_nonzero(learns))
        is_wanted = ~learns | (turn % wanted.one_in == 0)
        yield np.flatnonzero(is_wanted if wanted.part is None else is_wanted & (parts == wanted.part))


def _parts_of(files: Sequence[Path]) -> Iterator[Codes]:
    for block in _blocks_of(files, [PART]):
        yield block[PART].astype(np.int8)


def _blocks_of(files: Sequence[Path], names: Sequence[str] | None = None) -> Iterator[dict[str, RawColumn]]:
    for path in files:
        with blocks_in(path) as blocks:
            for number in range(len(blocks)):
                yield blocks.read(number, names)


@dataclass
class _Rows:
    """Columns that are filled block by block."""

    use_case: UseCase
    numbers: NDArray[np.float64]
    texts: dict[str, Texts]
    beside: dict[str, NDArray[np.generic]]
    groups: list[str | None] = field(default_factory=list)
    filled: int = 0

    @classmethod
    def empty(cls, use_case: UseCase, size: int) -> "_Rows":
        """Room for so many rows."""
        layout = layout_of(use_case)
        names = [name for name in layout if name not in use_case.feature_names and name != GROUP]
        texts: dict[str, Texts] = {each.name: [] for each in use_case.features if each.kind is Kind.CATEGORY}
        numbers = np.zeros((len(use_case.features), size))
        return cls(use_case, numbers, texts, {name: np.empty(size, layout[name]) for name in names})

    def add(self, block: Mapping[str, RawColumn]) -> None:
        """The rows of one more block."""
        start, end = self.filled, self.filled + len(block[LABEL])
        for at, each in enumerate(self.use_case.features):
            if each.name in self.texts:
                self.texts[each.name] += block[each.name].tolist()
            else:
                self.numbers[at, start:end] = block[each.name]
        for name, values in self.beside.items():
            values[start:end] = block[name]
        if GROUP in block:
            self.groups += block[GROUP].tolist()
        self.filled = end

    def dataset(self, skipped: int) -> Dataset:
        """All rows as training has them."""
        columns = Columns(np.arange(self.filled), self.numbers, self.texts)
        weights, probabilities = self.beside[WEIGHT].astype(np.float32), self.beside[PROBABILITY].astype(np.float64)
        times = self.beside[TIME].astype(np.int64)
        return Dataset(
            columns,
            self.beside[LABEL].astype(np.bool_),
            days=times // DAY,
            skipped=skipped,
            entities=_entities(self.beside.get(ENTITY)),
            groups=_groups(self.groups) if self.groups else None,
            at_stake=self.beside[AT_STAKE].astype(np.float64) if AT_STAKE in self.beside else None,
            moments=times,
            weights=None if (weights == 1).all() else weights,
            probabilities=None if np.isnan(probabilities).any() else probabilities,
            valueless=self._valueless(),
        )

    def _valueless(self) -> tuple[str, ...]:
        """Optional fields that no row has a value of; what histories may not say is no field."""
        fields = {each.name for each in self.use_case.inputs if each.optional}
        return tuple(
            each.name
            for at, each in enumerate(self.use_case.features)
            if each.name in fields
            and (not any(self.texts[each.name]) if each.name in self.texts else np.isnan(self.numbers[at]).all())
        )


def _entities(hashes: NDArray[np.generic] | None) -> NDArray[np.int64] | None:
    """Numbers instead of hashes; None where no two rows share anybody."""
    if hashes is None:
        return None
    distinct, numbers = np.unique(hashes, return_inverse=True)
    unknown = np.flatnonzero(hashes == MISSING)
    numbers[unknown] = len(distinct) + np.arange(len(unknown))  # whom nobody knows shares with nobody
    return None if len(distinct) == len(hashes) else numbers.astype(np.int64)


def _groups(names: list[str | None]) -> Groups:
    known = {name: at for at, name in enumerate(sorted({name or "" for name in names}))}
    codes = np.array([known[name or ""] for name in names], np.int64)
    return Groups(tuple(name or "(missing)" for name in known), codes)
