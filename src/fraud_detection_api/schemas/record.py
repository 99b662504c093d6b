"""The record: one row as it comes over the wire or from a file, and what each of its fields may hold."""

import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache, partial
from typing import Annotated, Literal, Union, get_args, get_origin

import annotated_types as limits
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.times import (
    FIRST_TIME,
    LAST_TIME,
    day_number,
    day_of,
    iso_date,
    time_number,
    time_text,
    zoned_time,
)

REASON_FORMS = ("0", "1", "2", "3", "4", "5", "6", "times", "percent", "duration")  # {amount:2}: with two decimals
LARGEST = 3.4028234663852886e38  # models see float32: anything beyond would turn into infinity


class Record(BaseModel):
    """Base of every record: strict types, no unknown fields, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def accept_json_values(cls, value: object, info: ValidationInfo) -> object:
        """JSON has one number type and no dates: 23.0 is an integer, an ISO date is a date, an ISO time is a time."""
        kind = _kind_in(cls, info.field_name or "")
        if kind is Kind.TIME:
            return zoned_time(value)
        if kind is Kind.INTEGER and isinstance(value, float) and value.is_integer():
            return int(value)
        if kind is Kind.DATE and isinstance(value, str):
            return iso_date(value)
        if kind is Kind.CATEGORY and isinstance(value, str) and not _is_unicode(value):
            raise ValueError("Input should be a text in Unicode, without halves of characters")
        return value


class Kind(StrEnum):
    """What a field holds."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    DATE = "date"
    TIME = "time"


@dataclass(frozen=True)
class Feature:
    """One value of a record as the columns hold it; every bound is inclusive."""

    name: str
    kind: Kind
    optional: bool
    low: float
    high: float
    description: str
    reason: str = ""  # how a reason that names the field is worded: text with {names} of features
    reasons_at: tuple[tuple[float | None, str], ...] = ()  # the same at particular values; None is a missing one


@dataclass(frozen=True)
class RecordField(Feature):
    """A field of a record, by the name that JSON and tables have for it."""

    attribute: str = ""  # the name that Python has for it


def fields_of(record: type[Record]) -> tuple[RecordField, ...]:
    """The fields of a record class in their order; refuses validators, which columns could not run."""
    own = record.__pydantic_decorators__
    if own.model_validators or own.validators or len(own.field_validators) > 1:
        raise UseCaseInvalid(f"{record.__name__} has validators of its own: declare a Rule on the use case instead.")
    changed = [name for name, value in record.model_config.items() if Record.model_config.get(name) != value]
    if not set(changed) <= {"title", "json_schema_extra", "use_attribute_docstrings"}:
        raise UseCaseInvalid(f"{record.__name__} changes what every record promises: {', '.join(changed)}.")
    fields = tuple(_record_field(name, info) for name, info in record.model_fields.items())
    if len({each.name for each in fields}) < len(fields):
        raise UseCaseInvalid(f"{record.__name__} has two fields of one name.")
    return fields


def kind_of(info: FieldInfo) -> Kind:
    """The kind that a field's annotation means."""
    plain, _ = _without_none(info.annotation)
    if get_origin(plain) is Literal and all(isinstance(value, str) for value in get_args(plain)):
        return Kind.CATEGORY
    kind = _KINDS.get(plain) if isinstance(plain, type) else None
    if kind is None:
        raise UseCaseInvalid(
            f"A field of type {info.annotation} is not supported: use int, float, bool, str, date or datetime."
        )
    return kind


def lengths_of(record: type[Record], attribute: str) -> tuple[int, float] | None:
    """The shortest and the longest text of a field of which nothing else is asked; None of any other field."""
    info = record.model_fields[attribute]
    if _without_none(info.annotation)[0] is not str:
        return None
    shortest, longest = 0, math.inf
    for limit in _metadata(info):
        match limit:
            case limits.MinLen(min_length=length):
                shortest = max(shortest, length)
            case limits.MaxLen(max_length=length):
                longest = min(longest, length)
            case _:
                return None
    return shortest, longest


def formatted(kind: Kind, value: float) -> str:
    """A column's value as people write it."""
    if kind is Kind.TIME:
        return _as_time(value)
    if kind is Kind.DATE and day_number(date.min) <= value <= day_number(date.max):
        return str(day_of(int(value)))
    return f"{value:.10g}"


def _as_time(value: float) -> str:
    return time_text(int(value)) if FIRST_TIME <= value <= LAST_TIME else f"{value:.10g}"


def to_json(kind: Kind, number: float) -> str | int | float | bool:
    """A column's value as JSON has it."""
    return json_of(kind)(number)


def json_of(kind: Kind) -> Callable[[float], str | int | float | bool]:
    """What makes JSON's value of a column's, for a kind of field."""
    match kind:
        case Kind.INTEGER:
            return _as_whole
        case Kind.BOOLEAN:
            return bool
        case Kind.TIME:
            return _as_time
        case Kind.DATE:
            return partial(formatted, kind)
        case _:
            return float


def _as_whole(number: float) -> int | float:
    return int(number) if -(2**63) <= number < 2**64 else number  # no others are written as integers


_KINDS = {
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    bool: Kind.BOOLEAN,
    str: Kind.CATEGORY,
    date: Kind.DATE,
    datetime: Kind.TIME,
}


@cache
def _kind_in(record: type[Record], name: str) -> Kind:
    return kind_of(record.model_fields[name])


def _is_unicode(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _record_field(attribute: str, info: FieldInfo) -> RecordField:
    _, optional = _without_none(info.annotation)
    default = None if info.is_required() else info.get_default(call_default_factory=False)
    if optional == info.is_required() or info.default_factory or default is not None:
        raise UseCaseInvalid(f"Field {attribute}: an optional field is `type | None = None`; no other defaults.")
    kind, name = kind_of(info), _name(attribute, info)
    low, high = _text_bounds(name, info) if kind is Kind.CATEGORY else _bounds(name, info, kind)
    description = info.description or name.replace("_", " ")
    return RecordField(name, kind, optional, low, high, description, _reason(name, info), attribute=attribute)


def _name(attribute: str, info: FieldInfo) -> str:
    aliases = (info.alias, info.validation_alias, info.serialization_alias)
    if not any(aliases):
        return attribute
    name = info.alias or ""
    if aliases != (name, name, name) or not name.strip() or not name.isprintable():
        raise UseCaseInvalid(f'Field {attribute}: JSON and tables have one name for it, `alias="Order ID"`.')
    return name


def is_personal(info: FieldInfo) -> bool:
    """Whether a field is marked as telling who somebody is: `json_schema_extra={"x-personal": True}`."""
    return _mark(info, "x-personal") is True


def nouns_of(record: type[Record]) -> dict[str, str]:
    """What a value of a field is called, where its name does not say it: `json_schema_extra={"x-noun": "address"}`."""
    marked = {_name(attribute, info): _mark(info, "x-noun") for attribute, info in record.model_fields.items()}
    return {name: str(noun) for name, noun in marked.items() if noun}


def _mark(info: FieldInfo, name: str) -> object:
    return info.json_schema_extra.get(name, "") if isinstance(info.json_schema_extra, dict) else ""


def _reason(name: str, info: FieldInfo) -> str:
    reason = _mark(info, "x-reason")
    if not isinstance(reason, str):
        raise UseCaseInvalid(f"Field {name}: its reason is worded by a text, not by {reason!r}.")
    return reason


def _without_none(annotation: object) -> tuple[object, bool]:
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    others = [part for part in get_args(annotation) if part is not types.NoneType]
    return (_without_none(others[0])[0] if len(others) == 1 else annotation), len(others) < len(get_args(annotation))


def _text_bounds(name: str, info: FieldInfo) -> tuple[float, float]:
    for limit in _metadata(info):
        if isinstance(limit, limits.MinLen | limits.MaxLen):
            continue
        given = {key for key, value in getattr(limit, "__dict__", {"": limit}).items() if value is not None}
        if not given <= {"min_length", "max_length", "pattern"}:
            raise UseCaseInvalid(f"Field {name}: columns know lengths and patterns of texts, but not {limit!r}.")
    return -LARGEST, LARGEST


def _bounds(name: str, info: FieldInfo, kind: Kind) -> tuple[float, float]:
    low, high = (FIRST_TIME, LAST_TIME) if kind is Kind.TIME else (-LARGEST, LARGEST)
    whole = kind in (Kind.INTEGER, Kind.DATE, Kind.TIME)
    for limit in _metadata(info):
        match limit:
            case limits.Ge(ge=bound):
                low = max(low, _as_number(bound, kind))
            case limits.Gt(gt=bound):
                low = max(low, _next(_as_number(bound, kind), math.inf, whole))
            case limits.Le(le=bound):
                high = min(high, _as_number(bound, kind))
            case limits.Lt(lt=bound):
                high = min(high, _next(_as_number(bound, kind), -math.inf, whole))
            case _:
                raise UseCaseInvalid(f"Field {name}: columns know ge, gt, le and lt, but not {limit!r}.")
    return low, high


def _as_number(bound: object, kind: Kind) -> float:
    if isinstance(bound, datetime):
        if kind is Kind.TIME and bound.tzinfo and bound.microsecond % 1000 == 0:
            return float(time_number(bound))
    elif isinstance(bound, date):
        if kind is Kind.DATE:
            return float(day_number(bound))
    elif isinstance(bound, int | float) and kind not in (Kind.DATE, Kind.TIME):
        return float(bound)
    raise UseCaseInvalid(f"A bound is a number, a date, or a time to the millisecond with its zone, not {bound!r}.")


def _next(bound: float, towards: float, whole: bool) -> float:
    return bound + math.copysign(1, towards) if whole else math.nextafter(bound, towards)


def _metadata(info: FieldInfo) -> list[object]:
    inner = [
        limit
        for part in get_args(info.annotation)
        if get_origin(part) is Annotated
        for annotated in get_args(part)[1:]
        for limit in getattr(annotated, "metadata", [annotated])
    ]
    return [*info.metadata, *inner]
