"""The answer log in the store: one table for each use case, one row for each record that was answered."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from fraud_detection_api.errors import StoreTableVanished
from fraud_detection_api.schemas.answers import FLAGGED, PASSED
from fraud_detection_api.storage.answer_log.entry import AnsweredRequest, RecordForm
from fraud_detection_api.storage.engines.engine import Engine
from fraud_detection_api.storage.store_database import StoreDatabase

LONGEST_KEY, LONGEST_TEXT = 255, 255

Row = dict[str, object]


@dataclass(frozen=True)
class Entry:
    """An answer with the id that it has wherever it is written, and the form of its records."""

    id: str
    answer: AnsweredRequest
    form: RecordForm


class AnswerTables:
    """Writes answers; one that is there already stays as it is, so that writing it again changes nothing."""

    def __init__(self, database: StoreDatabase, project: str) -> None:
        self._database = database
        self._project = project
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
        self._database.in_transaction(self._project, lambda connection: connection.execute(statement, rows))

    def _made(self, use_case: str) -> sa.Table:
        table = answer_table(self._database.engine, use_case, self._project)
        self._database.make_unless_there(self._project, partial(_is_there, table=table), partial(_make, table=table))
        return table


def answer_table(engine: Engine, use_case: str, project: str) -> sa.Table:
    """The table of a use case's answers."""
    key = hashlib.sha256(use_case.encode()).hexdigest()[:16]  # a schema knows each name of an index once, and short
    return engine.table(
        project,
        use_case,
        sa.Column("entry_id", sa.String(40), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("address", sa.String(LONGEST_TEXT), nullable=False),
        sa.Column("request_id", sa.String(LONGEST_TEXT)),
        sa.Column("record_key", sa.String(LONGEST_KEY), nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("anomaly_score", sa.Double),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("model_version", sa.String(LONGEST_TEXT), nullable=False),
        sa.Column("answered_at", engine.moment, nullable=False),
        sa.Column("record", engine.long_text),
        sa.Index(f"record_key_{key}", "record_key"),
        sa.Index(f"answered_at_{key}", "answered_at"),
    )


def _is_there(connection: sa.Connection, table: sa.Table) -> bool:
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        return False
    found = {index["name"] for index in inspector.get_indexes(table.name, schema=table.schema)}
    return found >= {index.name for index in table.indexes}


def _make(connection: sa.Connection, table: sa.Table) -> None:
    table.create(connection, checkfirst=True)
    for index in table.indexes:  # whoever made the table may have been killed before its indexes
        index.create(connection, checkfirst=True)


def _rows(entry: Entry) -> Iterator[Row]:
    answer = entry.answer
    every = {
        "entry_id": entry.id,
        "address": answer.address,
        "request_id": answer.request_id or None,
        "model_version": answer.model_version,
        "answered_at": answer.moment,
    }
    found = (
        answer.keys(entry.id),
        answer.numbers_answered(),
        answer.anomaly_scores_answered(),
        answer.flagged.tolist(),
        answer.records(entry.form),
    )
    for position, (key, score, anomaly_score, flagged, record) in enumerate(zip(*found, strict=True)):
        yield {
            **every,
            "position": position,
            "record_key": _bounded(key),
            "score": score,
            "anomaly_score": anomaly_score,
            "decision": FLAGGED if flagged else PASSED,
            "record": record,
        }


def _bounded(key: str) -> str:
    # a key that no database could hold or index keeps its beginning, and stays one of its own
    plain = key.replace("\0", "\N{SYMBOL FOR NULL}")
    if len(plain) <= LONGEST_KEY:
        return plain
    return f"{plain[: LONGEST_KEY - 33]}~{hashlib.sha256(plain.encode()).hexdigest()[:32]}"
