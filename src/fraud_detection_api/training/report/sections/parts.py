"""Parts that sections are made of."""

from collections.abc import Iterable, Sequence

from fraud_detection_api.training.report.markup import Markup, tag

Cells = Sequence[str]


def section(key: str, title: str, *content: str) -> Markup:
    """A section with its heading, that a link can lead to."""
    return tag("section", tag("h2", title), *content, id=key)


def paragraph(*content: str, kind: str | None = None) -> Markup:
    """A paragraph."""
    return tag("p", *content, class_=kind)


def figure(title: str, how_to_read: str, plot: Markup, *beside: Markup) -> Markup:
    """A plot with a heading and a sentence that says how to read it."""
    return tag("figure", tag("h3", title), tag("figcaption", how_to_read), plot, *beside)


def side_by_side(*figures: Markup) -> Markup:
    """Plots beside one another where there is room, below one another where there is none."""
    return tag("div", *figures, class_="plots")


def table(headings: Cells, rows: Iterable[Cells], numeric: Iterable[int] = (), label: str = "") -> Markup:
    """A table that scrolls inside its own box where it is too wide."""
    content = _rows(headings, rows, frozenset(numeric))
    name = label or headings[0]
    return tag("div", tag("table", *content), class_="wide", tabindex="0", role="region", aria_label=name)


def prose_table(headings: Cells, rows: Iterable[Cells], numeric: Iterable[int] = ()) -> Markup:
    """A table of sentences, whose cells stand below one another where there is no room beside."""
    return tag("table", *_rows(headings, rows, frozenset(numeric)), class_="prose")


def _rows(headings: Cells, rows: Iterable[Cells], right: frozenset[int]) -> tuple[Markup, Markup]:
    def line(cells: Cells, kind: str) -> Markup:
        return tag(
            "tr",
            *(
                tag(kind, cell, class_="n" if place in right else None, data_label=headings[place])
                for place, cell in enumerate(cells)
            ),
        )

    return tag("thead", line(headings, "th")), tag("tbody", *(line(cells, "td") for cells in rows))


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Names with what they are."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs))


def card(title: str, figure: str, note: str) -> Markup:
    """A figure that the eye finds at once."""
    return tag(
        "div", paragraph(title, kind="soft"), paragraph(figure, kind="figure"), paragraph(note, kind="soft small")
    )


def bullets(items: Iterable[str]) -> Markup:
    """A list."""
    return tag("ul", *(tag("li", item) for item in items))


def folded(title: str, *content: Markup) -> Markup:
    """What is there for those who ask for it."""
    return tag("details", tag("summary", title), *content)
