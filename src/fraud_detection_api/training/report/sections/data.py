"""The data behind the model, and its features one by one."""

from collections.abc import Callable

import numpy as np

from fraud_detection_api.model.manifest import DataSummary, Feature
from fraud_detection_api.model.saved_trees import Doubles
from fraud_detection_api.schemas.record import Kind, formatted
from fraud_detection_api.training.report.contents import Report
from fraud_detection_api.training.report.markup import Markup, joined, tag
from fraud_detection_api.training.report.plotting.axes import percent
from fraud_detection_api.training.report.plotting.rows import shortened
from fraud_detection_api.training.report.plotting.small import sparkline
from fraud_detection_api.training.report.sections.parts import facts, paragraph, prose_table, section, table

SHOWN_BARS = 20
UNKNOWN = "not known"


def data(report: Report, rows_of: Callable[[Report, DataSummary], list[tuple[str, str]]]) -> Markup:
    """What the model was made from."""
    found = report.manifest.data
    if found is None:
        file = report.manifest.parameters.get("file", "not known either")
        words = f"This model was made elsewhere, from data that is not known here. The file: {file}."
        return section("data", "The data", paragraph(words))
    skipped = report.manifest.parameters.get("skipped_rows", 0)
    left_out = (
        [("Left out", f"{skipped:,} rows that broke bounds or rules")] if isinstance(skipped, int) and skipped else []
    )
    pairs = [("Source", found.source), *rows_of(report, found), *left_out, ("Fingerprint", found.fingerprint)]
    return section("data", "The data", facts(pairs))


def labelled_rows(report: Report, found: DataSummary) -> list[tuple[str, str]]:
    """What it learned from and what judged it."""
    order = report.use_case.order_column
    unknown = f"{order} orders the rows, but names no day" if order else "not known: there is no time column"
    period = f"{found.first_day} to {found.last_day}" if found.first_day else unknown
    return [
        ("Period", period),
        ("Rows", _with_frauds(found.rows, found.frauds)),
        ("Judged on", _with_frauds(found.validation_rows, found.validation_frauds)),
        ("Label", report.use_case.label or UNKNOWN),
        ("Split", found.split),
    ]


def _with_frauds(rows: int, frauds: int) -> str:
    return f"{rows:,} rows, of which {frauds:,} frauds ({percent(frauds / rows if rows else 0.0)})"


def features(report: Report) -> Markup:
    """Every feature as training saw it."""
    moved = report.importance.values if report.importance else {}
    total = sum(moved.values()) or 1.0
    rows: list[tuple[str, ...]] = [
        (
            _named(feature, report.use_case.help_texts),
            feature.kind.value,
            _trained_on(feature),
            "" if feature.missing_share is None else percent(feature.missing_share),
            _histogram(feature),
            percent(moved[feature.name] / total) if feature.name in moved else "",
        )
        for feature in report.manifest.features
    ]
    headings: tuple[str, ...] = ("Feature", "Kind", "Trained on", "Missing", "Distribution", "Share of influence")
    title = f"Features ({len(rows)})"
    if all(row[2] in (UNKNOWN, "none") for row in rows):
        return section("features", title, prose_table(headings[:2], (row[:2] for row in rows)))
    shown = len(headings) if moved else len(headings) - 1
    note = "Distributions leave the far ends out; heights are square roots, so that few records still show."
    cells = (row[:shown] for row in rows)
    found = table(headings[:shown], cells, numeric=(3, 5), label="Features")
    return section("features", title, found, paragraph(note, kind="soft small"))


def _named(feature: Feature, help_texts: dict[str, str]) -> Markup:
    words = help_texts.get(feature.name, "")
    name = tag("strong", feature.name)
    plain = feature.name.replace("_", " ")
    return name if not words or words == plain else joined(name, tag("br"), tag("small", words, class_="soft"))


def _trained_on(feature: Feature) -> str:
    if feature.categories is not None:
        return _categories(feature, feature.categories)
    if feature.low is None or feature.high is None:
        return UNKNOWN if feature.missing_share is None else "never present"
    if feature.kind is Kind.BOOLEAN:
        return " and ".join(
            {0.0: "false", 1.0: "true"}.get(end, str(end)) for end in sorted({feature.low, feature.high})
        )
    if feature.kind is Kind.DATE:
        return f"{formatted(feature.kind, feature.low)} to {formatted(feature.kind, feature.high)}"
    return f"{_readable(feature.low)} to {_readable(feature.high)}"


def _readable(value: float) -> str:
    """A number with six digits that count, or all of those before its point."""
    return f"{value:,.0f}" if abs(value) >= 1e6 else f"{float(f'{value:.6g}'):,.10g}"


def _categories(feature: Feature, categories: tuple[str, ...]) -> str:
    total = sum(feature.histogram_counts) + (feature.other or 0)
    shown = [
        f"{shortened(name)} ({percent(number / total)})" if total else shortened(name)
        for number, name in zip(feature.histogram_counts, categories, strict=False)
    ]
    more = (feature.category_count or 0) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "") if shown else "none"


def _histogram(feature: Feature) -> Markup:
    if feature.categories is not None:
        commonest = sorted(feature.histogram_counts, reverse=True)[:SHOWN_BARS]
        return sparkline(commonest, range(len(commonest) + 1), "categories by how often they occur")
    edges, counts = feature.histogram_edges, feature.histogram_counts
    if len(edges) != len(counts) + 1 or not counts or feature.kind is Kind.BOOLEAN or edges[0] == edges[-1]:
        return Markup("")
    return _densities(np.array(edges), np.array(counts, dtype=float))


def _densities(edges: Doubles, counts: Doubles) -> Markup:
    inner = edges[[min(1, len(edges) - 1), max(len(edges) - 2, 0)]]  # the outer twentieths may be as wide as they like
    room = (inner[1] - inner[0]) / 2 if inner[1] > inner[0] else edges[-1] - edges[0]
    places = np.linspace(max(edges[0], inner[0] - room), min(edges[-1], inner[1] + room), SHOWN_BARS + 1)
    held = np.diff(np.interp(places, edges, np.r_[0.0, np.cumsum(counts)]))
    return sparkline(np.sqrt(held).tolist(), places.tolist(), "distribution in the training rows")
