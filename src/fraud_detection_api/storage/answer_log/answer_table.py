"""The tables of the answer log: one for each use case, one row for each record that was answered."""

import hashlib

import sqlalchemy as sa

from fraud_detection_api.errors import StoreTableUnfit
from fraud_detection_api.storage.engines.engine import Engine

LONGEST_KEY, LONGEST_TEXT = 255, 255
ORDER = ("number", "entry_id", "position")  # in which answers were written
# what tables of earlier versions lack, and what is read in its place
LATER: dict[str, sa.ColumnElement[object]] = {
    "number": sa.literal(0),
    "reasons": sa.literal(None),
    "histories": sa.literal(None),
}
_NUMBERS = "_numbers"  # no use case has a name like this


def answer_table(engine: Engine, project: str, use_case: str) -> sa.Table:
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
        # columns that tables of earlier versions lack are added to them, so they need a default or may be empty
        sa.Column("number", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("reasons", engine.long_text),
        sa.Column("histories", engine.long_text),
        sa.Index(f"record_key_{key}", "record_key"),
        sa.Index(f"answered_at_{key}", "answered_at"),
        sa.Index(f"number_{key}", *ORDER),
    )


def number_table(engine: Engine, project: str) -> sa.Table:
    """The last number of each use case: who writes answers takes the next one, and holds it until they are there."""
    return engine.table(
        project,
        _NUMBERS,
        sa.Column("use_case", sa.String(LONGEST_KEY), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )


def has_columns(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether the table is there and lacks no column."""
    return sa.inspect(connection).has_table(table.name, schema=table.schema) and not lacking(connection, table)


def make(connection: sa.Connection, table: sa.Table) -> None:
    """Make the table, or add the columns that an earlier version did not know."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name, schema=table.schema):
        connection.execute(sa.schema.CreateTable(table))
    for column in lacking(connection, table):
        words = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
        name = connection.dialect.identifier_preparer.format_table(table)
        connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {words}")


def bounded_key(key: str) -> str:
    """A key that no database could hold or index keeps its beginning, and stays one of its own."""
    plain = key.replace("\0", "\N{SYMBOL FOR NULL}")
    if len(plain) <= LONGEST_KEY:
        return plain
    return f"{plain[: LONGEST_KEY - 33]}~{hashlib.sha256(plain.encode()).hexdigest()[:32]}"


def lacking(connection: sa.Connection, table: sa.Table) -> list[sa.Column[object]]:
    """The columns that an earlier version did not know; a table that lacks any other is somebody else's."""
    there = {column["name"] for column in sa.inspect(connection).get_columns(table.name, schema=table.schema)}
    missing = [column for column in table.columns if column.name not in there]
    if unfit := sorted({column.name for column in missing} - LATER.keys()):
        raise StoreTableUnfit(str(table.schema), table.name, f"it has no column {', '.join(unfit)}")
    return missing
