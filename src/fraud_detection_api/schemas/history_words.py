"""The words of histories: what each statistic is called, and how a reason tells it, as a person would.

A reason has a sentence for any value, and others for values that people say differently: none, one, yes, no, missing.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from fraud_detection_api.schemas.derived import worded
from fraud_detection_api.schemas.histories import LABELS, Histories, History, Remembered, Statistic
from fraud_detection_api.schemas.record import Feature, Record, nouns_of

ByValue = dict[float | None, str]


@dataclass(frozen=True)
class _Words:
    """What a statistic is, and the sentences of a reason: for any value, and for particular ones; None is missing."""

    description: str
    sentence: str
    at_values: ByValue


def told(histories: Histories, record: type[Record], seen: Collection[str]) -> tuple[Feature, ...]:
    """The features of histories with their words; a reason quotes a field that is among the features itself."""
    noun = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", record.__name__).strip("_").lower()
    nouns = nouns_of(record)
    return tuple(
        _told(feature, _Told(history, asked, noun, nouns.get(asked.of, worded(asked.of)), asked.of in seen))
        for history in histories.of
        for feature, asked in zip(history.features, history.statistics, strict=True)
    )


def _told(feature: Feature, asked: "_Told") -> Feature:
    words = asked.words
    return replace(
        feature, description=words.description, reason=words.sentence, reasons_at=tuple(words.at_values.items())
    )


@dataclass(frozen=True)
class _Told:
    """One statistic, in words."""

    history: History
    asked: Remembered
    noun: str  # what a record is called: an order, a payment
    of: str  # what a value of the field is called: an amount, an address
    is_seen: bool

    @property
    def words(self) -> "_Words":
        """What it is, and how a reason tells it."""
        match self.asked.statistic:
            case Statistic.NEW | Statistic.COUNT | Statistic.SINCE:
                return self._of_records()
            case Statistic.FRAUDS | Statistic.FRAUD_SHARE:
                return self._of_frauds()
            case Statistic.DISTINCT | Statistic.SAME | Statistic.KNOWN:
                return self._of_values()
            case _:
                return self._of_amounts()

    def _of_records(self) -> "_Words":
        key, value = self._key, self._value
        if self.asked.statistic is Statistic.NEW:
            known = f"{key} is known from earlier {plural(self.noun)}"
            nothing = f"nothing is known of {key} yet"
            return _Words(f"Whether {nothing}", known, {1: nothing, 0: known})
        if self.asked.statistic is Statistic.SINCE:
            at_values: ByValue = {
                0: f"at the same time as {self._last}",
                None: f"no {self._earlier}{self.noun} of {key}{self._in}",
            }
            return _Words(f"Seconds since {self._last}", f"{{{value}:duration}} since {self._last}", at_values)
        subject = f"{self._earlier}{{}} of {key}{self._in}"
        many = subject.format(plural(self.noun))
        return _Words(f"Number of {many}", f"{{{value}}} {many}", _none_and_one(subject.format(self.noun)))

    def _of_frauds(self) -> "_Words":
        if self.asked.statistic is Statistic.FRAUDS:
            subject = f"known {{}} of {self._key}{self._within}"
            many = subject.format("frauds")
            return _Words(f"Number of {many}", f"{{{self._value}}} {many}", _none_and_one(subject.format("fraud")))
        ours = f"{self._key}'s {plural(self.noun)}"
        at_values: ByValue = {
            0: f"none of {ours}{self._within} turned out to be a fraud",
            None: f"nothing is known yet of how {ours} turned out{self._in}",
        }
        share = f"{{{self._value}:percent}} of {ours}{self._within} turned out to be frauds"
        return _Words(f"Share of frauds among {ours}{self._within} with a known outcome", share, at_values)

    def _of_values(self) -> "_Words":
        of, key, last, records = self.of, self._key, self._last, self._records
        match self.asked.statistic:
            case Statistic.DISTINCT:
                subject = f"{{}} of {key}{self._within}"
                many = f"different {subject.format(plural(of))}"
                at_values: ByValue = {0: f"no {subject.format(of)}", 1: f"only 1 {subject.format(of)}"}
                return _Words(f"Number of {many}", f"{{{self._value}}} {many}", at_values)
            case Statistic.SAME:
                yes, no = f"the same {of} as in {last}", f"another {of} than in {last}"
                unknown, what = f"no {of} to compare with {last}", f"Whether {of} is the same as in {last}"
            case _:
                yes, no = f"this {of} was seen in {records}", f"this {of} was not seen in {records}"
                unknown, what = f"no {of} to compare with {records}", f"Whether {of} was seen in {records}"
        return _Words(what, yes, {1: yes, 0: no, None: unknown})

    def _of_amounts(self) -> "_Words":
        of, key, within = self.of, self._key, self._within
        value, all_of = f"{{{self._value}:{self.history.decimals}}}", f"{key}'s {plural(of)}{within}"
        unknown: ByValue = {None: f"no {of} of {key} is known{self._in}"}
        match self.asked.statistic:
            case Statistic.SUM:
                return _Words(f"Sum of {all_of}", f"{all_of} add up to {value}", {})
            case Statistic.DEVIATION:
                told = f"{all_of} vary by {value} around their average"
                return _Words(f"Standard deviation of {all_of}", told, {0: f"{all_of} do not vary", **unknown})
            case Statistic.RATIO:
                window = f" of {self._window}" if self._window else ""
                own = f"{of} of {{{self.asked.of}:{self.history.decimals}}}" if self.is_seen else of
                told = f"{own} is {{{self._value}:times}} times {key}'s average{window}"
                none = f"no average {of} of {key} to compare with{self._in}"
                return _Words(f"{_capital(of)} divided by {key}'s average{window}", told, {None: none})
            case statistic:
                which = _WHICH[statistic]
                told = f"{key}'s {which} {of}{within} is {value}"
                return _Words(f"{_capital(which)} {of} of {key}{within}", told, unknown)

    @property
    def _key(self) -> str:
        return f"this {worded(self.history.name)}"

    @property
    def _value(self) -> str:
        return self.asked.name(self.history.name)

    @property
    def _earlier(self) -> str:
        return "" if self._window else "earlier "

    @property
    def _last(self) -> str:
        """As "this customer's last order", or "the last order of this customer in the last hour"."""
        span = f" in {self._span}" if self._span else ""
        return f"{self._key}'s last {self.noun}{span}"

    @property
    def _records(self) -> str:
        """As "the last 10 orders of this customer"."""
        records = self.asked.over.records
        which = "earlier" if not self._window else "the"
        which = f"the last {records}" if records > 1 else "the last" if records else which
        many = self.noun if records == 1 else plural(self.noun)
        return f"{which} {many} of {self._key}{f' in {self._span}' if self._span else ''}"

    @property
    def _in(self) -> str:
        return f" in {self._window}" if self._window else ""

    @property
    def _within(self) -> str:
        delay = f", known for {_days(self.asked.delay_days)}" if self._is_delayed and not self._span else ""
        return (self._in or " so far") + delay

    @property
    def _window(self) -> str:
        """As "the last 10 orders", "the last 7 days" or "the last 10 orders of the last hour"."""
        records = self.asked.over.records
        latest = f"the last {records} {plural(self.noun)}" if records > 1 else f"the last {self.noun}"
        return " of ".join(filter(None, (latest if records else "", self._span)))

    @property
    def _span(self) -> str:
        """As "the last day", "the last 7 days", or "the 30 days up to 7 days ago" where labels count later."""
        over = self.asked.over
        parts = [f"{amount:g} {unit}s" if amount != 1 else unit for amount, unit in over.spans]
        if not parts:
            return ""
        if self._is_delayed:
            return f"the {' and '.join(parts)} up to {_days(self.asked.delay_days)} ago"
        return f"the last {' and '.join(parts)}"

    @property
    def _is_delayed(self) -> bool:
        return self.asked.statistic in LABELS and self.asked.delay_days > 0


_WHICH = {Statistic.MEAN: "average", Statistic.SMALLEST: "smallest", Statistic.LARGEST: "largest"}


def _none_and_one(subject: str) -> ByValue:
    return {0: f"no {subject}", 1: f"1 {subject}"}


def _days(days: float) -> str:
    return f"{days:g} day{'' if days == 1 else 's'}"


def plural(noun: str) -> str:
    """As addresses, cities, e-mails."""
    if re.search("(s|x|z|ch|sh)$", noun):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{noun}s"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
