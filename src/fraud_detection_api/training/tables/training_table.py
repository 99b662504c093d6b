"""Where training reads: the table that was named, or the use case's sample table."""

import re
from dataclasses import dataclass

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.samples import DEFAULT_SEED, SAMPLES
from fraud_detection_api.samples.sample_table import LabelledSample
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.tables.checked import wanted_kinds
from fraud_detection_api.training.tables.dataset import (
    Dataset,
    dataset_of,
    refuse_one_class,
    refuse_unlabelled,
)
from fraud_detection_api.training.tables.learnable import refuse_absent, refuse_nearly_unique
from fraud_detection_api.training.tables.source import TableSource


@dataclass(frozen=True)
class TrainingTable:
    """A dataset and the words for where it came from."""

    dataset: Dataset
    source: str


def training_table(use_case: UseCase, wanted: TableSource, follower: Follower) -> TrainingTable:
    """Read, cut and check a labelled table."""
    refuse_unlabelled(use_case)
    table = unlabelled_table(use_case, wanted, follower)
    refuse_one_class(table.dataset.labels, use_case, wanted.period)
    return table


def unlabelled_table(use_case: UseCase, wanted: TableSource, follower: Follower) -> TrainingTable:
    """Read, cut and check a table, labelled or not."""
    table = _sample(use_case, wanted, follower) if wanted.data is None else _read(use_case, wanted, follower)
    refuse_nearly_unique(table.dataset.columns, use_case)
    if table.dataset.valueless:
        _refuse_absent(table.dataset.valueless, use_case, wanted)
        follower.warn(f"No row has a value of {', '.join(table.dataset.valueless)} (--allow-absent)")
    if table.dataset.skipped:
        follower.warn(f"{table.dataset.skipped:,} bad rows were left out (--skip-bad-rows)")
    return table


def _sample(use_case: UseCase, wanted: TableSource, follower: Follower) -> TrainingTable:
    if use_case.name not in SAMPLES:
        raise DataRefused(f"{use_case.name} has no sample table: name your own with --data.")
    maker = SAMPLES[use_case.name]
    sample = maker(maker.rows, DEFAULT_SEED)
    follower.warn(
        f"NO --data WAS GIVEN: training {use_case.name} on a made-up sample of {len(sample):,} rows. "
        "The model is for trying things out; it knows nothing of your customers."
    )
    if isinstance(sample, LabelledSample):
        best = f"ROC AUC of {sample.best_possible_auc:.4f} and an average precision of"
        follower.step(
            f"No model can rank this sample better than with a {best} {sample.best_possible_average_precision:.4f}"
        )
    dataset = dataset_of(sample.columns, [], use_case, wanted.period, skip_bad_rows=wanted.skip_bad_rows)
    return TrainingTable(dataset, f"sample of {len(sample)} rows, seed {DEFAULT_SEED}")


def _read(use_case: UseCase, wanted: TableSource, follower: Follower) -> TrainingTable:
    from fraud_detection_api.storage.table_folder import read_records
    from fraud_detection_api.storage.tables import Source

    source = Source(wanted.data or "", wanted.table, wanted.query)
    shown = " ".join(filter(None, (without_password(source.location), source.table, source.query)))
    follower.step(f"Reading {shown}")
    raw, unreadable = read_records(source, use_case, wanted_kinds(use_case))
    dataset = dataset_of(raw, unreadable, use_case, wanted.period, skip_bad_rows=wanted.skip_bad_rows)
    return TrainingTable(dataset, shown)


def _refuse_absent(names: tuple[str, ...], use_case: UseCase, wanted: TableSource) -> None:
    from fraud_detection_api.storage.tables import file_columns

    if not wanted.allow_absent:
        there = file_columns(wanted.data) if wanted.data else ()
        refuse_absent(names, there, [name for name in there if name not in wanted_kinds(use_case)])


def without_password(location: str) -> str:
    """A URL as it may be shown and kept."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", location)
