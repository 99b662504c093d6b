"""What can be asked of a training run, declared once for `fraud train` and for the model fitter's own command."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast, get_type_hints

from typer import Option

from fraud_detection_api.errors import DataRefused, ForceNeedsReason
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.tables.dataset import Period

DAY_FORMATS = ["%Y%m%d", "%Y-%m-%d"]

Text = str | None


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Where the data lies, which of it, how to boost, and where the bundle goes."""

    data: Annotated[
        Text, Option(help="CSV or Parquet file, folder or glob, or a SQLAlchemy URL; without it, a sample table")
    ] = None
    table: Annotated[Text, Option(help="Table of the database")] = None
    query: Annotated[Text, Option(help="Query of the database, instead of a table")] = None
    start_date: Annotated[
        datetime | None, Option("--start-date", "--start_date", formats=DAY_FORMATS, help="First day, included")
    ] = None
    end_date: Annotated[
        datetime | None, Option("--end-date", "--end_date", formats=DAY_FORMATS, help="Last day, included")
    ] = None
    models: Annotated[
        Path | None,
        Option("--models", "--model_path_to_save", envvar="FRAUD_MODELS", help="Folder of the registry [models]"),
    ] = None
    use_cases: Annotated[
        Text, Option("--use-cases", envvar="FRAUD_USE_CASES", help="Use cases of your own: package.module:NAME,...")
    ] = None
    rounds: Annotated[int, Option(min=1, help="Most boosting rounds")] = 300
    depth: Annotated[int, Option(min=1, max=16, help="Depth of the trees")] = 6
    learning_rate: Annotated[float, Option("--learning-rate", "--learning_rate", min=1e-4, max=1)] = 0.1
    patience: Annotated[int, Option(min=0, help="Rounds without gain until boosting stops; 0 boosts every round")] = 30
    gap_days: Annotated[
        int | None,
        Option(
            "--gap-days",
            "--gap_days",
            min=0,
            help="Days after the training rows left out, for labels that come late [30]",
        ),
    ] = None
    seed: Annotated[int, Option(min=0, max=2**31 - 1)] = 0
    threads: Annotated[int, Option(min=0, help="0 takes every core")] = 0
    device: Annotated[str, Option(help="cpu, or cuda where the full xgboost is installed")] = "cpu"
    review_budget: Annotated[
        float, Option("--review-budget", "--review_budget", min=1e-6, max=1, help="Share of records people can review")
    ] = 0.05
    skip_bad_rows: Annotated[
        bool,
        Option("--skip-bad-rows", "--skip_bad_rows", help="Leave rows out that break the record's bounds or rules"),
    ] = False
    force: Annotated[
        Text, Option(metavar="REASON", help="Promote even if the gate fails; the reason is kept in the manifest")
    ] = None

    @property
    def boosting(self) -> Boosting:
        """How to boost, as far as the options say."""
        return Boosting(
            rounds=self.rounds,
            depth=self.depth,
            learning_rate=self.learning_rate,
            patience=self.patience,
            seed=self.seed,
        )

    @property
    def period(self) -> Period:
        """The days to train on."""
        return Period(self.start_date and self.start_date.date(), self.end_date and self.end_date.date())

    @property
    def use_case_imports(self) -> tuple[str, ...]:
        """The import strings of use cases of one's own."""
        return import_strings(self.use_cases or "")

    def refuse_contradictions(self) -> None:
        """Refuse at once what would be refused after a long training."""
        if self.force is not None and not self.force.strip():
            raise ForceNeedsReason
        if self.data is None and (self.table or self.query):
            raise DataRefused("A table or a query needs --data with the URL of its database.")
        _ = self.period


def import_strings(text: str) -> tuple[str, ...]:
    """What FRAUD_USE_CASES names: import strings between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def command_with_options(run: Callable[[str, FitOptions], None], use_case: inspect.Parameter) -> Callable[..., None]:
    """A Typer command: this parameter for the use case, and one option for each field of FitOptions."""

    def command(**given: object) -> None:
        name = str(given.pop(use_case.name))
        run(name, cast("Callable[..., FitOptions]", FitOptions)(**given))

    hints = get_type_hints(FitOptions, include_extras=True)
    options = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(FitOptions)
    ]
    command.__doc__ = run.__doc__
    command.__signature__ = inspect.Signature([use_case, *options])  # type: ignore[attr-defined]  # Typer reads it
    return command
