"""Populating: every record of a table is scored and stored where /insert stores, batch by batch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused, StoreTableMissing
from fraud_detection_api.features.brought import (
    brought,
    columns_to_bring,
    problems_of_brought,
    refuse_without_histories,
)
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.stored_scores import FRAUD_CLASSES, LEAST_ID, ScoresQuery, StoredScores
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.answer_log.entry import as_answered
from fraud_detection_api.storage.score_store import ScoreStore
from fraud_detection_api.storage.table_folder import read_records
from fraud_detection_api.storage.tables import Source

FRAUD, NO_FRAUD = FRAUD_CLASSES


@dataclass(frozen=True)
class Populated:
    """How many records are stored now, how many of them already were, just so, and how many are called fraud."""

    stored: int
    before: int
    frauds: int


@dataclass(frozen=True)
class Population:
    """Records in the order of their ids, the model that scores them, and the table that what it says goes to."""

    records: Columns
    scorer: Scorer
    store: ScoreStore
    project: str
    table: str

    def populate(self, batch_rows: int, on_progress: Callable[[int, int], None]) -> Populated:
        """Store every record; batches that the store holds already are left alone, so a stopped run goes on."""
        stored = before = frauds = 0
        for batch in self._batches(batch_rows):
            if self._holds(batch):
                before += len(batch)
            else:
                self.store.write(self.project, self.table, batch)
            stored += len(batch)
            frauds += batch.classes.count(FRAUD)
            on_progress(stored, len(self.records))
        return Populated(stored, before, frauds)

    def _batches(self, batch_rows: int) -> Iterator[StoredScores]:
        for start in range(0, len(self.records), batch_rows):
            some = self.records.part(start, start + batch_rows)
            scores = self.scorer.scores(some)
            classes = [FRAUD if flagged else NO_FRAUD for flagged in scores.flagged.tolist()]
            yield StoredScores(_ids(some), np.array(as_answered(scores.values)), classes)

    def _holds(self, batch: StoredScores) -> bool:
        # what is asked is the store, not a note beside it: nobody can drop a table behind its own back
        ids: list[int] = batch.ids.tolist()
        query = ScoresQuery(after=ids[0] - 1 if ids[0] > LEAST_ID else None, limit=len(ids))
        try:
            page = self.store.page(self.project, self.table, query)
        except StoreTableMissing:
            return False
        held = [(row.id, row.outlier_prob, row.class_pred) for row in page.scores]
        return held == list(zip(ids, batch.probabilities.tolist(), batch.classes, strict=True))


def records_of(data: str, use_case: UseCase) -> Columns:
    """Every record of a file, or of a folder of source tables, in the order of the ids; refused if one is wrong."""
    key = use_case.identifier_field
    if key is None or key.kind is not Kind.INTEGER:
        raise DataRefused(f"The records of {use_case.name} have no whole number for an id, so no store can hold them.")
    wanted = {each.name: each.kind for each in use_case.fields} | columns_to_bring(use_case)
    raw, unreadable = read_records(Source(data), use_case, wanted)
    refuse_without_histories(raw, use_case, data)
    columns, unfitting = columns_of_table(raw, use_case)
    unfitting += problems_of_brought(raw, use_case)
    _refuse_problems(data, [*unreadable, *unfitting, *RecordCheck(use_case).problems(columns)])
    columns = replace(columns, remembered=brought(raw, use_case))
    ids = _ids(columns)
    if len(np.unique(ids)) < len(ids):
        raise DataRefused(f"{data} holds an id more than once: one record for each {key.name} can be stored.")
    return derive(columns, use_case).take(np.argsort(ids, kind="stable"))


def _refuse_problems(data: str, problems: list[Problem]) -> None:
    if problems:
        first = min(problems, key=lambda problem: problem.row)
        raise DataRefused(
            f"{data}: {len(problems):,} problem(s), the first in record {first.row + 1}, {first.field}: "
            f"{first.message}. Nothing was stored; correct the table first."
        )


def _ids(columns: Columns) -> NDArray[np.int64]:
    return np.asarray(columns.identifiers, dtype=np.int64)
