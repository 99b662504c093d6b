"""Answers into the store: one row for each record, numbered in the order in which they are written."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from fraud_detection_api.errors import StoreTableVanished, StoreUnavailable
from fraud_detection_api.schemas.answers import FLAGGED, PASSED
from fraud_detection_api.storage.answer_log.answer_table import (
    answer_table,
    bounded_key,
    has_columns,
    make,
    number_table,
)
from fraud_detection_api.storage.answer_log.entry import AnsweredRequest, RecordForm, as_answered
from fraud_detection_api.storage.store_database import StoreDatabase

Row = dict[str, object]


@dataclass(frozen=True)
class Entry:
    """An answer with the id that it has wherever it is written, and the form of its records."""

    id: str
    answer: AnsweredRequest
    form: RecordForm
    reasons: Sequence[str | None] = ()  # of each record, as JSON, where they are kept


class AnswerTables:
    """Writes answers; one that is there already stays as it is, so that writing it again changes nothing."""

    def __init__(self, database: StoreDatabase, project: str) -> None:
        self._database = database
        self._project = project
        self._numbers = number_table(database.engine, project)
        self._tables: dict[str, sa.Table] = {}

    def write(self, entries: Sequence[Entry]) -> list[Entry]:
        """Write these, all of one use case, in one transaction; those of them that the database will never take."""
        try:
            self._write(entries)
        except (sa.exc.DataError, sa.exc.IntegrityError):
            if len(entries) == 1:
                return list(entries)
            middle = len(entries) // 2
            return self.write(entries[:middle]) + self.write(entries[middle:])
        return []

    def _write(self, entries: Sequence[Entry]) -> None:
        use_case = entries[0].answer.use_case
        rows = [row for entry in entries for row in _rows(entry)]
        try:
            self._insert(use_case, rows)
        except StoreTableVanished:  # somebody has dropped it since
            self._tables.clear()
            self._insert(use_case, rows)

    def _insert(self, use_case: str, rows: list[Row]) -> None:
        if use_case not in self._tables:
            self._tables[use_case] = self._made(use_case)
        statement = self._database.engine.insert_new(self._tables[use_case])

        def insert(connection: sa.Connection) -> None:
            number = self._next_number(connection, use_case)
            connection.execute(statement, [{**row, "number": number} for row in rows])

        self._database.in_transaction(self._project, insert)

    def _next_number(self, connection: sa.Connection, use_case: str) -> int:
        """Nobody else gets one before this transaction ends: whoever reads on from a number misses none."""
        last, mine = self._numbers.c.last, self._numbers.c.use_case == use_case
        if not connection.execute(sa.update(self._numbers).where(mine).values(last=last + 1)).rowcount:
            raise StoreTableVanished
        return int(connection.execute(sa.select(last).where(mine)).scalar_one())

    def _made(self, use_case: str) -> sa.Table:
        table = answer_table(self._database.engine, self._project, use_case)
        for each in (self._numbers, table):
            self._database.make_unless_there(self._project, partial(has_columns, table=each), partial(make, table=each))
        for index in table.indexes:
            with suppress(StoreUnavailable, sa.exc.DBAPIError):  # a long table may take longer than a statement may
                self._database.in_transaction(self._project, partial(index.create, checkfirst=True))
        self._database.in_transaction(self._project, partial(self._begin_numbers, table=table))
        return table

    def _begin_numbers(self, connection: sa.Connection, table: sa.Table) -> None:
        last = connection.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0))).scalar_one()
        connection.execute(self._database.engine.insert_new(self._numbers), {"use_case": table.name, "last": last})


def _rows(entry: Entry) -> Iterator[Row]:
    answer = entry.answer
    every = {
        "entry_id": entry.id,
        "address": answer.address,
        "request_id": answer.request_id or None,
        "model_version": answer.model_version,
        "answered_at": answer.moment,
    }
    columns = (
        answer.keys(entry.id),
        as_answered(answer.scores),
        answer.anomaly_scores_answered(),
        answer.flagged.tolist(),
        answer.records(entry.form),
        entry.reasons or [None] * answer.size,
        answer.histories(entry.form),
    )
    for position, (key, score, anomaly_score, flagged, *texts) in enumerate(zip(*columns, strict=True)):
        yield {
            **every,
            "position": position,
            "record_key": bounded_key(key),
            "score": score,
            "anomaly_score": anomaly_score,
            "decision": FLAGGED if flagged else PASSED,
            **dict(zip(("record", "reasons", "histories"), texts, strict=True)),
        }
