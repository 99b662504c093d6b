"""Where training reads: the table that was named, or the use case's sample table."""

import re
from dataclasses import dataclass

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.samples import DEFAULT_ROWS, DEFAULT_SEED, SAMPLES
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.progress import Follower
from fraud_detection_api.training.tables.dataset import Dataset, dataset_of, wanted_kinds


@dataclass(frozen=True)
class TrainingTable:
    """A dataset and the words for where it came from."""

    dataset: Dataset
    source: str


def training_table(use_case: UseCase, options: FitOptions, follower: Follower) -> TrainingTable:
    """Read, cut and check the table."""
    table = _sample(use_case, options, follower) if options.data is None else _read(use_case, options, follower)
    if table.dataset.skipped:
        follower.warn(f"{table.dataset.skipped:,} bad rows were left out (--skip-bad-rows)")
    return table


def _sample(use_case: UseCase, options: FitOptions, follower: Follower) -> TrainingTable:
    if use_case.name not in SAMPLES:
        raise DataRefused(f"{use_case.name} has no sample table: name your own with --data.")
    follower.warn(
        f"NO --data WAS GIVEN: training {use_case.name} on a made-up sample of {DEFAULT_ROWS:,} rows. "
        "The model is for trying things out; it knows nothing of your customers."
    )
    sample = SAMPLES[use_case.name](DEFAULT_ROWS, DEFAULT_SEED)
    follower.step(f"No model can rank this sample better than with a ROC AUC of {sample.best_possible_auc:.4f}")
    dataset = dataset_of(sample.columns, [], use_case, options.period, skip_bad_rows=options.skip_bad_rows)
    return TrainingTable(dataset, f"sample of {DEFAULT_ROWS} rows, seed {DEFAULT_SEED}")


def _read(use_case: UseCase, options: FitOptions, follower: Follower) -> TrainingTable:
    from fraud_detection_api.storage.tables import Source, read_table

    source = Source(options.data or "", options.table, options.query)
    shown = " ".join(filter(None, (without_password(source.location), source.table, source.query)))
    follower.step(f"Reading {shown}")
    raw, unreadable = read_table(source, wanted_kinds(use_case))
    dataset = dataset_of(raw, unreadable, use_case, options.period, skip_bad_rows=options.skip_bad_rows)
    return TrainingTable(dataset, shown)


def without_password(location: str) -> str:
    """A URL as it may be shown and kept."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", location)
