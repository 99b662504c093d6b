"""Values that the model sees and no record holds: made of a record's own fields, declared as data."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar

import numpy as np

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.record import LARGEST, Feature, Kind, RecordField
from fraud_detection_api.schemas.times import DAY, Numbers, Values, is_zone, local_times

HOUR, SECOND = 3_600_000, 1_000  # milliseconds
_NUMERIC, _MOMENTS = (Kind.INTEGER, Kind.NUMBER), (Kind.DATE, Kind.TIME)


@dataclass(frozen=True)
class Derived(ABC):
    """A value made of fields; its name says how, so that a model of another definition is not taken for its own."""

    kind: ClassVar[Kind] = Kind.NUMBER
    low: ClassVar[float] = -LARGEST
    high: ClassVar[float] = LARGEST
    may_be_missing: ClassVar[bool] = False  # even where no field is
    takes: ClassVar[tuple[Kind, ...]] = _MOMENTS

    @property
    def sources(self) -> tuple[str, ...]:
        """The fields that it is made from: what has to be said of it, unlike a zone."""
        return tuple(getattr(self, each.name) for each in fields(self) if each.default is MISSING)

    @property
    @abstractmethod
    def name(self) -> str:
        """What the model, warnings and reasons call it."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What a reason says of it, before its value."""

    @abstractmethod
    def values(self, *columns: Values) -> Values:
        """Its values in float64, by steps that give a number and a column the same bits.

        Dates and times come as milliseconds since 1970, missing values as NaN.
        """

    def feature(self, by_name: Mapping[str, RecordField]) -> Feature:
        """As the model sees it."""
        optional = self.may_be_missing or any(by_name[name].optional for name in self.sources)
        return Feature(self.name, self.kind, optional, self.low, self.high, self.description)


@dataclass(frozen=True)
class _OnAClock(Derived):
    """What a clock or a calendar shows at a time, in a time zone."""

    of: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if not is_zone(self.zone):
            raise UseCaseInvalid(f"There is no time zone {self.zone!r}: name one as Europe/Berlin is named.")

    @property
    def _zone_in_name(self) -> str:
        return "" if self.zone == "UTC" else f"_{slug(self.zone)}"


@dataclass(frozen=True)
class HourOfDay(_OnAClock):
    """The hour of a time, 0 to 23, as the clocks of a zone show it."""

    kind = Kind.INTEGER
    low, high = 0, 23
    takes = (Kind.TIME,)

    @property
    def name(self) -> str:
        """As hour_of_ordered_at."""
        return f"hour_of_{slug(self.of)}{self._zone_in_name}"

    @property
    def description(self) -> str:
        """As "Hour of ordered at (UTC)"."""
        return f"Hour of {worded(self.of)} ({self.zone})"

    def values(self, *columns: Values) -> Values:
        """The whole hours since midnight."""
        (times,) = columns
        return local_times(times, self.zone) % DAY // HOUR


@dataclass(frozen=True)
class DayOfWeek(_OnAClock):
    """The day of the week of a date or a time: 1 on Mondays to 7 on Sundays."""

    kind = Kind.INTEGER
    low, high = 1, 7

    @property
    def takes(self) -> tuple[Kind, ...]:  # type: ignore[override]  # a date is the same day in every zone
        """A zone is for times only."""
        return _MOMENTS if self.zone == "UTC" else (Kind.TIME,)

    @property
    def name(self) -> str:
        """As weekday_of_ordered_at."""
        return f"weekday_of_{slug(self.of)}{self._zone_in_name}"

    @property
    def description(self) -> str:
        """As "Day of the week of ordered at (Monday is 1, UTC)"."""
        return f"Day of the week of {worded(self.of)} (Monday is 1, {self.zone})"

    def values(self, *columns: Values) -> Values:
        """1970 began on a Thursday."""
        (times,) = columns
        return (local_times(times, self.zone) // DAY + 3) % 7 + 1


@dataclass(frozen=True)
class DaysBetween(Derived):
    """The days from one date or time to another, below 0 where the second comes first; a date is its midnight, UTC."""

    start: str
    end: str
    unit: ClassVar[tuple[str, int]] = ("days", DAY)

    @property
    def name(self) -> str:
        """As days_from_customer_since_to_ordered_at."""
        return f"{self.unit[0]}_from_{slug(self.start)}_to_{slug(self.end)}"

    @property
    def description(self) -> str:
        """As "Days from customer since to ordered at"."""
        return f"{self.unit[0].capitalize()} from {worded(self.start)} to {worded(self.end)}"

    def values(self, *columns: Values) -> Values:
        """Milliseconds are whole, so that only the division rounds."""
        start, end = columns
        return (end - start) / self.unit[1]


@dataclass(frozen=True)
class SecondsBetween(DaysBetween):
    """The seconds from one date or time to another; float32 holds whole ones up to 194 days."""

    unit = ("seconds", SECOND)


@dataclass(frozen=True)
class Ratio(Derived):
    """One number divided by another; missing where either is missing, or the second is 0."""

    of: str
    to: str
    may_be_missing = True
    takes = _NUMERIC

    @property
    def name(self) -> str:
        """As ratio_of_amount_to_income."""
        return f"ratio_of_{slug(self.of)}_to_{slug(self.to)}"

    @property
    def description(self) -> str:
        """As "Ratio of amount to income"."""
        return f"Ratio of {worded(self.of)} to {worded(self.to)}"

    def values(self, *columns: Values) -> Values:
        """The quotient."""
        upper, lower = columns
        if isinstance(upper, float):
            return upper / lower if lower else math.nan
        with np.errstate(over="ignore"):
            quotient: Numbers = np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower != 0)
        return quotient


@dataclass(frozen=True)
class Difference(Derived):
    """One number less another; missing where either is."""

    of: str
    less: str
    takes = _NUMERIC

    @property
    def name(self) -> str:
        """As balance_less_limit."""
        return f"{slug(self.of)}_less_{slug(self.less)}"

    @property
    def description(self) -> str:
        """As "balance less limit"."""
        return f"{worded(self.of).capitalize()} less {worded(self.less)}"

    def values(self, *columns: Values) -> Values:
        """The difference."""
        minuend, subtrahend = columns
        return minuend - subtrahend


def feature_problems(
    inputs: Sequence[RecordField], derived: Sequence[Derived], carried: Sequence[str], remembered: Sequence[str] = ()
) -> Iterator[str]:
    """What is wrong with what a model is to see of a record with these fields beside its identifier."""
    kinds = {each.name: each.kind for each in inputs}
    for name in [name for name in carried if name not in kinds]:
        yield f"it carries {name!r}, which is no field beside its identifier."
    for each in derived:
        for name in [name for name in each.sources if kinds.get(name) not in each.takes]:
            yield f"{each.name} is made from {name!r}, which is no field of kind {' or '.join(each.takes)}."
    seen = [name for name in kinds if name not in carried]
    for name in [name for name in seen if kinds[name] is Kind.TIME]:
        yield f"float32 would round the time {name!r} to minutes: carry it, and derive what the model should see."
    for name in [name for name in (*seen, *(each.name for each in derived)) if set(name) & set("[]<")]:
        yield f"XGBoost takes no feature with [, ] or < in its name, as in {name!r}."
    yield from _names_twice([*kinds, *(each.name for each in derived), *remembered])
    if not seen and not derived and not remembered:
        yield "the record has no feature beside its identifier."


def _names_twice(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if names.count(name) > 1:
            yield f"two of its fields and derived values are named {name!r}."


def slug(name: str) -> str:
    """A field's name as part of another name."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def worded(name: str) -> str:
    """A field's name as people say it."""
    return name.strip().replace("_", " ")
