"""Small models of every use case, each fitted by its own library, as bundles; and rows as the libraries see them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np
import xgboost
from numpy.typing import NDArray

from fraud_detection_api.model import manifest as kept
from fraud_detection_api.model.bundle import Bundle, Reference, bundle_files, read_bundle
from fraud_detection_api.model.manifest import GateVerdict, Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.derived import (
    DayOfWeek,
    DaysBetween,
    Derived,
    Difference,
    HourOfDay,
    Ratio,
    SecondsBetween,
)
from fraud_detection_api.schemas.histories import Histories, Statistic
from fraud_detection_api.schemas.record import Feature, Kind
from fraud_detection_api.schemas.use_case import UseCase
from tests.examples import Row, Value, good_rows
from tests.small_libraries import Boosted, Library, Scores, library_of

Floats = NDArray[np.float32]
Categories = Mapping[str, tuple[str, ...]]
TRAINING_ROWS = 600
ZERO_OF_NOTHING = (Statistic.COUNT, Statistic.SUM, Statistic.DISTINCT, Statistic.FRAUDS)


@dataclass(frozen=True)
class SmallModel:
    """A fitted model, its bundle's files, and the rows that it was fitted on."""

    use_case: UseCase
    library: Library
    manifest: Manifest
    files: dict[str, bytes]
    training_rows: list[Row]

    @property
    def booster(self) -> xgboost.Booster:
        """The booster of a model that was boosted."""
        assert isinstance(self.library, Boosted)
        return self.library.booster

    def scores(self, rows: Iterable[Row]) -> Scores:
        """What the library itself says: the last of its figures."""
        return self.library.scores(self.matrix(rows))

    def matrix(self, rows: Iterable[Row]) -> Floats:
        """Rows as the library sees them."""
        categories = {name: known.texts for name, known in self.manifest.categories.items()}
        return matrix_of(rows, self.use_case, categories)


def small_model(use_case: UseCase, seed: int = 0, trees: int = 25) -> SmallModel:
    """A model of a few trees that uses every feature somewhere."""
    rows = good_rows(use_case, TRAINING_ROWS, seed)
    seen = _with_a_past([values_seen(row, use_case) for row in rows], use_case, seed)
    features = tuple(_feature(field, [row[field.name] for row in seen]) for field in use_case.features)
    categories = {each.name: each.categories for each in features if each.categories is not None}
    matrix = _matrix(seen, use_case, categories)
    library: Library = library_of(use_case).fitted(matrix, use_case, seed, trees)
    manifest = Manifest.model_validate(
        {
            "use_case": use_case.name,
            "origin": "trained",
            "created_at": datetime(2024, 6, 1, tzinfo=UTC),
            "features": features,
            "parameters": {"max_depth": 5, "seed": seed},
            "gate": GateVerdict(passed=True),
            **library.described,
        }
    )
    reference = Reference(matrix[:64], library.scores(matrix[:64]).astype(np.float32))
    return SmallModel(use_case, library, manifest, bundle_files(manifest, library.saved, reference), rows)


def promoted(registry: Registry, model: SmallModel) -> str:
    """Publish a model and make it champion; its version."""
    return registry.promote(model.use_case.name, registry.publish(model.use_case.name, model.files))


def bundle_of(model: SmallModel) -> Bundle:
    """A small model's bundle, read from its files."""
    with TemporaryDirectory() as folder:
        for name, content in model.files.items():
            (Path(folder) / name).write_bytes(content)
        return read_bundle(Path(folder))


def matrix_of(rows: Iterable[Row], use_case: UseCase, categories: Categories) -> Floats:
    """Rows as the library sees them, made without the product's own matrix."""
    return _matrix([values_seen(row, use_case) for row in rows], use_case, categories)


def _matrix(seen: Iterable[Row], use_case: UseCase, categories: Categories) -> Floats:
    rows = [[_number(row[field.name], field, categories) for field in use_case.features] for row in seen]
    return np.array(rows, dtype=np.float32).reshape(-1, len(use_case.features))


def _with_a_past(seen: list[Row], use_case: UseCase, seed: int) -> list[Row]:
    """The same rows, each as if a few things were known of its keys; so a model has a use for a past."""
    random = Random(seed)
    features = use_case.histories.features if use_case.histories else ()
    few = min(4, len(features))
    return [
        row | {each.name: random.randint(0, int(min(each.high, 9))) for each in random.sample(features, few)}
        for row in seen
    ]


def values_seen(row: Row, use_case: UseCase) -> Row:
    """A row with what is derived from it, one value after the other, by Python's own clocks and numbers."""
    moments = {field.name: _moment(row.get(field.name), field.kind) for field in use_case.inputs}
    derived = {each.name: _derived(each, row, moments) for each in use_case.derived}
    return row | derived | (_of_new_keys(use_case.histories) if use_case.histories else {})


def _of_new_keys(histories: Histories) -> Row:
    """What is known where nothing is: no records, no sums, no frauds, and nothing at all of what they were like."""
    nothing = {Statistic.NEW: 1, **dict.fromkeys(ZERO_OF_NOTHING, 0)}
    return {asked.name(each.name): nothing.get(asked.statistic) for each in histories.of for asked in each.statistics}


def _moment(value: Value, kind: Kind) -> datetime | None:
    if value is None or kind not in (Kind.DATE, Kind.TIME):
        return None
    moment = datetime.fromisoformat(str(value))
    moment = moment.replace(tzinfo=UTC) if kind is Kind.DATE else moment
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _derived(each: Derived, row: Row, moments: dict[str, datetime | None]) -> Value:
    match each:
        case HourOfDay(of, zone) if moment := moments[of]:
            return moment.astimezone(ZoneInfo(zone)).hour
        case DayOfWeek(of, zone) if moment := moments[of]:
            return moment.astimezone(ZoneInfo(zone)).isoweekday()
        case DaysBetween(start, end) if (first := moments[start]) and (last := moments[end]):
            unit = timedelta(seconds=1) if isinstance(each, SecondsBetween) else timedelta(days=1)
            return (last - first) / unit
        case Ratio(of, to) if (lower := row[to]) and (upper := row[of]) is not None:
            return float(upper) / float(lower)
        case Difference(of, less) if (upper := row[of]) is not None and (lower := row[less]) is not None:
            return float(upper) - float(lower)
    return None


def _number(value: Value, field: Feature, categories: Categories) -> float:
    if value is None:
        return float("nan")
    if field.kind is Kind.CATEGORY:
        known = categories[field.name]
        return float(known.index(str(value))) if value in known else float("nan")
    if field.kind is Kind.DATE:
        return float((date.fromisoformat(str(value)) - date(1970, 1, 1)).days)
    return float(value)


def _feature(field: Feature, values: list[Value]) -> kept.Feature:
    if field.kind is Kind.CATEGORY:
        categories = tuple(sorted({str(value) for value in values if value is not None}))
        return kept.Feature(name=field.name, kind=field.kind, categories=categories)
    numbers = [_number(value, field, {}) for value in values if value is not None]
    return kept.Feature(
        name=field.name,
        kind=field.kind,
        low=min(numbers, default=0),
        high=max(numbers, default=0),
        histogram_counts=(1, 2),
    )
