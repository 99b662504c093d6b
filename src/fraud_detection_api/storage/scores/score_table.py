"""The table of scores: its shape, making it, refusing one of another shape."""

import hashlib
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine.interfaces import ReflectedColumn

from fraud_detection_api.errors import StoreTableUnfit
from fraud_detection_api.schemas.stored_scores import FRAUD_CLASSES

COLUMNS = ("id", "outlier_prob", "class_pred", "inserted_at")
_LONGEST_CLASS = max(map(len, FRAUD_CLASSES))
_MICROSECONDS = 6


def score_table(project: str, name: str) -> sa.Table:
    """The table as SQLAlchemy knows it, in any of the databases."""
    key = hashlib.sha256(name.encode()).hexdigest()[:16]  # MySQL wants the names of checks to be unique and short
    return sa.Table(
        sa.sql.quoted_name(name, quote=True),  # SQLAlchemy does not know every word of every database
        sa.MetaData(),
        # SQLite keeps a BIGINT beside its own row number, an INTEGER as it
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("outlier_prob", sa.Double, nullable=False),
        sa.Column("class_pred", sa.String(_LONGEST_CLASS), nullable=False),
        sa.Column("inserted_at", _moment(), nullable=False),
        sa.CheckConstraint("outlier_prob >= 0 AND outlier_prob <= 1", name=f"outlier_prob_{key}"),
        sa.CheckConstraint(f"class_pred IN ({', '.join(map(repr, FRAUD_CLASSES))})", name=f"class_pred_{key}"),
        schema=sa.sql.quoted_name(project, quote=True),
        mysql_engine="InnoDB",
    )


def has_table(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether a table of this name is there, whatever its shape."""
    return sa.inspect(connection).has_table(table.name, schema=table.schema)


def make_table(connection: sa.Connection, table: sa.Table) -> None:
    """Make it; fails where somebody else has made it since."""
    connection.execute(sa.schema.CreateTable(table, if_not_exists=True))


def refuse_unfit(connection: sa.Connection, table: sa.Table) -> None:
    """A table of this name that is something else is neither read nor written; raises NoSuchTableError without any."""
    for why in _misfits(sa.inspect(connection), table):
        raise StoreTableUnfit(str(table.schema), table.name, why)


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=_MICROSECONDS), "mysql", "mariadb")


def _misfits(inspector: sa.Inspector, table: sa.Table) -> Iterator[str]:
    name, schema = table.name, table.schema
    columns = inspector.get_columns(name, schema=schema)
    names = [column["name"] for column in columns]
    if set(names) != set(COLUMNS):
        yield f"its columns are {', '.join(names)}, not {', '.join(COLUMNS)}"
    if inspector.get_pk_constraint(name, schema=schema)["constrained_columns"] != ["id"]:
        yield "id is not its primary key"
    for column in columns:
        yield from (f"its column {column['name']} {why}" for why in _misfits_of(column, inspector.dialect))
    for index in inspector.get_indexes(name, schema=schema, include_auto_indexes=True):
        if index["unique"] and index["column_names"] != ["id"]:
            yield f"more than its id is unique ({index['name']})"
    options = inspector.get_table_options(name, schema=schema)
    engine = str(options.get("mysql_engine", options.get("mariadb_engine", "InnoDB")))
    if engine != "InnoDB":
        yield f"its engine {engine} knows no transactions"


def _misfits_of(column: ReflectedColumn, dialect: sa.Dialect) -> Iterator[str]:
    if not _fits(column["name"], column["type"], dialect.name):
        yield f"is {column['type'].compile(dialect)}"
    if column["nullable"] and column["name"] != "id":
        yield "may be empty"
    if column.get("autoincrement") is True or "identity" in column or "computed" in column:
        yield "is given its values by the table itself"


def _fits(name: str, kind: sa.types.TypeEngine[object], dialect: str) -> bool:
    if name == "id":
        is_signed = not getattr(kind, "unsigned", False)
        return is_signed and isinstance(kind, sa.Integer if dialect == "sqlite" else sa.BigInteger)
    if name == "outlier_prob":
        is_whole = getattr(kind, "scale", None) is None  # MySQL rounds to a scale
        return is_whole and isinstance(kind, sa.Float if dialect == "sqlite" else sa.Double)
    if name == "class_pred":
        length = getattr(kind, "length", None)
        is_padded = isinstance(kind, sa.CHAR)
        return isinstance(kind, sa.String) and not is_padded and (length is None or length >= _LONGEST_CLASS)
    if dialect == "postgresql":
        return isinstance(kind, sa.DateTime) and kind.timezone
    return isinstance(kind, sa.DateTime) and (dialect == "sqlite" or getattr(kind, "fsp", None) == _MICROSECONDS)
