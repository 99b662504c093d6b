"""The use case: a record class plus what is known of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.learning import Isolation, SourceTables
from fraud_detection_api.schemas.record import Kind, Record, RecordField, fields_of

FRAUD_PROBABILITY, ANOMALY_PERCENTILE, ANOMALY_SCORE = "fraud_probability", "anomaly_percentile", "anomaly_score"
ANSWER_FIELDS = (
    FRAUD_PROBABILITY,
    ANOMALY_PERCENTILE,
    ANOMALY_SCORE,
    "decision",
    "warnings",
    "model_version",
    "reasons",
)


@dataclass(frozen=True)
class Rule:
    """A rule between fields, checked on whole columns wherever all of its fields are present.

    The first field is the one that a broken rule is reported under.
    """

    fields: tuple[str, ...]
    holds: Callable[..., NDArray[np.bool_]]
    message: str


@dataclass(frozen=True)
class UseCase:
    """Everything the product needs to train, prove, serve and watch one kind of record.

    Without an identifier, a record is known by its place in the list. Without a label, models learn what is usual and
    tell what is strange.
    """

    name: str
    title: str
    record: type[Record]
    identifier: str | None = None
    label: str | None = None
    time_column: str | None = None
    order_column: str | None = None  # a number that says which row came first, where the table has no dates
    rules: tuple[Rule, ...] = ()
    entity: str | None = None  # the column that says whom records share: a card, a customer; it may be no field
    costs: Costs | None = None
    gate: Gate = field(default_factory=Gate)
    models: tuple[str, ...] = ("xgboost",)  # the kinds that `fraud train` compares; a single one is just trained
    isolation: Isolation = field(default_factory=Isolation)  # how strangers are told, where there is no label
    tables: SourceTables | None = None  # what its records are made from, where they are no table of their own
    purpose: str = ""  # what its models are for
    not_for: str = ""  # what nobody should use them for

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", self.name):
            raise UseCaseInvalid(f"Use case {self.name!r}: a name is lower-case letters, digits and underscores.")
        self._check_fields()
        self._check_learning()
        self._check_rules()
        self._check_reasons()
        self._check_judging()
        self._check_example()

    @cached_property
    def fields(self) -> tuple[RecordField, ...]:
        """Every field of the record, in its order."""
        return fields_of(self.record)

    @cached_property
    def features(self) -> tuple[RecordField, ...]:
        """The fields that the model sees, in the record's order."""
        return tuple(each for each in self.fields if each.name != self.identifier)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the record's order."""
        return tuple(each.name for each in self.features)

    @cached_property
    def identifier_field(self) -> RecordField | None:
        """The field that names whom a record is about."""
        return next((each for each in self.fields if each.name == self.identifier), None)

    @property
    def score_name(self) -> str:
        """What a score of this use case is called, since it is not a probability where nobody knows the frauds."""
        return ANOMALY_PERCENTILE if self.label is None else FRAUD_PROBABILITY

    @property
    def columns_beside(self) -> tuple[str, ...]:
        """Columns of the training table that judge models and are no fields of the record."""
        named = dict.fromkeys(filter(None, (self.entity, self.gate.group)))
        return tuple(name for name in named if name not in self.record.model_fields and name != self.time_column)

    @property
    def example(self) -> dict[str, str | int | float | bool | None]:
        """A record that works, made of each field's first example."""
        return {name: (info.examples or [None])[0] for name, info in self.record.model_fields.items()}

    def _check_fields(self) -> None:
        if self.identifier is not None:
            self._check_identifier(self.identifier)
        taken = [each.name for each in self.fields if each.name in ANSWER_FIELDS]
        if self.identifier is None and taken:  # its fields stand beside its score, since nothing else tells it
            raise UseCaseInvalid(f"Use case {self.name}: the answer has a field {taken[0]!r} of its own.")
        if not self.features:
            raise UseCaseInvalid(f"Use case {self.name}: the record has no feature beside its identifier.")
        if self.label in self.record.model_fields:
            raise UseCaseInvalid(f"Use case {self.name}: the label {self.label!r} cannot be a field of the record.")

    def _check_identifier(self, identifier: str) -> None:
        key = self.identifier_field
        if key is None:
            raise UseCaseInvalid(f"Use case {self.name}: the record has no field {identifier!r} to identify it.")
        if key.optional or key.kind not in (Kind.INTEGER, Kind.CATEGORY):
            raise UseCaseInvalid(f"Use case {self.name}: the identifier is a required int or str.")
        if identifier in ANSWER_FIELDS:
            raise UseCaseInvalid(f"Use case {self.name}: the answer has a field {identifier!r} of its own.")

    def _check_learning(self) -> None:
        if not self.models:
            raise UseCaseInvalid(f"Use case {self.name}: name at least one kind of model.")
        if self.order_column and self.time_column:
            raise UseCaseInvalid(
                f"Use case {self.name}: its rows are in the order of days or of a number, not of both."
            )
        if self.label is not None:
            return
        if any(each.optional or each.is_text for each in self.features):
            raise UseCaseInvalid(f"Use case {self.name}: without a label, every feature is a required number.")
        if self.costs or self.time_column or self.order_column or self.gate != Gate():
            raise UseCaseInvalid(
                f"Use case {self.name}: without a label there is nothing for costs, a gate or an order to judge."
            )

    def _check_rules(self) -> None:
        numeric = {each.name for each in self.features if each.kind is not Kind.CATEGORY}
        for rule in self.rules:
            if not rule.fields or not set(rule.fields) <= numeric:
                raise UseCaseInvalid(f"Use case {self.name}: a rule is between numeric features, not {rule.fields}.")

    def _check_judging(self) -> None:
        numbers = {each.name for each in self.features if each.kind in (Kind.INTEGER, Kind.NUMBER)}
        missed = self.costs.missed_fraud if self.costs else 0
        if isinstance(missed, str) and missed not in numbers:
            raise UseCaseInvalid(f"Use case {self.name}: a missed fraud cannot cost {missed!r}, which is no number.")
        if self.label is not None and self.label in (self.entity, self.gate.group):
            raise UseCaseInvalid(f"Use case {self.name}: the label can be neither its entity nor its group.")

    def _check_reasons(self) -> None:
        for feature in self.features:
            try:
                parts = list(Formatter().parse(feature.reason))
            except ValueError as error:
                raise UseCaseInvalid(f"Use case {self.name}: the reason of {feature.name}: {error}.") from error
            for _, name, form, conversion in parts:
                if name is not None and (name not in self.feature_names or form or conversion):
                    wrong = f"the reason of {feature.name} names {name!r}, which is no feature"
                    raise UseCaseInvalid(f"Use case {self.name}: {wrong}.")

    def _check_example(self) -> None:
        try:
            self.record.model_validate(self.example)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UseCaseInvalid(
                f"Use case {self.name}: every field needs examples=[...] that work; {place}: {first['msg']}."
            ) from error
