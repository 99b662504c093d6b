"""The use case: a record class plus what is known of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.address import Address
from fraud_detection_api.schemas.derived import Derived, feature_problems
from fraud_detection_api.schemas.histories import Histories
from fraud_detection_api.schemas.history_words import told
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.learning import Supervised, Unsupervised
from fraud_detection_api.schemas.record import (
    REASON_FORMS,
    Feature,
    Kind,
    Record,
    RecordField,
    fields_of,
    is_personal,
)
from fraud_detection_api.schemas.score_kinds import SCORE_FIELDS, ScoreKind
from fraud_detection_api.schemas.source_tables import SourceTables
from fraud_detection_api.schemas.times import DAY

UNKNOWN_FIELDS = ("cold_start", "truncated", "degraded")
ANSWER_FIELDS = (*SCORE_FIELDS, "decision", "warnings", "model_version", "reasons", *UNKNOWN_FIELDS)


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
    """Everything the product needs to train, prove, serve and watch one kind of record: what it is, what is learned.

    Without an identifier, a record is known by its place in the list.
    """

    name: str
    title: str
    record: type[Record]
    learning: Supervised | Unsupervised
    identifier: str | None = None
    entity: str | None = None  # the column that says whom records share: a card, a customer; it may be no field
    rules: tuple[Rule, ...] = ()
    derived: tuple[Derived, ...] = ()  # what the model sees beside the fields
    carried: tuple[str, ...] = ()  # fields that come in and are kept, and that the model does not see
    histories: Histories | None = None  # what is known of a record's customer, card or address before it
    tables: SourceTables | None = None  # what its records are made from, where they are no table of their own
    purpose: str = ""  # what its models are for
    not_for: str = ""  # what nobody should use them for
    addresses: tuple[Address, ...] = ()  # where its records are scored beside /score/<name>

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise UseCaseInvalid(f"Use case {self.name}: {problem}")

    @cached_property
    def fields(self) -> tuple[RecordField, ...]:
        """Every field of the record, in its order."""
        return fields_of(self.record)

    @cached_property
    def inputs(self) -> tuple[RecordField, ...]:
        """The fields that columns hold: all but the identifier."""
        return tuple(each for each in self.fields if each.name != self.identifier)

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(each.name for each in self.inputs)

    @cached_property
    def seen(self) -> tuple[str, ...]:
        """The fields that the model sees as they are."""
        return tuple(name for name in self.input_names if name not in self.carried)

    @cached_property
    def seen_places(self) -> tuple[int, ...]:
        """Where these are among the columns."""
        return tuple(map(self.input_names.index, self.seen))

    @cached_property
    def derivations(self) -> tuple[tuple[Derived, tuple[tuple[int, int], ...]], ...]:
        """What is derived, each with where its sources are, and milliseconds of a date's days."""
        units = {each.name: DAY if each.kind is Kind.DATE else 1 for each in self.inputs}
        place = self.input_names.index
        return tuple((each, tuple((place(name), units[name]) for name in each.sources)) for each in self.derived)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the model sees: the fields that are not carried, in order, what is derived, and what is remembered."""
        seen = (each for each in self.inputs if each.name not in self.carried)
        own = (*seen, *(each.feature(self.by_name) for each in self.derived))
        return (*own, *(told(self.histories, self.record, {each.name for each in own}) if self.histories else ()))

    @cached_property
    def by_name(self) -> dict[str, RecordField]:
        """Every field of the record by its name."""
        return {each.name: each for each in self.fields}

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in their order."""
        return tuple(each.name for each in self.features)

    @cached_property
    def identifier_field(self) -> RecordField | None:
        """The field that names whom a record is about."""
        return next((each for each in self.fields if each.name == self.identifier), None)

    @property
    def score(self) -> ScoreKind:
        """The kind of its scores: what they are called, and what goes with them."""
        return self.learning.score

    @property
    def label(self) -> str | None:
        """The column that says which rows are frauds; None where nobody knows."""
        return self.learning.label

    @property
    def time_column(self) -> str | None:
        """The column of the days that its rows are in the order of."""
        return self.learning.time_column

    @property
    def order_column(self) -> str | None:
        """The column of the numbers that its rows are in the order of."""
        return self.learning.order_column

    @property
    def costs(self) -> Costs | None:
        """What decisions cost, where somebody has said so."""
        return self.learning.costs

    @property
    def gate(self) -> Gate:
        """What a new model has to hold to become champion."""
        return self.learning.gate

    @property
    def columns_beside(self) -> tuple[str, ...]:
        """Columns of the training table that judge models and are no fields of the record."""
        named = dict.fromkeys(filter(None, (self.entity, self.gate.group)))
        return tuple(name for name in named if name not in self.by_name and name != self.time_column)

    @property
    def example(self) -> dict[str, str | int | float | bool | None]:
        """A record that works, made of each field's first example."""
        known = self.record.model_fields
        return {each.name: (known[each.attribute].examples or [None])[0] for each in self.fields}

    def _problems(self) -> Iterator[str]:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", self.name):
            yield "a name is lower-case letters, digits and underscores."
        yield from self._problems_of_fields()
        yield from self.learning.problems(self.features, self.inputs, self.entity)
        yield from self._problems_of_rules()
        yield from self._problems_of_reasons()
        yield from self._problems_of_example()

    def _problems_of_fields(self) -> Iterator[str]:
        if self.identifier is not None:
            yield from self._problems_of_identifier(self.identifier)
        taken = [each.name for each in self.fields if each.name in ANSWER_FIELDS]
        if self.identifier is None and taken:  # its fields stand beside its score, since nothing else tells it
            yield f"the answer has a field {taken[0]!r} of its own."
        if self.label in self.by_name:
            yield f"the label {self.label!r} cannot be a field of the record."
        remembered = self.histories.features if self.histories else ()
        yield from feature_problems(self.inputs, self.derived, self.carried, [each.name for each in remembered])
        if self.histories:
            yield from self.histories.problems(self.by_name, self.identifier, self.label)
        for field in self.inputs:
            if field.name not in self.carried and is_personal(self.record.model_fields[field.attribute]):
                yield f"no model may learn from {field.name!r}, which is personal: carry it, or leave it out."

    def _problems_of_identifier(self, identifier: str) -> Iterator[str]:
        key = self.identifier_field
        if key is None:
            yield f"the record has no field {identifier!r} to identify it."
        elif key.optional or key.kind not in (Kind.INTEGER, Kind.CATEGORY):
            yield "the identifier is a required int or str."
        if identifier in ANSWER_FIELDS:
            yield f"the answer has a field {identifier!r} of its own."

    def _problems_of_rules(self) -> Iterator[str]:
        numeric = {each.name for each in self.inputs if each.kind is not Kind.CATEGORY}
        for rule in self.rules:
            if not rule.fields or not set(rule.fields) <= numeric:
                yield f"a rule is between numeric fields, not {rule.fields}."

    def _problems_of_reasons(self) -> Iterator[str]:
        for feature in self.features:
            for sentence in (feature.reason, *(text for _, text in feature.reasons_at)):
                yield from self._problems_of_sentence(feature.name, sentence)

    def _problems_of_sentence(self, feature: str, sentence: str) -> Iterator[str]:
        try:
            parts = list(Formatter().parse(sentence))
        except ValueError as error:
            yield f"the reason of {feature}: {error}."
            return
        for _, name, form, conversion in parts:
            if name is not None and (name not in self.feature_names or conversion):
                yield f"the reason of {feature} names {name!r}, which is no feature."
            elif form and form not in REASON_FORMS:
                yield f"the reason of {feature} shows {name!r} as {form!r}; it can be {', '.join(REASON_FORMS)}."

    def _problems_of_example(self) -> Iterator[str]:
        try:
            self.record.model_validate(self.example)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            yield f"every field needs examples=[...] that work; {place}: {first['msg']}."
