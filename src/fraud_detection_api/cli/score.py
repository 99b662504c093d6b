"""fraud score: a file of records in, a file of scores out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.reasons import MOST_REASONS, ReasonsFor, reasons_asked
from fraud_detection_api.settings import Settings
from fraud_detection_api.use_cases import all_use_cases, named

if TYPE_CHECKING:
    from fraud_detection_api.services.bulk_scoring import BulkSummary
    from fraud_detection_api.services.bulk_scoring import Progress as Hears

BATCH_ROWS = 1 << 16


def score(  # noqa: PLR0913 - every option of a command is a parameter
    use_case: Annotated[str, typer.Argument(help="The use case whose records these are, e.g. credit_accounts")],
    *,
    records: Annotated[Path, typer.Option("--input", help="CSV (plain, .gz, .zst) or Parquet file of records")],
    scores: Annotated[Path, typer.Option("--output", help="CSV or Parquet file to write; whole or not at all")],
    rejects: Annotated[Path | None, typer.Option(help="CSV or Parquet file for rows that cannot be scored")] = None,
    models: Annotated[Path | None, typer.Option(help="Folder of the model registry (default: FRAUD_MODELS)")] = None,
    version: Annotated[str, typer.Option(help="Version, its number, champion or challenger")] = "champion",
    batch_rows: Annotated[int, typer.Option(min=1, help="About how many rows are in memory at a time")] = BATCH_ROWS,
    reasons: Annotated[int, typer.Option(min=0, max=MOST_REASONS, help="Most reasons a record, as JSON")] = 0,
    reasons_for: Annotated[ReasonsFor, typer.Option(help="Which records get reasons")] = ReasonsFor.FLAGGED,
) -> None:
    """Score a file of records; a bad row ends it with its line number, or goes to --rejects."""
    from fraud_detection_api.model.scorer import load_scorer
    from fraud_detection_api.services.bulk_scoring import BulkFiles, score_file

    settings = Settings()
    known = named(use_case, all_use_cases(settings.use_cases))
    bundle = Registry(models or settings.models).bundle(known.name, version)
    files = BulkFiles(records, scores, rejects)
    with _progress_bar(records.name) as hears:
        asked = reasons_asked(reasons, reasons_for)
        summary = score_file(files, load_scorer(bundle, known), known, batch_rows, hears, asked)
    typer.echo(_in_words(summary, files.scores, bundle.version))


def _in_words(summary: "BulkSummary", scores: Path, version: str) -> str:
    words = f"Scored {summary.scored:,} records with {version} into {scores}."
    if summary.rejected:
        words += f" {summary.rejected:,} rows could not be scored and were put aside."
    if summary.absent:
        words += f" No column {', '.join(summary.absent)}: scored as missing."
    return words


@contextmanager
def _progress_bar(name: str) -> Iterator["Hears"]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(name)
        yield lambda done, size: bar.update(task, completed=done, total=size)
