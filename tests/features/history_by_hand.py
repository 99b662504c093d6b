"""What histories say, record by record in plain Python, as somebody would compute it who never heard of the kernel."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fraud_detection_api.schemas.histories import History, Remembered, Statistic

Value = int | None


@dataclass(frozen=True)
class Event:
    """A record as a history sees it."""

    key: int
    id: int
    time: int
    received: int
    amounts: dict[str, Value]
    values: dict[str, Value]
    label: tuple[int, bool] | None = None  # when it was known, and whether it was a fraud

    @property
    def moment(self) -> tuple[int, int]:
        """Its place in the order of events."""
        return self.time, self.id


@dataclass
class Known:
    """What is kept of a key, in the order of events."""

    events: list[Event] = field(default_factory=list)
    dropped: int | None = None


@dataclass(frozen=True)
class Seen:
    """What is said of one record."""

    values: tuple[float, ...]
    truncated: bool
    cold: bool
    repeated: bool


def replay(history: History, events: list[Event]) -> Iterator[Seen]:
    """Record after record, in the order of their arrival."""
    keys: dict[int, Known] = {}
    for event in events:
        known = keys.setdefault(event.key, Known())
        first = next((each for each in reversed(known.events) if each.id == event.id), None)
        if first:
            yield _seen(history, known, replace(event, time=first.time, received=first.received), repeated=True)
            continue
        yield _seen(history, known, event, repeated=False)
        known.events.append(event)
        known.events.sort(key=lambda each: each.moment)
        if len(known.events) > history.kept:
            gone = known.events.pop(0)
            known.dropped = gone.time if known.dropped is None else max(known.dropped, gone.time)


def _seen(history: History, known: Known, event: Event, *, repeated: bool) -> Seen:
    before = [each for each in known.events if each.moment < event.moment and each.received <= event.received]
    is_cold = not before and known.dropped is None
    short = any(_is_short(each, before, event, known.dropped) for each in history.statistics)
    values = tuple(_statistic(history, each, before, event, is_cold=is_cold) for each in history.statistics)
    return Seen(values, short, is_cold, repeated)


def _span(asked: Remembered) -> int:
    """A window of labels is as long, and ends when they begin to count."""
    is_of_labels = asked.statistic in (Statistic.FRAUDS, Statistic.FRAUD_SHARE)
    span = asked.over.milliseconds
    return span + round(asked.delay_days * 86_400_000) if span and is_of_labels else span


def _within(asked: Remembered, before: list[Event], event: Event) -> list[Event]:
    span = _span(asked)
    recent = [each for each in before if not span or each.time >= event.time - span]
    return recent[-asked.over.records :] if asked.over.records else recent


def _is_short(asked: Remembered, before: list[Event], event: Event, dropped: int | None) -> bool:
    held, span = _within(asked, before, event), _span(asked)
    wanted = asked.over.records
    if asked.statistic in (Statistic.NEW, Statistic.SINCE) and not wanted and not span:
        wanted, held = 1, held[-1:]  # the last record is enough, however many there were
    if dropped is None or len(held) < len(before) or len(held) == (wanted or -1):
        return False
    return not span or dropped >= event.time - span


def _statistic(history: History, asked: Remembered, before: list[Event], event: Event, *, is_cold: bool) -> float:  # noqa: PLR0911  # one for each statistic
    held = _within(asked, before, event)
    match asked.statistic:
        case Statistic.NEW:
            return float(is_cold)
        case Statistic.COUNT:
            return float(len(held))
        case Statistic.SINCE:
            return (event.time - held[-1].time) / 1000 if held else math.nan
        case Statistic.FRAUDS | Statistic.FRAUD_SHARE:
            return _frauds(asked, held, event)
        case Statistic.DISTINCT:
            return float(len({each.values[asked.of] for each in held} - {None}))
        case Statistic.SAME | Statistic.KNOWN:
            own = event.values[asked.of]
            looked_at = held[-1:] if asked.statistic is Statistic.SAME else held
            is_there = own in [each.values[asked.of] for each in looked_at]
            return math.nan if own is None or not held else float(is_there)
        case _:
            return _of_amounts(asked, held, event, 10**history.decimals)


def _frauds(asked: Remembered, held: list[Event], event: Event) -> float:
    by = event.time - round(asked.delay_days * 86_400_000)
    known = [each.label[1] for each in held if each.label and each.label[0] <= by]
    if asked.statistic is Statistic.FRAUDS:
        return float(sum(known))
    return sum(known) / len(known) if known else math.nan


def _of_amounts(asked: Remembered, held: list[Event], event: Event, scale: int) -> float:  # noqa: PLR0911  # one for each statistic
    amounts = [amount for each in held if (amount := each.amounts[asked.of]) is not None]
    if asked.statistic is Statistic.SUM:
        return sum(amounts) / scale
    if not amounts:
        return math.nan
    count, total = len(amounts), sum(amounts)
    match asked.statistic:
        case Statistic.MEAN:
            return total / (count * scale)
        case Statistic.DEVIATION:
            return math.sqrt(count * sum(each * each for each in amounts) - total * total) / (count * scale)
        case Statistic.SMALLEST:
            return min(amounts) / scale
        case Statistic.LARGEST:
            return max(amounts) / scale
        case _:
            own = event.amounts[asked.of]
            return own * count / total if own is not None and total else math.nan
