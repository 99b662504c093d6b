"""What can be asked of a training run, declared once for every command that reads a table and boosts on it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast, get_type_hints

from typer import Option

from fraud_detection_api.errors import DataRefused, ForceNeedsReason
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.threshold import choice_of
from fraud_detection_api.training.tables.dataset import Period
from fraud_detection_api.training.trainers import TRAINABLE

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DAY_FORMATS = ["%Y%m%d", "%Y-%m-%d"]
BOOSTING_OPTIONS = ("rounds", "depth", "learning_rate", "patience")
ISOLATION_OPTIONS = ("contamination", "n_estimators", "random_state")
JUDGING_OPTIONS = ("tuned", "model", "grid", "threshold", "gap_days", "seed", "review_budget", "device")
OPTIONS_OF: Mapping[ScoreKind, tuple[str, ...]] = {  # those that say nothing to a fit of the other kind
    FRAUD: BOOSTING_OPTIONS + JUDGING_OPTIONS,
    ANOMALY: ISOLATION_OPTIONS,
}

Text = str | None
ModelsFolder = Annotated[
    Path | None,
    Option("--models", "--model_path_to_save", envvar="FRAUD_MODELS", help="Folder of the registry [models]"),
]
GapDays = Annotated[
    int | None,
    Option(
        "--gap-days",
        "--gap_days",
        min=0,
        help="Days after the training rows left out, for labels that come late [30]",
    ),
]
BoostAsTuned = Annotated[bool, Option("--tuned", help="Boost as the last `fraud tune` of this use case has found")]
Track = Annotated[
    bool | None,
    Option("--track/--no-track", help="Tell MLflow of it; without an address, in a file of the registry's folder"),
]
TrackingUri = Annotated[
    Text, Option("--tracking", envvar="FRAUD_TRACKING", help="Where MLflow is: http://host:port or sqlite:///file")
]


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Where the data lies, which of it, how to boost, and how many records people can review."""

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
    use_cases: Annotated[
        Text, Option("--use-cases", envvar="FRAUD_USE_CASES", help="Use cases of your own: package.module:NAME,...")
    ] = None
    rounds: Annotated[int | None, Option(min=1, help="Most boosting rounds [300]")] = None
    depth: Annotated[int | None, Option(min=1, max=16, help="Depth of the trees [5]")] = None
    learning_rate: Annotated[
        float | None, Option("--learning-rate", "--learning_rate", min=1e-4, max=1, help="Weight of each tree [0.1]")
    ] = None
    patience: Annotated[
        int | None, Option(min=0, help="Rounds without gain until boosting stops; 0 boosts every round [30]")
    ] = None
    seed: Annotated[int, Option(min=0, max=2**31 - 1)] = 0
    threads: Annotated[int, Option(min=0, help="0 takes every core")] = 0
    device: Annotated[str, Option(help="cpu, or cuda where the full xgboost is installed")] = "cpu"
    review_budget: Annotated[
        str,
        Option("--review-budget", "--review_budget", help="What people can review: a share (5%), or so many (100/day)"),
    ] = "5%"
    skip_bad_rows: Annotated[
        bool,
        Option("--skip-bad-rows", "--skip_bad_rows", help="Leave rows out that break the record's bounds or rules"),
    ] = False

    @property
    def boosting(self) -> Boosting:
        """How to boost, as far as the options say."""
        asked = {name: value for name in BOOSTING_OPTIONS if (value := getattr(self, name)) is not None}
        return replace(Boosting(seed=self.seed), **asked)

    @property
    def period(self) -> Period:
        """The days to train on."""
        return Period(self.start_date and self.start_date.date(), self.end_date and self.end_date.date())

    @property
    def use_case_imports(self) -> tuple[str, ...]:
        """The import strings of use cases of one's own."""
        return import_strings(self.use_cases or "")

    @property
    def budget(self) -> Budget:
        """What people can review."""
        return Budget.read(self.review_budget)

    def refuse_contradictions(self) -> None:
        """Refuse at once what would be refused after a long training."""
        if self.data is None and (self.table or self.query):
            raise DataRefused("A table or a query needs --data with the URL of its database.")
        _ = self.period, self.budget

    def refuse_boosting_beside_tuned(self) -> None:
        """Refuse to be told twice how to boost."""
        given = [name for name in BOOSTING_OPTIONS if getattr(self, name) is not None]
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise DataRefused(f"--tuned already says how to boost: leave out {flags}, or leave out --tuned.")


@dataclass(frozen=True, kw_only=True)
class FitOptions(TableOptions):
    """What else a fit asks: where the bundle goes, and what stands in the way of it."""

    models: ModelsFolder = None
    gap_days: GapDays = None
    tuned: BoostAsTuned = False
    model: Annotated[
        Text,
        Option(
            help=f"Kind of model: {', '.join(TRAINABLE)}, package.module:function for one of your own, or `compare` "
            "for the best [what the use case names]"
        ),
    ] = None
    grid: Annotated[bool, Option("--grid", help="Search the forest's grid on the stopping rows")] = False
    contamination: Annotated[
        float | None,
        Option(help="Without a label: the share of the training records to flag [what the use case names]"),
    ] = None
    n_estimators: Annotated[
        int | None,
        Option("--n-estimators", "--n_estimators", help="Without a label: how many trees [what the use case names]"),
    ] = None
    random_state: Annotated[
        int | None,
        Option("--random-state", "--random_state", min=0, max=2**32 - 1, help="Without a label: the forest's seed"),
    ] = None
    threshold: Annotated[
        Text,
        Option(
            help="How to choose the threshold: f1, at:0.5, fpr:1%, budget:100/day or cost:MISSED,FALSE_ALARM "
            "[as the champion's was, else by the declared costs, else f1]"
        ),
    ] = None
    force: Annotated[
        Text, Option(metavar="REASON", help="Promote even if the gate fails; the reason is kept in the manifest")
    ] = None
    track: Track = None
    tracking: TrackingUri = None

    def refuse_contradictions(self) -> None:
        """Refuse at once what would be refused after a long training."""
        super().refuse_contradictions()
        if self.force is not None and not self.force.strip():
            raise ForceNeedsReason
        if self.threshold is not None:
            _ = choice_of(self.threshold)
        if self.tuned:
            self.refuse_boosting_beside_tuned()

    def isolation(self, use_case: UseCase) -> Unsupervised:
        """How to grow an isolation forest: as the use case declares, but for what is asked otherwise."""
        asked = {name: value for name in ISOLATION_OPTIONS if (value := getattr(self, name)) is not None}
        return replace(cast(Unsupervised, use_case.learning), **asked)

    def refuse_unfit(self, use_case: UseCase) -> None:
        """Refuse what is asked of labels where there are none, and of an isolation forest where there are."""
        wrong = [name for kind, names in OPTIONS_OF.items() if kind is not use_case.score for name in names]
        usual = {each.name: each.default for each in fields(self)}
        given = [name for name in wrong if getattr(self, name) != usual[name]]
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            has = f"{use_case.name} has {use_case.score.declared}"
            raise DataRefused(f"{has}, and {flags} is for use cases that are otherwise: leave it out.")
        if self.gap_days is not None and use_case.time_column is None:
            raise DataRefused(f"{use_case.name} has no days between which a gap could be left: leave out --gap-days.")

    def told(self, boosting: Boosting) -> "FitOptions":
        """The same options, which name how the fit boosts in the end."""
        return replace(self, **{name: getattr(boosting, name) for name in BOOSTING_OPTIONS})


Options = TypeVar("Options", bound="DataclassInstance")


def import_strings(text: str) -> tuple[str, ...]:
    """What FRAUD_USE_CASES names: import strings between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def command_with_options(run: Callable[[str, Options], None], use_case: inspect.Parameter) -> Callable[..., None]:
    """A Typer command: this parameter for the use case, and one option for each field of what `run` asks for."""
    asked: type[Options] = get_type_hints(run)["options"]

    def command(**given: object) -> None:
        name = str(given.pop(use_case.name))
        run(name, cast("Callable[..., Options]", asked)(**given))

    hints = get_type_hints(asked, include_extras=True)
    options = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(asked)
    ]
    command.__doc__ = run.__doc__
    command.__signature__ = inspect.Signature([use_case, *options])  # type: ignore[attr-defined]  # Typer reads it
    return command
