"""What can be asked of a run, command by command, over what every command asks that reads a table and boosts on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from fraud_detection_api.errors import DataRefused, ForceNeedsReason
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.proof.budget import Budget, ProofSettings
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.tables.dataset import Period, refuse_unlabelled
from fraud_detection_api.training.tables.source import TableSource
from fraud_detection_api.training.tables.windows import WindowPlan
from fraud_detection_api.training.trainers import TRAINABLE, refuse_unknown

BOOSTING_OPTIONS = ("rounds", "depth", "learning_rate", "patience")
ISOLATION_OPTIONS = ("contamination", "n_estimators", "random_state")
JUDGING_OPTIONS = ("tuned", "model", "grid", "threshold", "gap_days", "seed", "review_budget", "device")
OPTIONS_OF: Mapping[ScoreKind, tuple[str, ...]] = {  # those that say nothing to a fit of the other kind
    FRAUD: BOOSTING_OPTIONS + JUDGING_OPTIONS,
    ANOMALY: ISOLATION_OPTIONS,
}


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """Where the data lies, which of it, how to boost, and how many records people can review."""

    data: str | None = None
    table: str | None = None
    query: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    use_cases: str | None = None
    rounds: int | None = None
    depth: int | None = None
    learning_rate: float | None = None
    patience: int | None = None
    seed: int = 0
    threads: int = 0
    device: str = "cpu"
    review_budget: str = "5%"
    skip_bad_rows: bool = False
    allow_absent: bool = False

    @property
    def boosting(self) -> Boosting:
        """How to boost, as far as the options say."""
        return replace(Boosting(seed=self.seed), **{name: getattr(self, name) for name in self.asked_boosting})

    @property
    def asked_boosting(self) -> tuple[str, ...]:
        """The options of boosting that are given."""
        return tuple(name for name in BOOSTING_OPTIONS if getattr(self, name) is not None)

    @property
    def source(self) -> TableSource:
        """The table to read, and the days of it to train on."""
        period = Period(self.start_date and self.start_date.date(), self.end_date and self.end_date.date())
        return TableSource(self.data, self.table, self.query, period, self.skip_bad_rows, self.allow_absent)

    @property
    def budget(self) -> Budget:
        """What people can review."""
        return Budget.read(self.review_budget)

    def refuse_contradictions(self) -> None:
        """Refuse at once what would be refused after a long training."""
        if self.data is None and (self.table or self.query):
            raise DataRefused("A table or a query needs --data with the URL of its database.")
        _ = self.source, self.budget

    def refuse_boosting_beside_tuned(self) -> None:
        """Refuse to be told twice how to boost."""
        if self.asked_boosting:
            flags = flags_of(self.asked_boosting)
            raise DataRefused(f"--tuned already says how to boost: leave out {flags}, or leave out --tuned.")


@dataclass(frozen=True, kw_only=True)
class RegistryOptions(TableOptions):
    """What every command asks that reads or writes the registry."""

    models: Path | None = None

    @property
    def registry(self) -> Registry:
        """Where versions, studies and tuned files are kept."""
        return Registry(self.models or Path("models"))


@dataclass(frozen=True, kw_only=True)
class FitOptions(RegistryOptions):
    """What else a fit asks: how it learns, and what stands in the way of its bundle."""

    gap_days: int | None = None
    tuned: bool = False
    model: str | None = None
    grid: bool = False
    contamination: float | None = None
    n_estimators: int | None = None
    random_state: int | None = None
    threshold: str | None = None
    force: str | None = None
    track: bool | None = None
    tracking: str | None = None

    @property
    def proof(self) -> ProofSettings:
        """How the model is judged."""
        return ProofSettings(self.budget, self.threshold, self.seed, self.force)

    def refuse_contradictions(self) -> None:
        """Refuse at once what would be refused after a long training."""
        super().refuse_contradictions()
        if self.force is not None and not self.force.strip():
            raise ForceNeedsReason
        if self.threshold is not None:
            _ = rule_of(self.threshold)
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
            has = f"{use_case.name} has {use_case.score.declared}"
            raise DataRefused(f"{has}, and {flags_of(given)} is for use cases that are otherwise: leave it out.")
        if self.gap_days is not None and use_case.time_column is None:
            raise DataRefused(f"{use_case.name} has no days between which a gap could be left: leave out --gap-days.")


@dataclass(frozen=True, kw_only=True)
class TuneOptions(RegistryOptions):
    """How long to look, for what, and on which folds; how to boost says where the search starts."""

    trials: int = 60
    minutes: float = 10
    aim: str = "average_precision"
    folds: int = 3
    gap_days: int | None = None
    track: bool | None = None
    tracking: str | None = None


@dataclass(frozen=True, kw_only=True)
class CompareOptions(TableOptions):
    """Which kinds of model, on which folds, and where the table and the plot go."""

    models: str = ",".join(TRAINABLE)
    grid: bool = False
    folds: int = 3
    gap_days: int | None = None
    plot: Path | None = None
    json: Path | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of model to compare, each once."""
        names = tuple(dict.fromkeys(between_commas(self.models)))
        refuse_unknown(names)
        return names

    def refuse_contradictions(self) -> None:
        """Refuse at once what would be refused after a long comparison."""
        super().refuse_contradictions()
        _ = self.kinds
        for path in (self.plot, self.json):
            refuse_without_folder(path)
        if self.plot and self.plot.suffix != ".svg":
            raise DataRefused(f"The comparison is drawn as SVG: give --plot a name that ends in .svg, not {self.plot}.")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(RegistryOptions):
    """How the days are divided, who is left out of the test, and where the figures go."""

    folds: int = 4
    train_days: int = 7
    delay_days: int = 7
    test_days: int = 7
    leave_known_out: bool = False
    tuned: bool = False
    threshold: str | None = None
    json: Path | None = None

    @property
    def plan(self) -> WindowPlan:
        """How the days are divided."""
        return WindowPlan(self.folds, self.train_days, self.delay_days, self.test_days)

    def refuse_for(self, use_case: UseCase) -> None:
        """Refuse at once what this use case cannot be asked."""
        self.refuse_contradictions()
        refuse_unlabelled(use_case)
        if self.tuned:
            self.refuse_boosting_beside_tuned()
        if self.threshold is not None:
            rule_of(self.threshold).refuse_unfit(use_case)
        refuse_without_folder(self.json)
        self.budget.refuse_without_days(use_case)
        if use_case.time_column is None:
            raise DataRefused(
                f"{use_case.name} has no time column, so that no day comes before another: name a time_column in the "
                "use case. (`fraud train` judges without one, on rows drawn at random.)"
            )
        if self.leave_known_out and use_case.entity is None:
            raise DataRefused(
                f"{use_case.name} does not say whom records share: to leave known ones out, name an entity in the use "
                "case, such as the column of the card or the customer."
            )


def between_commas(text: str) -> tuple[str, ...]:
    """The names in a text, such as FRAUD_USE_CASES."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def flags_of(names: Iterable[str]) -> str:
    """Options as they are written on the command line."""
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def refuse_without_folder(path: Path | None) -> None:
    """Refuse at once a file that could not be written after a long run."""
    if path and not path.parent.is_dir():
        raise DataRefused(f"{path} cannot be written: there is no folder {path.parent}.")
