"""A table with what histories say of its rows, in columns that training and bulk scoring take as they are."""

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.tables import RawColumn, RawTable, columns_of_table
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.training.tables.checked import TablePart, bad_rows, wanted_kinds
from fraud_detection_api.training.tables.remembered import remembered_in


def table_with_histories(source: Source, use_case: UseCase) -> RawTable:
    """The columns of a table that its use case knows, and what was known before each row; every row has to be good."""
    features = use_case.histories.features if use_case.histories else ()
    names = {each.name for each in features}
    wanted = {name: kind for name, kind in wanted_kinds(use_case).items() if name not in names}
    raw, unreadable = read_table(source, wanted)
    size = len(next(iter(raw.values()), ()))
    if not size:
        raise DataRefused("The table has no rows: choose another file.")
    columns, problems = columns_of_table(raw, use_case)
    problems += [*RecordCheck(use_case).problems(columns), *unreadable]
    bad_rows(TablePart(raw, np.arange(size)), problems, skip_bad_rows=False, can_skip=False)
    remembered = remembered_in(raw, columns, [], use_case)
    known = zip(features, remembered.values, strict=True)
    return {**raw, **{each.name: _column(values, each.kind) for each, values in known}}


def _column(values: RawColumn, kind: Kind) -> RawColumn:
    is_whole = kind in (Kind.INTEGER, Kind.BOOLEAN) and not np.isnan(values.astype(np.float64)).any()
    return values.astype(np.int64) if is_whole else values
