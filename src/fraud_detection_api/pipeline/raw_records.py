"""Raw records: the files that a run starts from, read batch by batch, every row checked as training checks it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.problems import Problem
from fraud_detection_api.samples.sample_table import TRUE_PROBABILITY
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.files import opened
from fraud_detection_api.storage.tables import paths_at
from fraud_detection_api.training.tables.checked import (
    CheckedRows,
    TablePart,
    checked_records,
    refuse_absent_columns,
    wanted_kinds,
)

ROWS_AT_ONCE = 1 << 17


def raw_files(folder: Path) -> list[Path]:
    """The files of raw records, in the order of their names."""
    return paths_at(str(folder))


def checked_batches(path: Path, use_case: UseCase, *, skip_bad_rows: bool) -> Iterator[CheckedRows]:
    """The rows of a file that can be used, a bounded number at once, always divided in the same way."""
    first, wanted = 0, _wanted(use_case)
    with opened(path, wanted, ROWS_AT_ONCE) as table:
        for batch in table.batches():
            raw, unreadable = batch.read()
            part = TablePart(raw, first + np.arange(len(next(iter(raw.values())))))
            found = [replace(each, row=each.row + first) for each in unreadable]
            yield _checked(path, part, found, use_case, skip_bad_rows=skip_bad_rows)
            first += len(part)


def _wanted(use_case: UseCase) -> Mapping[str, Kind]:
    """What training reads, but for the features of histories: those are computed here."""
    computed = {each.name for each in use_case.histories.features} if use_case.histories else set()
    kinds = {name: kind for name, kind in wanted_kinds(use_case).items() if name not in computed}
    return kinds | {TRUE_PROBABILITY: Kind.NUMBER}


def _checked(
    path: Path, part: TablePart, unreadable: list[Problem], use_case: UseCase, *, skip_bad_rows: bool
) -> CheckedRows:
    try:
        refuse_absent_columns(part.raw, use_case)
        return checked_records(part, unreadable, use_case, skip_bad_rows=skip_bad_rows)
    except DataRefused as error:
        raise DataRefused(f"{path.name}: {error.message}") from error
