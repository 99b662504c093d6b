"""Holdout rows: what a model says of rows it never saw, and what is known of them; kept in the bundle as numbers."""

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.tables.dataset import Dataset, Days, Groups, Labels, Rows

HOLDOUT = "judged.npy"
_ROW = np.dtype(
    [
        ("judges", "?"),
        ("is_fraud", "?"),
        ("probability", "<f4"),
        ("day", "<i4"),
        ("entity", "<i4"),
        ("group", "<i4"),
        ("at_stake", "<f4"),
    ]
)


@dataclass(frozen=True)
class HoldoutRows:
    """Probabilities as they are served, with labels; the rest only where the use case has it."""

    probabilities: Probabilities
    labels: Labels
    days: Days | None = None
    entities: NDArray[np.int64] | None = None
    groups: Groups | None = None
    at_stake: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def day_span(self) -> int | None:
        """How many days lie between the first and the last row, both included; None where nobody knows."""
        return None if self.days is None or not len(self) else int(self.days.max() - self.days.min() + 1)

    def stakes(self, costs: Costs | None) -> NDArray[np.float64] | None:
        """What each row costs if it is a fraud and is missed, where that is known."""
        if costs is None or isinstance(costs.missed_fraud, str):
            return self.at_stake if costs else None
        return np.full(len(self), float(costs.missed_fraud))


@dataclass(frozen=True)
class Holdout:
    """The rows that thresholds are chosen on, and those that judge the choice."""

    threshold_rows: HoldoutRows
    validation_rows: HoldoutRows


def holdout_rows(dataset: Dataset, rows: Rows, probabilities: Probabilities) -> HoldoutRows:
    """These rows of a dataset with what a model says of them."""
    groups = dataset.groups and Groups(dataset.groups.names, dataset.groups.codes[rows])
    return HoldoutRows(
        probabilities,
        dataset.labels[rows],
        days=None if dataset.days is None else dataset.days[rows],
        entities=None if dataset.entities is None else dataset.entities[rows],
        groups=groups,
        at_stake=None if dataset.at_stake is None else dataset.at_stake[rows],
    )


def once_a_day(rows: HoldoutRows) -> NDArray[np.float64]:
    """1 for the highest record of each entity and day, 0 for its others; every record where there are no entities."""
    counts = np.ones(len(rows))
    if rows.entities is None or rows.days is None:
        return counts
    order = np.lexsort((np.arange(len(rows)), -rows.probabilities, rows.entities, rows.days))
    again = (np.diff(rows.days[order]) == 0) & (np.diff(rows.entities[order]) == 0)
    counts[order[1:][again]] = 0
    return counts


def with_stakes(judged: Holdout, kept: str | float | None, costs: Costs | None) -> Holdout:
    """The same rows; what is at stake only where it was kept for what a missed fraud is said to cost now."""
    if costs is not None and costs.missed_fraud == kept:
        return judged
    return Holdout(replace(judged.threshold_rows, at_stake=None), replace(judged.validation_rows, at_stake=None))


def as_kept(judged: Holdout) -> Holdout:
    """The rows as `kept_rows` will give them: what is at stake is kept in single precision."""
    return Holdout(_as_kept(judged.threshold_rows), _as_kept(judged.validation_rows))


def _as_kept(rows: HoldoutRows) -> HoldoutRows:
    if rows.at_stake is None:
        return rows
    return replace(rows, at_stake=rows.at_stake.astype(np.float32).astype(np.float64))


def holdout_bytes(judged: Holdout) -> bytes:
    """The rows as a file of the bundle; who an entity is stays out of it."""
    table = np.concatenate([_table(judged.threshold_rows, judges=False), _table(judged.validation_rows, judges=True)])
    _, table["entity"] = np.unique(table["entity"], return_inverse=True)
    buffer = io.BytesIO()
    np.save(buffer, table, allow_pickle=False)
    return buffer.getvalue()


def holdout_of(content: bytes, groups: tuple[str, ...]) -> Holdout:
    """What `holdout_bytes` has written."""
    table = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    if table.dtype != _ROW:
        raise ValueError(f"{HOLDOUT} holds {table.dtype}")
    return Holdout(_rows(table[~table["judges"]], groups), _rows(table[table["judges"]], groups))


def kept_rows(bundle: Bundle, costs: Costs | None) -> Holdout | None:
    """The rows that a bundle keeps; None where it was imported, or made before they were kept."""
    content, manifest = bundle.attached(HOLDOUT), bundle.manifest
    if content is None:
        return None
    try:
        return with_stakes(holdout_of(content, manifest.groups), manifest.at_stake, costs)
    except (ValueError, EOFError) as error:
        raise BundleRefused(bundle.version, f"{HOLDOUT} cannot be read: {error}") from error


def _table(rows: HoldoutRows, *, judges: bool) -> NDArray[np.void]:
    table = np.zeros(len(rows), _ROW)
    table["judges"], table["is_fraud"], table["probability"] = judges, rows.labels, rows.probabilities
    table["day"] = _ABSENT_DAY if rows.days is None else rows.days
    table["entity"] = 0 if rows.entities is None else rows.entities
    table["group"] = 0 if rows.groups is None else rows.groups.codes
    table["at_stake"] = np.nan if rows.at_stake is None else rows.at_stake
    return table


_ABSENT_DAY = np.iinfo(np.int32).min


def _rows(table: NDArray[np.void], groups: tuple[str, ...]) -> HoldoutRows:
    days = table["day"].astype(np.int64)
    at_stake = table["at_stake"].astype(np.float64)
    entities = table["entity"].astype(np.int64)
    return HoldoutRows(
        table["probability"].copy(),
        table["is_fraud"].copy(),
        None if (days == _ABSENT_DAY).all() else days,
        entities if entities.any() else None,
        Groups(groups, table["group"].astype(np.int64)) if groups else None,
        None if np.isnan(at_stake).all() else at_stake,
    )
