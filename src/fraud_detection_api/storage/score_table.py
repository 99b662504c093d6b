"""The table of scores: its shape, making it, refusing one of another shape."""

import hashlib
import re
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedColumn

from fraud_detection_api.errors import StoreTableUnfit
from fraud_detection_api.schemas.stored_scores import FRAUD_CLASSES
from fraud_detection_api.storage.engines.engine import SCORE_COLUMNS, Engine

_LONGEST_CLASS = max(map(len, FRAUD_CLASSES))


def score_table(engine: Engine, project: str, name: str) -> sa.Table:
    """The table as SQLAlchemy knows it."""
    key = hashlib.sha256(name.encode()).hexdigest()[:16]  # MySQL wants the names of checks to be unique and short
    return engine.table(
        project,
        name,
        sa.Column("id", engine.whole_number, primary_key=True, autoincrement=False),
        sa.Column("outlier_prob", sa.Double, nullable=False),
        sa.Column("class_pred", sa.String(_LONGEST_CLASS), nullable=False),
        sa.Column("inserted_at", engine.moment, nullable=False),
        sa.CheckConstraint("outlier_prob >= 0 AND outlier_prob <= 1", name=f"outlier_prob_{key}"),
        sa.CheckConstraint(f"class_pred IN ({', '.join(map(repr, FRAUD_CLASSES))})", name=f"class_pred_{key}"),
    )


def has_table(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether a table of this name is there, whatever its shape."""
    return sa.inspect(connection).has_table(table.name, schema=table.schema)


def refuse_unfit(connection: sa.Connection, engine: Engine, table: sa.Table) -> None:
    """A table of this name that is something else is neither read nor written; raises NoSuchTableError without any."""
    for why in _misfits(sa.inspect(connection), engine, table):
        raise StoreTableUnfit(str(table.schema), table.name, why)


def _misfits(inspector: sa.Inspector, engine: Engine, table: sa.Table) -> Iterator[str]:
    name, schema = table.name, table.schema
    columns = inspector.get_columns(name, schema=schema)
    names = [column["name"] for column in columns]
    if set(names) != set(SCORE_COLUMNS):
        yield f"its columns are {', '.join(names)}, not {', '.join(SCORE_COLUMNS)}"
    if inspector.get_pk_constraint(name, schema=schema)["constrained_columns"] != ["id"]:
        yield "id is not its primary key"
    for column in columns:
        yield from (f"its column {column['name']} {why}" for why in _column_misfits(column, engine, inspector.dialect))
    for index in inspector.get_indexes(name, schema=schema, include_auto_indexes=True):
        if index["unique"] and index["column_names"] != ["id"]:
            yield f"more than its id is unique ({index['name']})"
    storage = inspector.get_table_options(name, schema=schema)
    if "MyISAM" in storage.values():
        yield "its engine MyISAM knows no transactions"


def _column_misfits(column: ReflectedColumn, engine: Engine, dialect: sa.Dialect) -> Iterator[str]:
    kind = column["type"].compile(dialect)
    if not re.fullmatch(engine.score_types[column["name"]], kind):
        yield f"is {kind}"
    if column["nullable"] and column["name"] != "id":
        yield "may be empty"
    if column.get("autoincrement") is True or "identity" in column or "computed" in column:
        yield "is given its values by the table itself"
