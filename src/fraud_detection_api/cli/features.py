"""fraud features: the records that a use case's source tables come to, or what was known before each of its records."""

from pathlib import Path
from typing import Annotated

import typer

from fraud_detection_api.cli.arguments import Name, UseCases, use_case_of
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.use_case import UseCase


def features(
    use_case: Name,
    data: Annotated[
        Path, typer.Option(help="Folder of the tables, a CSV or Parquet file each; with histories, the table itself")
    ],
    output: Annotated[
        Path | None, typer.Option(help="The file to write: .csv or .parquet [group_data_by_users.csv, for purchases]")
    ] = None,
    use_cases: UseCases = None,
) -> None:
    """Sum source tables up into records, or add what was known before each record; no row is dropped silently."""
    known = use_case_of(use_case, use_cases)
    if known.histories is not None:
        _with_histories(known, data, output)
        return
    from fraud_detection_api.features.grouped import tables_of
    from fraud_detection_api.storage.files import write_table
    from fraud_detection_api.storage.table_folder import grouped_records, refuse_source

    tables = tables_of(known)
    path = output or Path(f"group_data_by_{tables.entities.name}.csv")
    refuse_source(data, known, path)
    records = grouped_records(data, known)
    write_table(path, records)
    typer.echo(f"{path}: {len(records[tables.entities.key]):,} rows, one for each of {tables.entities.name}")


def _with_histories(use_case: UseCase, data: Path, output: Path | None) -> None:
    from fraud_detection_api.storage.files import write_table
    from fraud_detection_api.storage.tables import Source
    from fraud_detection_api.training.tables.with_histories import table_with_histories

    path = output or Path(f"{use_case.name}_with_histories.csv")
    if path.resolve() == data.resolve():
        raise DataRefused(f"{path} is the table itself: name another file to write.")
    table = table_with_histories(Source(str(data)), use_case)
    write_table(path, table)
    typer.echo(f"{path}: {len(next(iter(table.values()))):,} rows, each with what was known before it")
