"""fraud sample: made-up tables to try things on."""

from pathlib import Path
from typing import Annotated

import typer

from fraud_detection_api.samples import DEFAULT_SEED, SAMPLES
from fraud_detection_api.samples.sample_table import GroupedSample, LabelledSample, SampleTable
from fraud_detection_api.use_cases.known import named

_ROWS = ", ".join(f"{maker.rows:,} {name}" for name, maker in SAMPLES.items())


def sample(
    use_case: Annotated[str, typer.Argument(help=f"One of: {', '.join(SAMPLES)}")],
    output: Annotated[Path, typer.Option(help="The file to write: .csv or .parquet; for purchases, a folder")],
    rows: Annotated[int | None, typer.Option(min=1, max=100_000_000, help=f"Without it: {_ROWS}")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same table")] = DEFAULT_SEED,
) -> None:
    """Write a sample table with a known pattern; for purchases, the three tables that they are made from."""
    from fraud_detection_api.storage.files import write_table
    from fraud_detection_api.storage.table_folder import write_tables

    maker = named(use_case, SAMPLES)
    table = maker(rows or maker.rows, seed)
    if isinstance(table, GroupedSample):
        write_tables(output, table.tables)
    else:
        write_table(output, table.columns)
    typer.echo(f"{output}: {_in_words(table)}")


def _in_words(table: SampleTable) -> str:
    if isinstance(table, LabelledSample):
        return (
            f"{len(table):,} rows, {table.probabilities.mean():.2%} fraud expected; "
            f"no model can rank them better than with a ROC AUC of {table.best_possible_auc:.4f} "
            f"and an average precision of {table.best_possible_average_precision:.4f}"
        )
    if isinstance(table, GroupedSample):
        return ", ".join(f"{name} ({size:,} rows)" for name, size in table.sizes.items())
    return f"{len(table):,} rows without labels"
