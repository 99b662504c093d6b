"""The use case: a record class plus what is known of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.record import Kind, Record, RecordField, fields_of

ANSWER_FIELDS = ("fraud_probability", "decision", "warnings", "model_version")


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

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", self.name):
            raise UseCaseInvalid(f"Use case {self.name!r}: a name is lower-case letters, digits and underscores.")
        self._check_identifier()
        self._check_rules()
        self._check_example()

    @cached_property
    def fields(self) -> tuple[RecordField, ...]:
        """Every field of the record, in its order."""
        return fields_of(self.record)

    @cached_property
    def features(self) -> tuple[RecordField, ...]:
        """The fields that the model sees, in the record's order."""
        return tuple(field for field in self.fields if field.name != self.identifier)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the record's order."""
        return tuple(field.name for field in self.features)

    @cached_property
    def identifier_field(self) -> RecordField:
        """The field that names whom a record is about."""
        return next(field for field in self.fields if field.name == self.identifier)

    @property
    def example(self) -> dict[str, str | int | float | bool | None]:
        """A record that works, made of each field's first example."""
        return {name: (info.examples or [None])[0] for name, info in self.record.model_fields.items()}

    def _check_identifier(self) -> None:
        if self.identifier not in self.record.model_fields:
            raise UseCaseInvalid(f"Use case {self.name}: the record has no field {self.identifier!r} to identify it.")
        field = self.identifier_field
        if field.optional or field.kind not in (Kind.INTEGER, Kind.CATEGORY):
            raise UseCaseInvalid(f"Use case {self.name}: the identifier is a required int or str.")
        if self.identifier in ANSWER_FIELDS:
            raise UseCaseInvalid(f"Use case {self.name}: the answer has a field {self.identifier!r} of its own.")
        if self.label in self.record.model_fields:
            raise UseCaseInvalid(f"Use case {self.name}: the label {self.label!r} cannot be a field of the record.")
        if not self.features:
            raise UseCaseInvalid(f"Use case {self.name}: the record has no feature beside its identifier.")

    def _check_rules(self) -> None:
        numeric = {field.name for field in self.features if field.kind is not Kind.CATEGORY}
        for rule in self.rules:
            if not rule.fields or not set(rule.fields) <= numeric:
                raise UseCaseInvalid(f"Use case {self.name}: a rule is between numeric features, not {rule.fields}.")

    def _check_example(self) -> None:
        try:
            self.record.model_validate(self.example)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UseCaseInvalid(
                f"Use case {self.name}: every field needs examples=[...] that work; {place}: {first['msg']}."
            ) from error
