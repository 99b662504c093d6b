"""Rows: one named value below the other, as bars or as points with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from fraud_detection_api.training.report.markup import Markup, joined, tag
from fraud_detection_api.training.report.plotting.axes import Axis, percent
from fraud_detection_api.training.report.plotting.chart import WIDTH, breadth, plot, svg_file

LINE, ABOVE, BELOW = 24.0, 8.0, 42.0
MOST_LETTERS = 30


@dataclass(frozen=True)
class Row:
    """A named value, with its interval where it has one, and the words beside it."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    words: str | None = None
    colour: int = 0


@dataclass(frozen=True)
class RowChart:
    """Rows on one axis; as bars they start at its low end."""

    key: str
    title: str
    words: str
    axis: Axis
    rows: Sequence[Row]
    are_bars: bool = False


def row_chart(what: RowChart, width: float = WIDTH) -> Markup:
    """The rows as an element of a page."""
    height = ABOVE + LINE * len(what.rows) + BELOW
    left = 12 + max((breadth(shortened(row.name)) for row in what.rows), default=0)
    room = _Room(what.axis, left, width - left - 78, ABOVE + LINE * len(what.rows))
    drawn = (_row(row, room, ABOVE + LINE * (place + 0.5), what.are_bars) for place, row in enumerate(what.rows))
    return plot(what.key, (what.title, what.words), (width, height), _axis(room), *drawn)


def intervals_svg(title: str, axis_label: str, rows: Sequence[Row]) -> bytes:
    """Named values with intervals as a complete SVG file."""
    return svg_file(row_chart(interval_rows("intervals", title, axis_label, rows), width=640))


def interval_rows(key: str, title: str, axis_label: str, rows: Sequence[Row]) -> RowChart:
    """Named values with intervals, on an axis from 0 or from the lowest value on."""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    low, high = min([0.0, *ends]), max([*ends, 1e-9])
    room = (high - low) * 0.05
    formatted = percent if low >= 0 and high <= 1 else "{:.3g}".format
    axis = Axis(
        axis_label,
        low - (room if low < 0 else 0),
        min(high + room, 1.0) if high <= 1 else high + room,
        formatted=formatted,
    )
    words = "; ".join(f"{row.name}: {_words(row, axis)}" for row in rows)
    return RowChart(key, title, words, axis, rows)


def shortened(name: str, most: int = MOST_LETTERS) -> str:
    """A name that fits beside a row; of a long one beginning and end, which tell it from others of its family."""
    if len(name) <= most:
        return name
    end = (most - 1) // 2
    return f"{name[: most - 1 - end]}\u2026{name[-end:]}"


@dataclass(frozen=True)
class _Room:
    axis: Axis
    left: float
    width: float
    floor: float

    def across(self, value: float) -> float:
        return self.left + self.width * float(self.axis.share(value))


def _words(row: Row, axis: Axis) -> str:
    return axis.formatted(row.value) if row.words is None else row.words


def _row(row: Row, room: _Room, middle: float, are_bars: bool) -> Markup:
    at, parts = room.across(row.value), []
    if are_bars:
        parts.append(
            tag("rect", class_=f"bar f{row.colour}", x=room.left, y=middle - 8, width=max(at - room.left, 1), height=16)
        )
    else:
        parts.append(tag("circle", class_=f"f{row.colour}", cx=at, cy=middle, r=4.5))
    if row.low is not None and row.high is not None:
        ends = room.across(row.low), room.across(row.high)
        parts.append(tag("line", class_=f"line s{row.colour}", x1=ends[0], x2=ends[1], y1=middle, y2=middle))
    return joined(
        tag("text", shortened(row.name), class_="name", x=room.left - 8, y=middle + 4, text_anchor="end"),
        *parts,
        tag("text", _words(row, room.axis), class_="name", x=room.left + room.width + 10, y=middle + 4),
    )


def _axis(room: _Room) -> Markup:
    parts = []
    for value, words in room.axis.ticks:
        at = room.across(value)
        parts.append(tag("line", class_="grid", x1=at, x2=at, y1=ABOVE, y2=room.floor))
        parts.append(tag("text", words, x=at, y=room.floor + 16, text_anchor="middle"))
    middle = room.left + room.width / 2
    return joined(*parts, tag("text", room.axis.label, x=middle, y=room.floor + 35, text_anchor="middle"))
