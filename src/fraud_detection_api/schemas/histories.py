"""Histories: what was known of a key (a customer, a card) strictly before a record, declared as data.

A use case names its keys, and for each the statistics that the model sees, over the latest records of the key or
those of the last hours or days. `Histories` says what they share: which field tells when a record happened, and which
columns of a table say when it arrived and when its label was known.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from fraud_detection_api.schemas.derived import slug, worded
from fraud_detection_api.schemas.record import LARGEST, Feature, Kind, RecordField
from fraud_detection_api.schemas.times import DAY

HOUR = DAY // 24
MOST_KEPT = 4_096
MOST_COUNTED = 2.0**53  # also of what somebody has counted elsewhere
MOST_WINDOWS, MOST_FIELDS = 64, 30  # of a history: the kernel has room for as many
MOST = 1_000_000  # of records, days or hours of a window
MOST_DECIMALS = 6


class Statistic(IntEnum):
    """What the kernel computes, by the numbers that it knows them by."""

    NEW = 0
    COUNT = 1
    SUM = 2
    MEAN = 3
    DEVIATION = 4
    SMALLEST = 5
    LARGEST = 6
    RATIO = 7
    DISTINCT = 8
    SAME = 9
    KNOWN = 10
    SINCE = 11
    FRAUDS = 12
    FRAUD_SHARE = 13


LABELS = (Statistic.FRAUDS, Statistic.FRAUD_SHARE)
AMOUNTS = (
    Statistic.SUM, Statistic.MEAN, Statistic.DEVIATION, Statistic.SMALLEST, Statistic.LARGEST, Statistic.RATIO,
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """The latest so many records of a key, those of the last hours and days, or what is in both; without any, all."""

    records: int = 0
    days: float = 0
    hours: float = 0

    @property
    def milliseconds(self) -> int:
        """How far back it goes; 0 is no bound."""
        return round(self.days * DAY + self.hours * HOUR)

    @property
    def name(self) -> str:
        """As last_10, 7_days, or last_10_1_hour."""
        latest = [f"last_{self.records}"] if self.records else []
        spans = [f"{amount:g}_{unit}{'' if amount == 1 else 's'}" for amount, unit in self.spans]
        return "_".join(latest + spans)

    @property
    def spans(self) -> tuple[tuple[float, str], ...]:
        """How many days, and how many hours, where it has any."""
        return tuple((amount, unit) for amount, unit in ((self.days, "day"), (self.hours, "hour")) if amount)

    @property
    def problem(self) -> str:
        """What is wrong with it, if something is."""
        numbers = (self.records, self.days, self.hours)
        if not all(0 <= each <= MOST for each in numbers):
            return f"{self} looks back over what is below 0, or over more than {MOST:,}."
        if self.spans and not self.milliseconds:
            return f"{self} is shorter than a millisecond."
        return ""


EVER = Window()


@dataclass(frozen=True)
class _Shape:
    """How a statistic is named, and what it may be."""

    name: str
    takes: tuple[Kind, ...] = ()  # the fields that it can be of; of none where there are none
    kind: Kind = Kind.NUMBER
    high: float = LARGEST
    is_optional: bool = False  # missing where nothing is known


_AMOUNTS = (Kind.NUMBER, Kind.INTEGER)
_VALUES = (Kind.CATEGORY, Kind.INTEGER, Kind.BOOLEAN)
_SHAPES = {
    Statistic.NEW: _Shape("is_new", kind=Kind.BOOLEAN, high=1),
    Statistic.COUNT: _Shape("count", kind=Kind.INTEGER, high=MOST_COUNTED),
    Statistic.SUM: _Shape("sum", _AMOUNTS),
    Statistic.MEAN: _Shape("mean", _AMOUNTS, is_optional=True),
    Statistic.DEVIATION: _Shape("deviation", _AMOUNTS, is_optional=True),
    Statistic.SMALLEST: _Shape("smallest", _AMOUNTS, is_optional=True),
    Statistic.LARGEST: _Shape("largest", _AMOUNTS, is_optional=True),
    Statistic.RATIO: _Shape("ratio", _AMOUNTS, is_optional=True),
    Statistic.DISTINCT: _Shape("distinct", _VALUES, kind=Kind.INTEGER, high=MOST_COUNTED),
    Statistic.SAME: _Shape("same", _VALUES, kind=Kind.BOOLEAN, high=1, is_optional=True),
    Statistic.KNOWN: _Shape("known", _VALUES, kind=Kind.BOOLEAN, high=1, is_optional=True),
    Statistic.SINCE: _Shape("seconds_since_last", is_optional=True),
    Statistic.FRAUDS: _Shape("frauds", kind=Kind.INTEGER, high=MOST_COUNTED),
    Statistic.FRAUD_SHARE: _Shape("fraud_share", high=1, is_optional=True),
}


@dataclass(frozen=True)
class Remembered:
    """A statistic of a key's records before this one, as the model sees it."""

    statistic: Statistic
    of: str = ""  # the field that it is about
    over: Window = EVER
    delay_days: float = 0  # of labels: how long after they are known they count; the window ends so long ago

    def feature(self, key: str) -> Feature:
        """As the model sees it; `history_words` has the words for people."""
        shape, name = _SHAPES[self.statistic], self.name(key)
        low = -LARGEST if shape.takes == _AMOUNTS else 0
        return Feature(name, shape.kind, shape.is_optional, low, shape.high, worded(name))

    def name(self, key: str) -> str:
        """As customer_mean_order_amount_last_10."""
        delay = f"after_{self.delay_days:g}_days" if self.delay_days else ""
        return "_".join(filter(None, (key, _SHAPES[self.statistic].name, slug(self.of), self.over.name, delay)))

    @property
    def most(self) -> int:
        """How many records its window holds at most; 0 is no bound. What is asked of the last one needs no more."""
        is_of_the_last = self.over == EVER and self.statistic in (Statistic.NEW, Statistic.SINCE)
        return 1 if is_of_the_last else self.over.records

    @property
    def span(self) -> int:
        """How many milliseconds it looks back; a window of labels is as long whenever they count; 0 is no bound."""
        span = self.over.milliseconds
        return span + self.delay if span and self.statistic in LABELS else span

    @property
    def delay(self) -> int:
        """How many milliseconds labels have to be known."""
        return round(self.delay_days * DAY)

    def problems(self, kinds: Mapping[str, Kind]) -> Iterator[str]:
        """What is wrong with it, for a record with fields of these kinds."""
        takes, name = _SHAPES[self.statistic].takes, self.statistic.name
        if takes and kinds.get(self.of) not in takes:
            yield f"{name} is of {self.of!r}, which is no field of kind {' or '.join(takes)}."
        if self.of and not takes:
            yield f"{name} is of no field, and not of {self.of!r}."
        if self.over.problem:
            yield f"{name}: {self.over.problem}"
        if not 0 <= self.delay_days <= MOST:
            yield f"{name} waits {self.delay_days:g} days, which is below 0 or more than {MOST:,}."
        if self.delay_days and self.statistic not in LABELS:
            yield f"{name} does not wait for labels: leave delay_days out."
        if self.statistic is Statistic.NEW and self.over != EVER:
            yield "NEW says whether anything at all is known: leave its window out."


@dataclass(frozen=True)
class History:
    """What is remembered of a key: which fields it is made of, how many of its latest records, and what is asked."""

    name: str  # what the key stands for: customer, card, terminal
    key: tuple[str, ...]
    statistics: tuple[Remembered, ...]
    decimals: int = 2  # of amounts, which are counted in whole numbers of their smallest unit
    kept: int = 16  # more than any window needs, so that late records find theirs

    @property
    def features(self) -> tuple[Feature, ...]:
        """What the model sees of it."""
        return tuple(each.feature(self.name) for each in self.statistics)

    @property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """How many records each of its windows holds at most, and how many milliseconds; 0 is no bound."""
        return tuple(dict.fromkeys((each.most, each.span) for each in self.statistics))

    def problems(self, fields: Mapping[str, RecordField]) -> Iterator[str]:
        """What is wrong with it, for a record with these fields."""
        kinds = {name: field.kind for name, field in fields.items()}
        for name in [name for name in self.key if kinds.get(name) not in _VALUES]:
            yield f"the key of {self.name} is made of {name!r}, which is no field of kind {' or '.join(_VALUES)}."
        if not self.key or not self.statistics:
            yield f"the history of {self.name} needs a key and a statistic."
        own = [problem for each in self.statistics for problem in each.problems(kinds)]
        yield from own or self._problems_of_size()
        if not 0 <= self.decimals <= MOST_DECIMALS:
            yield f"the history of {self.name} counts amounts with {self.decimals} decimals: 0 to {MOST_DECIMALS}."
            return
        amounts = [each.of for each in self.statistics if each.statistic in AMOUNTS and each.of in fields]
        for name in dict.fromkeys(amounts):
            yield from self._problems_of_amount(fields[name])

    def _problems_of_size(self) -> Iterator[str]:
        longest = max((each.over.records for each in self.statistics), default=0)
        if not 2 <= self.kept <= MOST_KEPT:  # with two at least, amounts fit into 32 bits
            yield f"the history of {self.name} keeps {self.kept} records of a key; it may keep 2 to {MOST_KEPT:,}."
        elif longest >= self.kept:
            yield f"the history of {self.name} keeps {self.kept} records, which is not more than a window of {longest}."
        if len(self.windows) > MOST_WINDOWS:
            yield f"the history of {self.name} has {len(self.windows)} windows; it may have {MOST_WINDOWS}."
        of = len({each.of for each in self.statistics})
        if of > MOST_FIELDS:
            yield f"the history of {self.name} is of {of} fields; it may be of {MOST_FIELDS}."

    def _problems_of_amount(self, field: RecordField) -> Iterator[str]:
        """Sums of squares are whole numbers of 64 bits, so that no order of addition changes them."""
        most = math.isqrt(2**63 - 1) / (self.kept * 10**self.decimals)
        if max(abs(field.low), abs(field.high)) > most:
            yield (
                f"{field.name!r} may be too large to be added up exactly: bound it by {most:,.0f} at most "
                f"(le=, ge=), or keep fewer than {self.kept} records of each {self.name}."
            )


@dataclass(frozen=True)
class Histories:
    """What a use case remembers, and the times that it goes by."""

    at: str  # the field that says when a record happened
    of: tuple[History, ...]
    received_at: str | None = None  # the column of a table that says when a record arrived; without it, as it happened
    label_known_at: str | None = None  # and when its label was known; without it, as it happened

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(each.name for each in self.of)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the model sees of all of them."""
        return tuple(feature for each in self.of for feature in each.features)

    @property
    def counts_frauds(self) -> bool:
        """Whether something of it is learned from labels."""
        return any(asked.statistic in LABELS for each in self.of for asked in each.statistics)

    @property
    def columns(self) -> dict[str, Kind]:
        """The columns that a table may have of them: times, and the features, where somebody has computed these."""
        times = filter(None, (self.received_at, self.label_known_at))
        return dict.fromkeys(times, Kind.TIME) | {each.name: Kind.NUMBER for each in self.features}

    def problems(self, fields: Mapping[str, RecordField], identifier: str | None, label: str | None) -> Iterator[str]:
        """What is wrong with them, for a record with these fields, and this label beside it."""
        moment = fields.get(self.at)
        if moment is None or moment.optional or moment.kind not in (Kind.DATE, Kind.TIME):
            yield f"its histories go by {self.at!r}, which is no required date or time of the record."
        if identifier is None:
            yield "its histories need an identifier, by which a record that comes again is known."
        yield from self._problems_of_names(fields)
        if self.counts_frauds and label is None:
            yield "its histories count known frauds, and nothing says which records are: it has no label."
        for each in self.of:
            yield from each.problems(fields)
            yield from self._problems_of_labels(each)

    def _problems_of_names(self, fields: Mapping[str, RecordField]) -> Iterator[str]:
        for name in [name for name in (self.received_at, self.label_known_at) if name in fields]:
            yield f"{name!r} is a field, and not a column of a table beside the record."
        for name in [name for name in fields if name in {each.name for each in self.features}]:
            yield f"a field and a feature of its histories are both named {name!r}."
        names = self.names
        if len(set(names)) < max(len(names), 1) or not all(re.fullmatch("[a-z][a-z0-9_]*", each) for each in names):
            yield "its histories need names, each its own, of lower-case letters, digits and underscores."

    def _problems_of_labels(self, history: History) -> Iterator[str]:
        at_once = [each for each in history.statistics if each.statistic in LABELS and not each.delay_days]
        if at_once and self.label_known_at is None:
            yield (
                f"{at_once[0].statistic.name} of {history.name} would count frauds at the moment they happen, when "
                "nobody knows of them: name the column that says when labels are known (label_known_at=), or wait for "
                "them (delay_days=)."
            )
