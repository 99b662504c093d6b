"""Small plots: a table coloured by what its cells hold, and histograms the size of a word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraud_detection_api.training.report.markup import Markup, decimals, joined, tag
from fraud_detection_api.training.report.plotting.chart import WIDTH, plot

CELL_HEIGHT, NAMES, HEADING = 78.0, 92.0, 26.0
SPARK_WIDTH, SPARK_HEIGHT = 110.0, 26.0


@dataclass(frozen=True)
class Cell:
    """A figure, what it is, its colour and how strongly it is coloured, 0 to 1."""

    figure: str
    words: str
    colour: int
    strength: float


def heat_table(
    key: str, title_and_words: tuple[str, str], columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell]]]
) -> Markup:
    """Cells in named rows and columns."""
    width = (WIDTH - NAMES) / len(columns)
    heads = [
        tag("text", name, class_="name", x=NAMES + width * (place + 0.5), y=16, text_anchor="middle")
        for place, name in enumerate(columns)
    ]
    lines = [_heat_row(name, cells, HEADING + CELL_HEIGHT * place, width) for place, (name, cells) in enumerate(rows)]
    return plot(key, title_and_words, (WIDTH, HEADING + CELL_HEIGHT * len(rows)), *heads, *lines)


def sparkline(heights: Sequence[float], edges: Sequence[float], words: str) -> Markup:
    """A histogram without axes."""
    if not len(heights) or max(heights) <= 0:
        return Markup("")
    tall = SPARK_HEIGHT * (1 - np.asarray(heights) / max(heights))
    places = np.repeat(SPARK_WIDTH * (np.asarray(edges) - edges[0]) / ((edges[-1] - edges[0]) or 1), 2).tolist()
    tops = [SPARK_HEIGHT, *np.repeat(tall, 2).tolist(), SPARK_HEIGHT]
    shape = "L".join(f"{decimals(x)} {decimals(y)}" for x, y in zip(places, tops, strict=True))
    outline = tag("path", class_="bar f0", d=f"M{shape}Z")
    return tag(
        "svg",
        outline,
        class_="plot spark",
        viewBox=f"0 0 {SPARK_WIDTH:g} {SPARK_HEIGHT:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=words,
    )


def _heat_row(name: str, cells: Sequence[Cell], top: float, width: float) -> Markup:
    label = tag("text", name, class_="name", x=NAMES - 10, y=top + CELL_HEIGHT / 2 + 4, text_anchor="end")
    return joined(label, *(_cell(cell, NAMES + width * place, top, width) for place, cell in enumerate(cells)))


def _cell(cell: Cell, left: float, top: float, width: float) -> Markup:
    middle = left + width / 2
    return joined(
        tag(
            "rect",
            class_=f"cell f{cell.colour}",
            x=left,
            y=top,
            width=width,
            height=CELL_HEIGHT,
            fill_opacity=f"{0.08 + 0.42 * cell.strength:.2f}",
        ),
        tag("text", cell.figure, class_="strong", x=middle, y=top + 35, text_anchor="middle", font_size="18"),
        tag("text", cell.words, class_="name", x=middle, y=top + 57, text_anchor="middle"),
    )
