"""What can be asked of a training run, declared once for every command that reads a table and boosts on it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from fraud_detection_api.errors import DataRefused, ForceNeedsReason
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.score_kinds import ANOMALY, FRAUD, ScoreKind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.proof.budget import Budget, ProofSettings
from fraud_detection_api.training.proof.threshold import rule_of
from fraud_detection_api.training.tables.dataset import Period
from fraud_detection_api.training.tables.source import TableSource

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
        asked = {name: value for name in BOOSTING_OPTIONS if (value := getattr(self, name)) is not None}
        return replace(Boosting(seed=self.seed), **asked)

    @property
    def source(self) -> TableSource:
        """The table to read, and the days of it to train on."""
        period = Period(self.start_date and self.start_date.date(), self.end_date and self.end_date.date())
        return TableSource(self.data, self.table, self.query, period, self.skip_bad_rows, self.allow_absent)

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
        _ = self.source, self.budget

    def refuse_boosting_beside_tuned(self) -> None:
        """Refuse to be told twice how to boost."""
        given = [name for name in BOOSTING_OPTIONS if getattr(self, name) is not None]
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise DataRefused(f"--tuned already says how to boost: leave out {flags}, or leave out --tuned.")


@dataclass(frozen=True, kw_only=True)
class FitOptions(TableOptions):
    """What else a fit asks: where the bundle goes, and what stands in the way of it."""

    models: Path | None = None
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
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            has = f"{use_case.name} has {use_case.score.declared}"
            raise DataRefused(f"{has}, and {flags} is for use cases that are otherwise: leave it out.")
        if self.gap_days is not None and use_case.time_column is None:
            raise DataRefused(f"{use_case.name} has no days between which a gap could be left: leave out --gap-days.")


def import_strings(text: str) -> tuple[str, ...]:
    """What FRAUD_USE_CASES names: import strings between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
