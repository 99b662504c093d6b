"""The table of scores: its shape, making it, refusing one of another shape."""

import hashlib

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from fraud_detection_api.errors import StoreTableUnfit
from fraud_detection_api.schemas.stored_scores import FRAUD_CLASSES

COLUMNS = ("id", "outlier_prob", "class_pred", "inserted_at")
_LONGEST_CLASS = max(map(len, FRAUD_CLASSES))
_MICROSECONDS = 6


def score_table(project: str, name: str) -> sa.Table:
    """The table as SQLAlchemy knows it, in any of the databases."""
    key = hashlib.sha256(name.encode()).hexdigest()[:16]  # MySQL wants the names of checks to be unique and short
    return sa.Table(
        name,
        sa.MetaData(),
        # SQLite keeps a BIGINT beside its own row number, an INTEGER as it
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("outlier_prob", sa.Double, nullable=False),
        sa.Column("class_pred", sa.String(_LONGEST_CLASS), nullable=False),
        sa.Column("inserted_at", _moment(), nullable=False),
        sa.CheckConstraint("outlier_prob >= 0 AND outlier_prob <= 1", name=f"outlier_prob_{key}"),
        sa.CheckConstraint(f"class_pred IN ({', '.join(map(repr, FRAUD_CLASSES))})", name=f"class_pred_{key}"),
        schema=project,
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
    why = _misfit(sa.inspect(connection), table)
    if why:
        raise StoreTableUnfit(str(table.schema), table.name, why)


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=_MICROSECONDS), "mysql", "mariadb")


def _misfit(inspector: sa.Inspector, table: sa.Table) -> str | None:
    found = {column["name"]: column["type"] for column in inspector.get_columns(table.name, schema=table.schema)}
    if set(found) != set(COLUMNS):
        return f"its columns are {', '.join(found)}, not {', '.join(COLUMNS)}"
    for name, kind in found.items():
        if not _fits(name, kind, inspector.dialect.name):
            return f"its column {name} is {kind}"
    key = inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
    if key != ["id"]:
        return "id is not its primary key"
    options = inspector.get_table_options(table.name, schema=table.schema)
    engine = str(options.get("mysql_engine", options.get("mariadb_engine", "InnoDB")))
    return None if engine == "InnoDB" else f"its engine {engine} knows no transactions"


def _fits(name: str, kind: sa.types.TypeEngine[object], dialect: str) -> bool:
    if name == "id":
        return isinstance(kind, sa.Integer if dialect == "sqlite" else sa.BigInteger)
    if name == "outlier_prob":
        return isinstance(kind, sa.Float if dialect == "sqlite" else sa.Double)
    if name == "class_pred":
        length = getattr(kind, "length", None)
        return isinstance(kind, sa.String) and (length is None or length >= _LONGEST_CLASS)
    if dialect == "postgresql":
        return isinstance(kind, sa.DateTime) and kind.timezone
    return isinstance(kind, sa.DateTime) and (dialect == "sqlite" or getattr(kind, "fsp", None) == _MICROSECONDS)
