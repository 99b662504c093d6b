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
from fraud_detection_api.schemas.record import Kind, Record, RecordField, fields_of

ANSWER_FIELDS = ("fraud_probability", "decision", "warnings", "model_version", "reasons")


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
    """Everything the product needs to train, prove, serve and watch one kind of record."""

    name: str
    title: str
    record: type[Record]
    identifier: str
    label: str
    time_column: str | None = None
    rules: tuple[Rule, ...] = ()
    entity: str | None = None  # the column that says whom records share: a card, a customer; it may be no field
    costs: Costs | None = None
    gate: Gate = field(default_factory=Gate)
    purpose: str = ""  # what its models are for
    not_for: str = ""  # what nobody should use them for

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", self.name):
            raise UseCaseInvalid(f"Use case {self.name!r}: a name is lower-case letters, digits and underscores.")
        self._check_identifier()
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
    def identifier_field(self) -> RecordField:
        """The field that names whom a record is about."""
        return next(each for each in self.fields if each.name == self.identifier)

    @property
    def columns_beside(self) -> tuple[str, ...]:
        """Columns of the training table that judge models and are no fields of the record."""
        named = dict.fromkeys(filter(None, (self.entity, self.gate.group)))
        return tuple(name for name in named if name not in self.record.model_fields and name != self.time_column)

    @property
    def example(self) -> dict[str, str | int | float | bool | None]:
        """A record that works, made of each field's first example."""
        return {name: (info.examples or [None])[0] for name, info in self.record.model_fields.items()}

    def _check_identifier(self) -> None:
        if self.identifier not in self.record.model_fields:
            raise UseCaseInvalid(f"Use case {self.name}: the record has no field {self.identifier!r} to identify it.")
        key = self.identifier_field
        if key.optional or key.kind not in (Kind.INTEGER, Kind.CATEGORY):
            raise UseCaseInvalid(f"Use case {self.name}: the identifier is a required int or str.")
        if self.identifier in ANSWER_FIELDS:
            raise UseCaseInvalid(f"Use case {self.name}: the answer has a field {self.identifier!r} of its own.")
        if self.label in self.record.model_fields:
            raise UseCaseInvalid(f"Use case {self.name}: the label {self.label!r} cannot be a field of the record.")
        if not self.features:
            raise UseCaseInvalid(f"Use case {self.name}: the record has no feature beside its identifier.")

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
        if self.label in (self.entity, self.gate.group):
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
