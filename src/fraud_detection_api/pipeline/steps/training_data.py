"""Training data: the rows that learn, stop, calibrate and judge, joined with what histories say by their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Remembered
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.features.remembering import Remembering, ids_of
from fraud_detection_api.features.secret_hash import Value
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.pipeline.given import RECORDS, SECRET_MARK, is_set, remembering_of, share_of, whole_of
from fraud_detection_api.pipeline.known_labels import LABELS, KnownLabels, is_known, read_known_labels
from fraud_detection_api.pipeline.raw_records import checked_batches, raw_files
from fraud_detection_api.pipeline.remembered_rows import remembered_rows
from fraud_detection_api.pipeline.scattered import SKIPPED, batches_of, scattered_files
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step
from fraud_detection_api.pipeline.steps.partition import scatter_of
from fraud_detection_api.pipeline.training_rows import (
    AT_STAKE,
    ENTITY,
    GROUP,
    LABEL,
    PART,
    PROBABILITY,
    TIME,
    WEIGHT,
    layout_of,
    write_rows,
)
from fraud_detection_api.samples.sample_table import TRUE_PROBABILITY
from fraud_detection_api.storage.blocks import BlockWriter, block_writer, blocks_in
from fraud_detection_api.training.tables.checked import CheckedRows
from fraud_detection_api.training.tables.dataset import at_stake_of
from fraud_detection_api.training.tables.periods import NOWHERE, TRAIN, Codes, Periods, periods
from fraud_detection_api.training.tables.remembered import arrivals_in
from fraud_detection_api.training.tables.thinning import Thinning, thinning

GAP_DAYS, VALIDATION_ROWS, TRAINING_ROWS = 14, 250_000, 2_000_000
VALIDATION_SHARE = 0.2
PARAMETERS = (
    *RECORDS, SECRET_MARK, "seed", "partitions", "skip_bad_rows", "gap_days", "validation_share",
    "most_validation_rows", "kept_non_frauds", "most_training_rows",
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """Which rows are used, and for what."""

    known: KnownLabels
    periods: Periods
    thinning: Thinning


def choice_of(inputs: Inputs, parameters: Parameters) -> Choice:
    """What all parts of the step agree on: it follows from the numbers of records and labels by the hour."""
    known = read_known_labels(inputs["features"] / LABELS)
    found = periods(
        known.by_hour,
        whole_of(parameters, "gap_days", GAP_DAYS),
        share_of(parameters, "validation_share", VALIDATION_SHARE),
        whole_of(parameters, "most_validation_rows", VALIDATION_ROWS),
    )
    kept, most = share_of(parameters, "kept_non_frauds", 1.0), whole_of(parameters, "most_training_rows", TRAINING_ROWS)
    return Choice(known, found, thinning(found, kept, most, whole_of(parameters, "seed", 0)))


def parts(inputs: Inputs, _: Parameters) -> Sequence[Part]:
    """One for each raw file."""
    return [Part(path.name, number) for number, path in enumerate(scattered_files(inputs["partition"]))]


def training_data(inputs: Inputs, parameters: Parameters, part: Part, path: Path) -> int:
    """Write the rows of one raw file that are used."""
    remembering, choice = remembering_of(parameters), choice_of(inputs, parameters)
    raw, scatter = raw_files(inputs["make_sample"])[part.number], scatter_of(len(remembering.kernels), parameters)
    batch, rows = _first_batch(inputs["partition"], part.number), 0
    with (
        block_writer(path, layout_of(remembering.use_case)) as writer,
        remembered_rows(inputs["features"], remembering.histories, scatter) as remembered,
    ):
        for checked in checked_batches(raw, remembering.use_case, skip_bad_rows=is_set(parameters, "skip_bad_rows")):
            made = _RowsOfBatch(remembering, checked, choice)
            made.write(writer, remembered.of_batch(batch, checked.part.rows))
            batch, rows = batch + 1, rows + len(made.used)
    return rows


def skipped_rows(folder: Path) -> int:
    """How many raw records were left out because they are bad."""
    skipped = 0
    for path in scattered_files(folder):
        with blocks_in(path) as blocks:
            skipped += int(blocks.notes[SKIPPED])
    return skipped


def _first_batch(folder: Path, number: int) -> int:
    """How many batches all raw files before one have."""
    count = 0
    for path in scattered_files(folder)[:number]:
        with blocks_in(path) as blocks:
            count += batches_of(blocks)
    return count


@dataclass(frozen=True)
class _RowsOfBatch:
    """The rows of a batch, and which of them are used."""

    remembering: Remembering
    checked: CheckedRows
    choice: Choice

    @cached_property
    def times(self) -> Whole:
        """When each record happened."""
        return self.remembering.times(self.checked.columns)

    @cached_property
    def parts(self) -> Codes:
        """Which part each record belongs to, if its label is known by now."""
        arrivals = arrivals_in(self.checked.part.raw, self.times, self.remembering.use_case)
        labels = np.full(len(self.times), MISSING) if arrivals.labels is None else arrivals.labels
        return np.where(is_known(labels, self.choice.known.now), self.choice.periods.parts_of(self.times), NOWHERE)

    @cached_property
    def used(self) -> NDArray[np.intp]:
        """The rows that are used; only training rows are thinned."""
        is_kept = self.choice.thinning.keeps(ids_of(self.checked.columns.identifiers), self.checked.labels)
        return np.flatnonzero((self.parts != NOWHERE) & (is_kept | (self.parts != TRAIN)))

    def write(self, writer: BlockWriter, remembered: Remembered) -> None:
        """Write the rows that are used as the model sees them."""
        use_case, rows = self.remembering.use_case, self.used
        derived = derive(replace(self.checked.columns, remembered=remembered), use_case)
        write_rows(writer, use_case, replace(derived, given=None).take(rows), self._beside())

    def _beside(self) -> dict[str, RawColumn]:
        use_case, rows, raw = self.remembering.use_case, self.used, self.checked.part.raw
        labels, parts = self.checked.labels[rows], self.parts[rows]
        weights = np.where(parts == TRAIN, self.choice.thinning.weights(labels), np.float32(1))
        found: dict[str, RawColumn] = {PART: parts, TIME: self.times[rows], LABEL: labels, WEIGHT: weights}
        found[PROBABILITY] = raw[TRUE_PROBABILITY][rows] if TRUE_PROBABILITY in raw else np.full(len(rows), np.nan)
        if use_case.entity:
            found[ENTITY] = self.remembering.hashes(_values(raw[use_case.entity][rows]))
        if use_case.gate.group:
            found[GROUP] = _texts(raw[use_case.gate.group][rows])
        stakes = at_stake_of(self.checked.columns, use_case)
        return found if stakes is None else found | {AT_STAKE: stakes[rows]}


def _values(column: RawColumn) -> list[Value]:
    """A column's values; nothing where one is missing."""
    return [None if value is None or value != value else value for value in column.tolist()]  # noqa: PLR0124  # NaN


def _texts(column: RawColumn) -> NDArray[np.object_]:
    return np.array([None if value is None else str(value) for value in _values(column)], dtype=object)


STEP = Step("training_data", ("make_sample", "partition", "features"), PARAMETERS, parts, training_data)
