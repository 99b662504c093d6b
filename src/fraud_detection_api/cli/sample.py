"""fraud sample: made-up tables to try things on."""

from pathlib import Path
from typing import Annotated

import typer

from fraud_detection_api.errors import UnknownUseCase
from fraud_detection_api.samples import DEFAULT_ROWS, DEFAULT_SEED, SAMPLES


def sample(
    use_case: Annotated[str, typer.Argument(help=f"One of: {', '.join(SAMPLES)}")],
    output: Annotated[Path, typer.Option(help="The file to write: .csv or .parquet")],
    rows: Annotated[int, typer.Option(min=1, max=100_000_000)] = DEFAULT_ROWS,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same table")] = DEFAULT_SEED,
) -> None:
    """Write a labelled sample table with a known fraud pattern."""
    from fraud_detection_api.storage.files import write_table

    if use_case not in SAMPLES:
        raise UnknownUseCase(use_case, tuple(SAMPLES))
    table = SAMPLES[use_case](rows, seed)
    write_table(output, table.columns)
    typer.echo(
        f"{output}: {rows:,} rows, {table.probabilities.mean():.1%} fraud expected; "
        f"no model can rank them better than with a ROC AUC of {table.best_possible_auc:.4f}"
    )
