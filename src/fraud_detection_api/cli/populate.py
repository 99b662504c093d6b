"""fraud populate: every record of a table scored, and stored where /insert stores."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fraud_detection_api.cli.arguments import USE_CASE, Models, UseCases, registry_of, use_case_of
from fraud_detection_api.cli.command import command_with_options
from fraud_detection_api.cli.progress import progress_bar
from fraud_detection_api.schemas.stored_scores import MOST_SCORES_ON_A_PAGE
from fraud_detection_api.settings import Settings
from fraud_detection_api.use_cases.purchases import PURCHASES

if TYPE_CHECKING:
    from fraud_detection_api.storage.score_store import ScoreStore

BATCH_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class PopulateOptions:
    """Whose records, by which model, into which table of which project."""

    data: Annotated[Path, typer.Option(help="CSV or Parquet file of records, or the folder of their source tables")]
    project: Annotated[str, typer.Option(help="A project of FRAUD_STORE_PROJECTS")] = "raizen_gasoline"
    table: Annotated[
        str | None,
        typer.Option(help="The table of the project; created on first use [the use case's name; fraud, for purchases]"),
    ] = None
    models: Models = None
    use_cases: UseCases = None
    version: Annotated[str, typer.Option(help="Version, its number, champion or challenger")] = "champion"
    batch_rows: Annotated[int, typer.Option(min=1, max=MOST_SCORES_ON_A_PAGE, help="Records stored at once")] = (
        BATCH_ROWS
    )


def _populate(name: str, options: PopulateOptions) -> None:
    """Score every record and store the scores; a run that was interrupted resumes where it stopped."""
    from fraud_detection_api.model.scorer import load_scorer
    from fraud_detection_api.services.populating import Population, records_of

    known, registry = use_case_of(name, options.use_cases), registry_of(options.models)
    scorer = load_scorer(registry.bundle(known.name, options.version), known)
    table = options.table or ("fraud" if known.name == PURCHASES.name else known.name)
    records = records_of(str(options.data), known)
    with closing(_store()) as store, progress_bar(options.data.name) as on_progress:
        population = Population(records, scorer, store, options.project, table)
        found = population.populate(options.batch_rows, on_progress)
    again = f", {found.before:,} of them by an earlier run" if found.before else ""
    typer.echo(
        f"Stored {found.stored:,} records in {options.project}.{table}{again}; "
        f"{found.frauds:,} are called fraud by {scorer.version}."
    )


def _store() -> "ScoreStore":
    from fraud_detection_api.storage.score_store import ScoreStore
    from fraud_detection_api.storage.store_database import StoreDatabase
    from fraud_detection_api.storage.store_options import StoreOptions

    settings = Settings()
    options = StoreOptions(settings.store, settings.store_projects, 1, settings.store_timeout_seconds)
    return ScoreStore(StoreDatabase(options))


populate = command_with_options(_populate, USE_CASE)
