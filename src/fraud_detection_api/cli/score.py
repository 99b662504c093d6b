"""fraud score: a file of records in, a file of scores out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraud_detection_api.cli.arguments import USE_CASE, Models, UseCases, registry_of, use_case_of
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.cli.progress import progress_bar
from fraud_detection_api.schemas.reasons import MOST_REASONS, ReasonsFor, reasons_query

if TYPE_CHECKING:
    from fraud_detection_api.services.bulk_scoring import BulkSummary

BATCH_ROWS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Where the records are and where the scores go, by which model, and whether to say why."""

    records: Annotated[Path, typer.Option("--input", help="CSV (plain, .gz, .zst) or Parquet file of records")]
    scores: Annotated[Path, typer.Option("--output", help="CSV or Parquet file to write; complete or absent")]
    rejects: Annotated[Path | None, typer.Option(help="CSV or Parquet file for rows that cannot be scored")] = None
    models: Models = None
    use_cases: UseCases = None
    version: Annotated[str, typer.Option(help="Version, its number, champion or challenger")] = "champion"
    batch_rows: Annotated[int, typer.Option(min=1, help="About how many rows are in memory at a time")] = BATCH_ROWS
    reasons: Annotated[int, typer.Option(min=0, max=MOST_REASONS, help="Most reasons for each record, as JSON")] = 0
    reasons_for: Annotated[ReasonsFor, typer.Option(help="Which records get reasons")] = ReasonsFor.FLAGGED


def _score(name: str, options: ScoreOptions) -> None:
    """Score a file of records; a bad row stops it and is named by its line, or goes to --rejects."""
    from fraud_detection_api.model.scorer import load_scorer
    from fraud_detection_api.services.bulk_scoring import BulkFiles, score_file

    known = use_case_of(name, options.use_cases)
    bundle = registry_of(options.models).bundle(known.name, options.version)
    files = BulkFiles(options.records, options.scores, options.rejects)
    query = reasons_query(options.reasons, options.reasons_for)
    with progress_bar(options.records.name) as on_progress:
        summary = score_file(files, load_scorer(bundle, known), known, options.batch_rows, on_progress, query)
    typer.echo(_in_words(summary, files.scores, bundle.version))


score = command_with_options(_score, USE_CASE)


def _in_words(summary: "BulkSummary", scores: Path, version: str) -> str:
    words = f"Scored {summary.scored:,} records with {version} into {scores}."
    if summary.rejected:
        words += f" {summary.rejected:,} rows could not be scored and were put aside."
    if summary.absent:
        words += f" No column {', '.join(summary.absent)}: scored as missing."
    return words
