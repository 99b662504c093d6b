"""The chart: marks between two axes, with a legend above, as an inline SVG that grows with the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from fraud_detection_api.training.report.markup import Markup, joined, tag
from fraud_detection_api.training.report.plotting.axes import Axis
from fraud_detection_api.training.report.plotting.marks import Bars, Dots, Frame, Line, Mark, Rule, drawn
from fraud_detection_api.training.report.plotting.palette import PLOTS, VARIABLES

WIDTH, HEIGHT = 460.0, 300.0
LEFT, RIGHT, BELOW, LEGEND_LINE = 54.0, 24.0, 46.0, 18.0
NAMESPACE = "http://www.w3.org/2000/svg"


@dataclass(frozen=True)
class Chart:
    """What is shown, and in words for those who do not see it."""

    key: str
    title: str
    words: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]


def chart(what: Chart) -> Markup:
    """The chart as an element of a page."""
    return plot(what.key, (what.title, what.words), (WIDTH, HEIGHT), _content(what))


def side_by_side(key: str, title: str, charts: Sequence[Chart]) -> Markup:
    """Charts in one row, as one drawing."""
    shifted = (tag("g", _content(each), transform=f"translate({WIDTH * n:g} 0)") for n, each in enumerate(charts))
    words = " ".join(each.words for each in charts)
    return plot(key, (title, words), (WIDTH * len(charts), HEIGHT), *shifted)


def svg_file(drawing: Markup) -> bytes:
    """A drawing as a complete SVG file, with its colours for light and dark, whatever page shows it."""
    style = tag("style", Markup(VARIABLES.replace(":root", "svg") + PLOTS + "svg{background:var(--paper)}"))
    head, _, rest = drawing.partition(">")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head} xmlns="{NAMESPACE}">{style}{rest}\n'.encode()


def plot(key: str, title_and_words: tuple[str, str], size: tuple[float, float], *content: Markup) -> Markup:
    """An SVG of this size with a title and a description."""
    title, words = title_and_words
    return tag(
        "svg",
        tag("title", title, id=f"{key}-title"),
        tag("desc", words, id=f"{key}-words"),
        *content,
        class_="plot",
        viewBox=f"0 0 {size[0]:g} {size[1]:g}",
        role="img",
        aria_labelledby=f"{key}-title {key}-words",
    )


def breadth(text: str) -> float:
    """How wide a text may be, in whichever font there is."""
    return sum(14.0 if ord(letter) >= 0x2E80 else 9.8 if letter.isupper() else 7.8 for letter in text)


def _content(what: Chart) -> Markup:
    named = [mark for mark in what.marks if not isinstance(mark, Rule) and mark.name]
    places, lines = _legend_places([mark.name for mark in named])
    top = 24 + LEGEND_LINE * lines
    frame = Frame(what.x, what.y, LEFT, top, WIDTH - LEFT - RIGHT, HEIGHT - top - BELOW)
    legend = [_legend_item(mark, *place) for mark, place in zip(named, places, strict=True)]
    return joined(
        *legend,
        _horizontal(frame),
        _vertical(frame),
        *(drawn(mark, frame) for mark in what.marks),
    )


def _legend_places(names: list[str]) -> tuple[list[tuple[float, float]], int]:
    places, x, line = [], LEFT, 0
    for name in names:
        width = 26 + breadth(name)
        if x > LEFT and x + width > WIDTH:
            x, line = LEFT, line + 1
        places.append((x, 30 + LEGEND_LINE * line))
        x += width
    return places, line + 1 if names else 0


def _legend_item(mark: Line | Bars | Dots, x: float, y: float) -> Markup:
    match mark:
        case Bars():
            sign = tag("rect", class_=f"bar f{mark.colour}", x=x, y=y - 9, width=14, height=10)
        case Dots():
            sign = tag("circle", class_=f"f{mark.colour}", cx=x + 7, cy=y - 4, r=3.5)
        case Line():
            kind = f"line s{mark.colour}{' dashed' if mark.is_dashed else ''}"
            sign = tag("line", class_=kind, x1=x, x2=x + 15, y1=y - 4, y2=y - 4)
    return joined(sign, tag("text", mark.name, class_="name", x=x + 19, y=y))


def _horizontal(frame: Frame) -> Markup:
    floor, right = frame.top + frame.height, frame.left + frame.width
    parts = [tag("line", class_="base", x1=frame.left, x2=right, y1=floor, y2=floor)]
    for value, words in frame.x.ticks:
        at = frame.left + frame.width * float(frame.x.share(value))
        parts.append(tag("line", class_="base", x1=at, x2=at, y1=floor, y2=floor + 4))
        half = breadth(words) / 2
        held = min(max(at, half), WIDTH - half)  # words at an end stay inside the drawing
        parts.append(tag("text", words, x=held, y=floor + 17, text_anchor="middle"))
    middle = frame.left + frame.width / 2
    return joined(*parts, tag("text", frame.x.label, x=middle, y=floor + 36, text_anchor="middle"))


def _vertical(frame: Frame) -> Markup:
    right, parts = frame.left + frame.width, [tag("text", frame.y.label, x=4, y=12)]
    for value, words in frame.y.ticks:
        at = frame.top + frame.height * (1 - float(frame.y.share(value)))
        parts.append(tag("line", class_="grid", x1=frame.left, x2=right, y1=at, y2=at))
        parts.append(tag("text", words, x=frame.left - 6, y=at + 4, text_anchor="end"))
    return joined(*parts)
