"""Tables and queries of any database that SQLAlchemy knows, streamed in batches."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawTable
from fraud_detection_api.problems import Problem
from fraud_detection_api.storage.database_cells import cells_column
from fraud_detection_api.storage.engines.known import DRIVERS, known_engine
from fraud_detection_api.storage.formats.batch import EMPTY, Wanted

try:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
except ModuleNotFoundError as error:
    raise DataRefused("Reading a database needs SQLAlchemy: pip install 'fraud-detection-api[training]'.") from error

_BATCH_ROWS = 1 << 15


def parts_of_query(
    location: str, table: str | None, query: str | None, wanted: Wanted
) -> Iterator[tuple[RawTable, list[Problem]]]:
    """The wanted columns of a table, or of a query's result, batch by batch; the first batch is empty."""
    if bool(table) == bool(query):
        raise DataRefused("A database needs a table or a query, and not both.")
    url = _url(location)
    with _connection(url) as connection:
        statement = _free_text(query) if query else _selection(connection, table or "", wanted, _shown(url))
        streamed = connection.execution_options(stream_results=True, max_row_buffer=_BATCH_ROWS)
        with streamed.execute(statement) as result:
            if not result.returns_rows:
                raise DataRefused("The query gives no rows: it has to be a SELECT.")
            names = _names(tuple(result.keys()), wanted)
            yield {name: EMPTY[wanted[name]] for name in names}, []
            for rows in result.columns(*names).partitions(_BATCH_ROWS):
                yield _columns(rows, names, wanted)


def _names(names: tuple[str, ...], wanted: Wanted) -> list[str]:
    found = [name for name in names if name in wanted]
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise DataRefused(f"The query gives more than one column {', '.join(twice)}: name all but one otherwise.")
    if not found:
        raise DataRefused(f"The query gives none of the columns {', '.join(wanted)}; it gives: {', '.join(names)}.")
    return found


def _columns(rows: Sequence[Sequence[object]], names: list[str], wanted: Wanted) -> tuple[RawTable, list[Problem]]:
    table, problems = {}, []
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        table[name], found = cells_column(cells, wanted[name], name)
        problems += found
    return table, problems


def _selection(connection: sa.Connection, name: str, wanted: Wanted, shown: str) -> sa.Executable:
    inspector = sa.inspect(connection)
    schema, _, bare = name.rpartition(".")
    for table, place in ((name, None), (bare, schema or None)):
        if inspector.has_table(table, schema=place):
            found = [column["name"] for column in inspector.get_columns(table, schema=place)]
            kept = [each for each in wanted if each in found]
            if not kept:
                raise DataRefused(f"Table {name} has no column {' or '.join(wanted)}; it has: {', '.join(found)}.")
            return sa.select(*map(sa.column, kept)).select_from(sa.table(table, schema=place))
    there = ", ".join(sorted({*inspector.get_table_names(), *inspector.get_view_names()})) or "none"
    raise DataRefused(f"{shown} has no table {name!r}; there are: {there}.")


def _free_text(query: str) -> sa.TextClause:
    statement = sa.text(query.strip().rstrip(";"))
    placeholders = ", ".join(f":{name}" for name in statement.compile().params)
    if placeholders:
        raise DataRefused(f"The query has placeholders ({placeholders}); write \\: for a colon that is meant as such.")
    return statement


@contextmanager
def _connection(url: sa.URL) -> Iterator[sa.Connection]:
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        # without the cause: a driver may quote what it was called with
        raise DataRefused(f"{_shown(url)} cannot be read: {_words(error, url)}") from None
    finally:
        engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and ":" not in url.database and not Path(url.database).is_file():
        raise DataRefused(f"There is no SQLite file {url.database}.")
    try:
        return sa.create_engine(url, poolclass=sa.NullPool)
    except NoSuchModuleError:
        raise DataRefused(
            f"SQLAlchemy knows no database {url.drivername!r}; use one of {', '.join(DRIVERS.values())}."
        ) from None
    except ModuleNotFoundError as error:
        known = known_engine(backend)
        how = f"install {error.name}"
        if known is not None:
            how = f"pip install 'fraud-detection-api[{known.extra}]' and write {known.drivers[backend]}://"
        raise DataRefused(f"The driver for {url.drivername} is not installed: {how}.") from None


def _url(location: str) -> sa.URL:
    try:
        return sa.make_url(location)
    except (ArgumentError, ValueError):
        raise DataRefused("The database URL cannot be read: write dialect+driver://user:password@host/name.") from None


def _shown(url: sa.URL) -> str:
    """The URL without user, password and options."""
    port = f":{url.port}" if url.port else ""
    return f"{url.drivername}://{url.host or ''}{port}/{url.database or ''}"


def _words(error: SQLAlchemyError, url: sa.URL) -> str:
    words = " ".join(str(getattr(error, "orig", None) or error).split())
    options = [text for value in url.query.values() for text in ([value] if isinstance(value, str) else value)]
    for secret in filter(None, [url.password, *options]):
        words = words.replace(secret, "***")
    return words
