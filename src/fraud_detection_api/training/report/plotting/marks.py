"""Marks: what a chart shows between its axes."""

from dataclasses import dataclass

import numpy as np

from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.training.report.markup import Markup, decimals, joined, tag
from fraud_detection_api.training.report.plotting.axes import Axis


@dataclass(frozen=True)
class Line:
    """A curve, as steps where it jumps, with a band where it is uncertain."""

    name: str
    x: Doubles
    y: Doubles
    colour: int = 0
    low: Doubles | None = None
    high: Doubles | None = None
    is_dashed: bool = False
    is_steps: bool = False


@dataclass(frozen=True)
class Bars:
    """A histogram: one bar between two edges."""

    name: str
    edges: Doubles
    heights: Doubles
    colour: int = 0


@dataclass(frozen=True)
class Dots:
    """Single values, each with its interval where it has one."""

    name: str
    x: Doubles
    y: Doubles
    colour: int = 0
    low: Doubles | None = None
    high: Doubles | None = None


@dataclass(frozen=True)
class Rule:
    """A place on the horizontal axis that has a name, such as the threshold."""

    name: str
    x: float


Mark = Line | Bars | Dots | Rule


@dataclass(frozen=True)
class Frame:
    """The axes and the box they span on the drawing."""

    x: Axis
    y: Axis
    left: float
    top: float
    width: float
    height: float

    def across(self, values: Doubles) -> Doubles:
        """Horizontal places of values."""
        return self.left + self.width * self.x.share(values)

    def up(self, values: Doubles) -> Doubles:
        """Vertical places of values, which count downward."""
        return self.top + self.height * (1 - self.y.share(values))


def drawn(mark: Mark, frame: Frame) -> Markup:
    """A mark in its frame."""
    match mark:
        case Line():
            return _line(mark, frame)
        case Bars():
            return _bars(mark, frame)
        case Dots():
            return _dots(mark, frame)
        case Rule():
            return _rule(mark, frame)


def path(x: Doubles, y: Doubles) -> str:
    """Places as a path; those that would be drawn on top of one another once only."""
    places = [f"{decimals(across)} {decimals(up)}" for across, up in zip(x.tolist(), y.tolist(), strict=True)]
    return "M" + "L".join(place for number, place in enumerate(places) if number == 0 or place != places[number - 1])


def _line(line: Line, frame: Frame) -> Markup:
    x, y = frame.across(line.x), frame.up(line.y)
    if line.is_steps:
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    kind = f"line s{line.colour}{' dashed' if line.is_dashed else ''}"
    curve = tag("path", class_=kind, d=path(x, y))
    if line.low is None or line.high is None:
        return curve
    around = (
        np.r_[frame.across(line.x), frame.across(line.x)[::-1]],
        np.r_[frame.up(line.low), frame.up(line.high)[::-1]],
    )
    return joined(tag("path", class_=f"band f{line.colour}", d=path(*around) + "Z"), curve)


def _bars(bars: Bars, frame: Frame) -> Markup:
    x = np.repeat(frame.across(bars.edges), 2)
    floor = frame.top + frame.height
    y = np.r_[floor, np.repeat(frame.up(bars.heights), 2), floor]
    return tag("path", class_=f"bar f{bars.colour}", d=path(x, y) + "Z")


def _dots(dots: Dots, frame: Frame) -> Markup:
    x, y = frame.across(dots.x).tolist(), frame.up(dots.y).tolist()
    whiskers = []
    if dots.low is not None and dots.high is not None:
        ends = zip(x, frame.up(dots.low).tolist(), frame.up(dots.high).tolist(), strict=True)
        whiskers = [f"M{decimals(at)} {decimals(low)}V{decimals(high)}" for at, low, high in ends]
    lines = [tag("path", class_=f"line s{dots.colour}", d="".join(whiskers))] if whiskers else []
    return joined(
        *lines, *(tag("circle", class_=f"f{dots.colour}", cx=a, cy=b, r=3.5) for a, b in zip(x, y, strict=True))
    )


def _rule(rule: Rule, frame: Frame) -> Markup:
    at = float(frame.across(np.array([rule.x]))[0])
    is_right = at > frame.left + frame.width / 2
    place = {"x": at + (-5 if is_right else 5), "y": frame.top + 11, "text_anchor": "end" if is_right else "start"}
    line = tag("line", class_="rule", x1=at, x2=at, y1=frame.top, y2=frame.top + frame.height)
    return joined(line, tag("text", rule.name, class_="name over", **place))
