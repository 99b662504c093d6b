"""Plots: well-formed, inside their drawing, escaped, complete on their own."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from fraud_detection_api.training.report.markup import Markup, escaped, tag
from fraud_detection_api.training.report.plotting.axes import Axis, percent, short
from fraud_detection_api.training.report.plotting.chart import WIDTH, Chart, breadth, chart, side_by_side, svg_file
from fraud_detection_api.training.report.plotting.marks import Bars, Dots, Line, Rule
from fraud_detection_api.training.report.plotting.rows import (
    Row,
    RowChart,
    interval_rows,
    intervals_svg,
    row_chart,
    shortened,
)
from fraud_detection_api.training.report.plotting.small import sparkline

X = np.linspace(0, 1, 20)


def parsed(svg: str | bytes) -> ET.Element:
    """A drawing, which has to be well-formed."""
    return ET.fromstring(svg)  # noqa: S314 - made by ourselves


def test_text_and_attributes_are_escaped_and_markup_is_not_escaped_twice() -> None:
    assert tag("p", "a < b & c", tag("b", "x"), title='"quoted"') == (
        '<p title="&quot;quoted&quot;">a &lt; b &amp; c<b>x</b></p>'
    )


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\ud800", "\ufffe", "\uffff"])
def test_characters_that_break_a_document_are_replaced(character: str) -> None:
    assert escaped(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        (Axis("", 0, 1), ["0", "20", "40", "60", "80", "100"]),
        (Axis("", 0, 0.23), ["0", "5", "10", "15", "20"]),
        (Axis("", 0.0001, 1, is_log=True), ["0.01", "0.1", "1", "10", "100"]),
        (Axis("", 0.002, 0.05, is_log=True), ["0.3", "1", "3"]),
    ],
)
def test_ticks_are_round_and_few(axis: Axis, words: list[str]) -> None:
    assert [label.replace("\u00a0%", "") for _, label in axis.ticks] == words


@pytest.mark.parametrize("high", [1e-9, 0.3, 1, 7, 999, 1.2e12])
def test_every_range_has_ticks_inside(high: float) -> None:
    ticks = Axis("", 0, high, formatted=short).ticks
    assert 3 <= len(ticks) <= 7
    assert all(0 <= value <= high * (1 + 1e-9) for value, _ in ticks)


def test_ticks_below_nothing_stay_on_the_axis() -> None:
    ticks = Axis("", -0.75, -0.38, formatted="{:.2f}".format).ticks
    assert [words for _, words in ticks] == ["-0.70", "-0.60", "-0.50", "-0.40"]


def test_shares_lie_on_the_axis_and_what_is_outside_at_its_end() -> None:
    assert Axis("", 0.01, 1, is_log=True).share([0.0, 0.01, 0.1, 1.0, 5.0]).tolist() == [0, 0, 0.5, 1, 1]
    assert Axis("", 10, 20).share([0, 15, 20]).tolist() == [0, 0.5, 1]


def test_long_names_of_one_family_can_be_told_apart() -> None:
    family = [f"address_distinct_customer_id_{window}" for window in ("last_10", "7_days", "1_day")]
    assert len({shortened(name) for name in family}) == 3
    assert [len(shortened(name)) for name in family] == [30, 30, 30]
    assert shortened("order_amount") == "order_amount"


def test_a_chart_shows_every_mark_and_names_it_inside_the_drawing() -> None:
    marks = (
        Line("the model, with its band", X, X**2, 0, X**2 - 0.1, X**2 + 0.1),
        Line("BY CHANCE AND A RATHER LONG NAME", X, X, 4, is_dashed=True, is_steps=True),
        Bars("frauds", np.array([0, 0.5, 1]), np.array([0.2, 0.4]), 1),
        Dots("points <of all>", X[:3], X[:3], 2, X[:3], X[3:6]),
        Rule("threshold", 0.99),
    )
    drawing = parsed(chart(Chart("key", "A title", "Words & more", Axis("x", 0, 1), Axis("y", 0, 1), marks)))
    width, height = map(float, (drawing.get("viewBox") or "").split()[2:])
    texts = {text.text: text for text in drawing.iter("text")}
    for mark in marks:
        assert mark.name in texts
    for text in drawing.iter("text"):
        x, wide = float(text.get("x", "0")), breadth(text.text or "")
        begins = x - {"middle": wide / 2, "end": wide}.get(text.get("text-anchor", ""), 0)
        assert begins >= -6, text.text
        assert begins + wide <= width + 6, text.text
        assert 0 < float(text.get("y", "0")) <= height
    assert drawing.findtext("title") == "A title"
    assert drawing.findtext("desc") == "Words & more"


@pytest.mark.parametrize("name", ["EDUCATION", "number_of_accounts_in_arrears", "x" * 300, "\u7528\u6237", "<b>&"])
def test_names_beside_rows_are_not_cut_by_the_edge(name: str) -> None:
    rows = [Row(name, 0.5, 0.4, 0.6)]
    (drawing,) = [parsed(row_chart(RowChart("k", "t", "w", Axis("", 0, 1), rows, are_bars=bars))) for bars in (True,)]
    label = next(text for text in drawing.iter("text") if text.get("text-anchor") == "end")
    assert float(label.get("x", "0")) - breadth(label.text or "") >= 0
    bar = next(drawing.iter("rect"))
    assert float(bar.get("width", "0")) > 20


def test_intervals_make_a_file_of_its_own() -> None:
    rows = [Row("xgboost", 0.61, 0.55, 0.66), Row("logistic <plain>", 0.48, 0.41, 0.54), Row("tree", 0.3)]
    file = intervals_svg("Average precision", "95 % intervals", rows)
    drawing = parsed(file)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"prefers-color-scheme" in file
    assert [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")].count("logistic <plain>") == 1
    assert file == intervals_svg("Average precision", "95 % intervals", rows)


def test_charts_side_by_side_make_a_file_of_its_own() -> None:
    axis = Axis("orders", 0, 1)
    charts = [Chart(each, each, f"{each} grow.", axis, axis, (Line(each, X, X),)) for each in ("seconds", "GiB")]
    file = svg_file(side_by_side("size", "Size", charts))
    drawing = parsed(file)
    svg = "{http://www.w3.org/2000/svg}"
    assert b"prefers-color-scheme" in file
    assert [path.get("class") for path in drawing.iter(f"{svg}path")] == ["line s0", "line s0"]
    shifted = [group.get("transform") for group in drawing.iter(f"{svg}g")]
    assert shifted == ["translate(0 0)", f"translate({WIDTH:g} 0)"]
    assert drawing.findtext(f"{svg}desc") == "seconds grow. GiB grow."


def test_differences_below_nothing_and_large_sums_have_room_too() -> None:
    for rows in ([Row("a", -0.1, -0.3, 0.1)], [Row("b", 120_000.0, 90_000.0, 150_000.0)], []):
        assert parsed(intervals_svg("t", "a", rows)).tag.endswith("svg")


def test_a_row_has_its_own_colour() -> None:
    rows = [Row("chosen", 0.6, 0.5, 0.7, colour=1), Row("other", 0.4, 0.3, 0.5)]
    drawing = parsed(row_chart(interval_rows("k", "t", "a", rows)))
    assert [dot.get("class") for dot in drawing.iter("circle")] == ["f1", "f0"]


def test_a_histogram_without_records_is_nothing() -> None:
    assert sparkline([], [0], "w") == sparkline([0, 0], [0, 1, 2], "w") == Markup("")
    assert parsed(sparkline([1, 3], [0, 1, 2], "how often")).get("aria-label") == "how often"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0"),
        (0.5, "50"),
        (0.123, "12"),
        (0.0456, "4.6"),
        (0.01, "1"),
        (0.00123, "0.12"),
        (0.9962, "99.6"),
        (0.99999, "99.9"),
        (1, "100"),
    ],
)
def test_shares_are_written_as_people_do(share: float, words: str) -> None:
    assert percent(share) == f"{words}\u00a0%"
