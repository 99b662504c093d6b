"""The tuned file: the best parameters that a study found, beside the versions of the use case they were found for."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError, field_validator

from fraud_detection_api.atomic import whole_file
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.manifest import Frozen, Measure
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting

TUNED = "tuned.json"
FORMER_NAMES = {
    "least_child_weight": "min_child_weight",
    "row_share": "subsample",
    "feature_share": "colsample_bytree",
    "l2": "reg_lambda",
    "l1": "reg_alpha",
    "least_gain": "gamma",
    "one_by_one": "max_cat_to_onehot",
    "most_together": "max_cat_threshold",
}
_BOOSTING = TypeAdapter(Boosting)


class Tuned(Frozen):
    """How to boost, which study says so, and what it is worth beside the defaults."""

    use_case: str
    boosting: dict[str, int | float]
    study: str
    fingerprint: str
    aim: str
    value_on_folds: float
    default_on_folds: float
    gain_on_last_period: Measure
    trials: int
    folds: int
    seed: int
    untouched_from: date | None  # the first day that no trial has seen; None where a seed chose the untouched rows
    created_at: datetime

    @field_validator("boosting", mode="before")
    @classmethod
    def read_former_names(cls, boosting: object) -> object:
        """Files that were written before the settings had the library's names are read as well."""
        if not isinstance(boosting, Mapping):
            return boosting
        return {FORMER_NAMES.get(name, name): value for name, value in boosting.items()}

    @field_validator("boosting")
    @classmethod
    def name_every_setting(cls, boosting: dict[str, int | float]) -> dict[str, int | float]:
        """A setting left out would silently be the default."""
        if set(boosting) != set(settings_of(Boosting())):
            raise ValueError(f"the settings are {', '.join(settings_of(Boosting()))}")
        return boosting

    def as_boosting(self, seed: int) -> Boosting:
        """How to boost with a seed of the fit's own."""
        return boosting_of(self.boosting | {"seed": seed})

    def remark(self, first_judging_day: date | None, fingerprint: str, seed: int) -> str | None:
        """One sentence where rows that judge may have taken part in the tuning, by their days or else by the draw."""
        may_have = "Rows that judge may have taken part in the tuning, so that the figures may flatter"
        if first_judging_day is not None and self.untouched_from is not None:
            if first_judging_day >= self.untouched_from:
                return None
            return (
                f"{may_have}: they begin on {first_judging_day}, but it left rows alone from {self.untouched_from} on."
            )
        if (fingerprint, seed) == (self.fingerprint, self.seed):
            return None
        other = "the data are others" if fingerprint != self.fingerprint else f"the seed is {seed}, not {self.seed}"
        return f"{may_have}: {other}, and no days say which rows it left alone."


def boosting_of(settings: Mapping[str, int | float]) -> Boosting:
    """How to boost, from every setting by its name; a whole number stays whole."""
    return _BOOSTING.validate_python(dict(settings))


def settings_of(boosting: Boosting) -> dict[str, int | float]:
    """Everything that tuning decides about a boosting; the seed is the fit's own."""
    return {name: value for name, value in asdict(boosting).items() if name != "seed"}


def tuned_path(registry: Registry, use_case: UseCase) -> Path:
    """Where the tuned file of a use case lies."""
    return registry.root / use_case.name / TUNED


def keep(tuned: Tuned, path: Path) -> None:
    """Write the file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(tuned.model_dump_json(indent=2).encode() + b"\n")


def read_tuned(registry: Registry, use_case: UseCase) -> Tuned:
    """What the last tuning of a use case has found."""
    path = tuned_path(registry, use_case)
    try:
        tuned = Tuned.model_validate_json(path.read_bytes())
        tuned.as_boosting(0)
    except FileNotFoundError:
        raise DataRefused(
            f"{path} is not there: run `fraud tune {use_case.name}` first, or leave out --tuned."
        ) from None
    except ValidationError as error:
        raise DataRefused(
            f"{path} cannot be read ({error.errors()[0]['msg']}): run `fraud tune {use_case.name}` again."
        ) from error
    return tuned
