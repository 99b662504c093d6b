"""fraud features: the records that a use case's source tables come to."""

from pathlib import Path
from typing import Annotated

import typer

from fraud_detection_api.cli.arguments import Name, UseCases, use_case_of


def features(
    use_case: Name,
    data: Annotated[Path, typer.Option(help="Folder of the tables, a CSV or Parquet file each")],
    output: Annotated[
        Path | None, typer.Option(help="The file to write: .csv or .parquet [group_data_by_users.csv, for purchases]")
    ] = None,
    use_cases: UseCases = None,
) -> None:
    """Sum the source tables of a use case up into its records, one for each entity; no row is dropped silently."""
    from fraud_detection_api.features.grouped import tables_of
    from fraud_detection_api.storage.files import write_table
    from fraud_detection_api.storage.table_folder import grouped_records, refuse_source

    known = use_case_of(use_case, use_cases)
    tables = tables_of(known)
    path = output or Path(f"group_data_by_{tables.entities.name}.csv")
    refuse_source(data, known, path)
    records = grouped_records(data, known)
    write_table(path, records)
    typer.echo(f"{path}: {len(records[tables.entities.key]):,} rows, one for each of {tables.entities.name}")
