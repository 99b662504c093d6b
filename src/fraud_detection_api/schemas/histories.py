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
        return "_".join([*([f"last_{self.records}"] if self.records else []), *self._spans]).replace(" ", "_")

    @property
    def words(self) -> str:
        """As "the last 10", "the last 7 days" or "the last 10 of the last 1 hour"."""
        latest = [str(self.records)] if self.records else []
        return " of ".join(f"the last {each}" for each in (*latest, *([" ".join(self._spans)] if self._spans else [])))

    @property
    def _spans(self) -> list[str]:
        amounts = ((self.days, "day"), (self.hours, "hour"))
        return [f"{amount:g} {unit}{'' if amount == 1 else 's'}" for amount, unit in amounts if amount]


EVER = Window()


@dataclass(frozen=True)
class _Said:
    """How a statistic is called, and what it may be."""

    name: str
    words: str
    takes: tuple[Kind, ...] = ()  # the fields that it can be of; of none where there are none
    kind: Kind = Kind.NUMBER
    high: float = LARGEST
    is_optional: bool = False  # missing where nothing is known


_AMOUNTS = (Kind.NUMBER, Kind.INTEGER)
_VALUES = (Kind.CATEGORY, Kind.INTEGER, Kind.BOOLEAN)
_SAID = {
    Statistic.NEW: _Said("is_new", "First record", kind=Kind.BOOLEAN, high=1),
    Statistic.COUNT: _Said("count", "Number of records", kind=Kind.INTEGER),
    Statistic.SUM: _Said("sum", "Sum of", _AMOUNTS),
    Statistic.MEAN: _Said("mean", "Mean", _AMOUNTS, is_optional=True),
    Statistic.DEVIATION: _Said("deviation", "Standard deviation of", _AMOUNTS, is_optional=True),
    Statistic.SMALLEST: _Said("smallest", "Smallest", _AMOUNTS, is_optional=True),
    Statistic.LARGEST: _Said("largest", "Largest", _AMOUNTS, is_optional=True),
    Statistic.RATIO: _Said("ratio", "Ratio to the mean", _AMOUNTS, is_optional=True),
    Statistic.DISTINCT: _Said("distinct", "Number of different", _VALUES, kind=Kind.INTEGER),
    Statistic.SAME: _Said("same", "Same as the last:", _VALUES, kind=Kind.BOOLEAN, high=1, is_optional=True),
    Statistic.KNOWN: _Said("known", "Seen before:", _VALUES, kind=Kind.BOOLEAN, high=1, is_optional=True),
    Statistic.SINCE: _Said("seconds_since_last", "Seconds since the last record", is_optional=True),
    Statistic.FRAUDS: _Said("frauds", "Known frauds", kind=Kind.INTEGER),
    Statistic.FRAUD_SHARE: _Said("fraud_share", "Share of known frauds", high=1, is_optional=True),
}


@dataclass(frozen=True)
class Remembered:
    """A statistic of a key's records before this one, as the model sees it."""

    statistic: Statistic
    of: str = ""  # the field that it is about
    over: Window = EVER
    delay_days: float = 0  # of labels: how long after they are known they count

    def feature(self, key: str) -> Feature:
        """As the model sees it."""
        said, name = _SAID[self.statistic], self.name(key)
        subject = " ".join(filter(None, (said.words, worded(self.of))))
        within = f" in {self.over.words}" if self.over.words else ""
        description = f"{subject} of this {worded(key)}{within}"
        low = -LARGEST if said.takes == _AMOUNTS else 0
        return Feature(name, said.kind, said.is_optional, low, said.high, description, self._reason(key, name))

    def name(self, key: str) -> str:
        """As customer_mean_order_amount_last_10."""
        delay = f"after_{self.delay_days:g}_days" if self.delay_days else ""
        return "_".join(filter(None, (key, _SAID[self.statistic].name, slug(self.of), self.over.name, delay)))

    def problems(self, kinds: Mapping[str, Kind]) -> Iterator[str]:
        """What is wrong with it, for a record with fields of these kinds."""
        takes = _SAID[self.statistic].takes
        if takes and kinds.get(self.of) not in takes:
            yield f"{self.statistic.name} is of {self.of!r}, which is no field of kind {' or '.join(takes)}."
        if self.of and not takes:
            yield f"{self.statistic.name} is of no field, and not of {self.of!r}."
        if self.over.records < 0 or self.over.milliseconds < 0 or self.delay_days < 0:
            yield f"{self.statistic.name} looks back over {self.over}: no part of that can be below 0."

    def _reason(self, key: str, name: str) -> str:
        if self.statistic is not Statistic.RATIO:
            return ""
        return f"{worded(self.of)} of {{{self.of}}} is {{{name}}} times this {worded(key)}'s average"


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

    def problems(self, fields: Mapping[str, RecordField]) -> Iterator[str]:
        """What is wrong with it, for a record with these fields."""
        kinds = {name: field.kind for name, field in fields.items()}
        for name in [name for name in self.key if kinds.get(name) not in _VALUES]:
            yield f"the key of {self.name} is made of {name!r}, which is no field of kind {' or '.join(_VALUES)}."
        if not self.key or not self.statistics:
            yield f"the history of {self.name} needs a key and a statistic."
        longest = max((each.over.records for each in self.statistics), default=0)
        if self.kept > MOST_KEPT:
            yield f"the history of {self.name} keeps {self.kept} records of a key; it may keep {MOST_KEPT} at most."
        if longest >= self.kept:
            yield f"the history of {self.name} keeps {self.kept} records, which is not more than a window of {longest}."
        for each in self.statistics:
            yield from each.problems(kinds)
        for name in dict.fromkeys(
            each.of for each in self.statistics if each.statistic in AMOUNTS and each.of in fields
        ):
            yield from self._problems_of_amount(fields[name])
        if self.kept < 2:  # entries hold amounts in 32 bits
            yield f"the history of {self.name} keeps {self.kept} records of a key; it has to keep 2 at least."

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
    def features(self) -> tuple[Feature, ...]:
        """What the model sees of all of them."""
        return tuple(feature for each in self.of for feature in each.features)

    @property
    def columns(self) -> dict[str, Kind]:
        """The columns that a table may have of them: times, and the features, where somebody has computed these."""
        times = filter(None, (self.received_at, self.label_known_at))
        return dict.fromkeys(times, Kind.TIME) | {each.name: Kind.NUMBER for each in self.features}

    def problems(self, fields: Mapping[str, RecordField], identifier: str | None) -> Iterator[str]:
        """What is wrong with them, for a record with these fields."""
        moment = fields.get(self.at)
        if moment is None or moment.optional or moment.kind not in (Kind.DATE, Kind.TIME):
            yield f"its histories go by {self.at!r}, which is no required date or time of the record."
        if identifier is None:
            yield "its histories need an identifier, by which a record that comes again is known."
        for name in [name for name in (self.received_at, self.label_known_at) if name in fields]:
            yield f"{name!r} is a field, and not a column of a table beside the record."
        for name in [name for name in fields if name in {each.name for each in self.features}]:
            yield f"a field and a feature of its histories are both named {name!r}."
        names = [each.name for each in self.of]
        if (
            not names
            or len(set(names)) < len(names)
            or not all(re.fullmatch("[a-z][a-z0-9_]*", each) for each in names)
        ):
            yield "its histories need names, each its own, of lower-case letters, digits and underscores."
        for each in self.of:
            yield from each.problems(fields)
