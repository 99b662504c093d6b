"""Slices: the same figures for each period and for each group, and the counts behind probabilities."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.manifest import Measure
from fraud_detection_api.training.proof.evaluation import ANY_OPERATION, measure_values
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.report.contents import Bin, Distribution, Slice
from fraud_detection_api.training.report.ranking import listed
from fraud_detection_api.training.tables.dataset import has_both_classes

BINS, BARS = 12, 30
MOST_PERIODS, MOST_GROUPS = 24, 20
RARE = 0.05  # share of frauds below which probabilities are drawn on a logarithmic axis
SMALLEST = 1e-5
Days = NDArray[np.datetime64]


def wilson(hits: int, of: int) -> Measure | None:
    """A share with its 95 % interval by Wilson's score; None of nothing."""
    if of == 0:
        return None
    share, z = hits / of, 1.959964
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * float(np.sqrt(share * (1 - share) / of + z * z / (4 * of * of)))
    return Measure(value=share, low=max(middle - half, 0.0), high=min(middle + half, 1.0))


def reliability(judged: HoldoutRows) -> tuple[Bin, ...]:
    """Records of about the same probability: bins of as many records as of expected frauds."""
    order = np.argsort(judged.probabilities, kind="stable")
    probabilities, labels = judged.probabilities[order].astype(np.float64), judged.labels[order]
    expected = np.cumsum(probabilities) / max(float(probabilities.sum()), 1e-12)
    weight = (expected + np.arange(1, len(order) + 1) / len(order)) / 2
    starts = np.searchsorted(weight, np.arange(BINS) / BINS)
    starts = np.unique(np.searchsorted(probabilities, probabilities[starts]))  # a tie is never divided
    parts = zip(np.split(probabilities, starts[1:]), np.split(labels, starts[1:]), strict=True)
    return tuple(_bin(part, fraud) for part, fraud in parts)


def distribution(judged: HoldoutRows) -> Distribution:
    """How the probabilities of each class are spread; on a logarithmic axis where frauds are rare."""
    is_log = bool(judged.labels.mean() < RARE)
    lowest = max(float(np.quantile(judged.probabilities, 0.01)), SMALLEST)
    edges = np.geomspace(min(lowest, 0.1), 1, BARS + 1) if is_log else np.linspace(0, 1, BARS + 1)
    held = np.clip(judged.probabilities.astype(np.float64), edges[0], edges[-1])
    counts = [np.histogram(held[mask], edges)[0] / max(mask.sum(), 1) for mask in (~judged.labels, judged.labels)]
    return Distribution(edges=listed(edges), is_log=is_log, honest=listed(counts[0]), frauds=listed(counts[1]))


def periods(judged: HoldoutRows, threshold: float) -> tuple[str | None, tuple[Slice, ...]]:
    """What a period is here, months where there are a few of them, and the figures of each."""
    if judged.days is None:
        return None, ()
    days = judged.days.astype("datetime64[D]")
    unit, of_days, named = next(
        (unit for unit in UNITS if 3 <= len(np.unique(unit[1](days))) <= MOST_PERIODS), UNITS[-1]
    )
    distinct, codes = np.unique(of_days(days), return_inverse=True)
    return unit, slices(judged, threshold, [named(start) for start in distinct], codes)


def groups(judged: HoldoutRows, threshold: float) -> tuple[tuple[Slice, ...], int]:
    """The figures of each group, the largest first, and how many small ones are left out."""
    if judged.groups is None:
        return (), 0
    found = slices(judged, threshold, judged.groups.names, judged.groups.codes)
    ordered = sorted((each for each in found if each.rows), key=lambda each: (-each.rows, each.name))
    return tuple(ordered[:MOST_GROUPS]), len(ordered[MOST_GROUPS:])


def slices(judged: HoldoutRows, threshold: float, names: Sequence[str], codes: NDArray[np.int64]) -> tuple[Slice, ...]:
    """The figures of each of some named parts of the rows."""
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.searchsorted(codes[order], np.arange(1, len(names))))
    return tuple(_slice(name, judged, part, threshold) for name, part in zip(names, parts, strict=True))


def average_precision(rows: HoldoutRows) -> float | None:
    """The average precision of these rows; None where they hold one class only."""
    if not has_both_classes(rows.labels):
        return None
    return measure_values(rows, ANY_OPERATION)["average_precision"]


def _slice(name: str, judged: HoldoutRows, rows: NDArray[np.intp], threshold: float) -> Slice:
    probabilities, labels = judged.probabilities[rows], judged.labels[rows]
    flagged, frauds = probabilities >= np.float32(threshold), int(np.count_nonzero(labels))
    caught = int(np.count_nonzero(flagged & labels))
    all_flagged = int(np.count_nonzero(flagged))
    return Slice(
        name=name,
        rows=len(rows),
        frauds=frauds,
        mean_probability=float(probabilities.mean(dtype=np.float64)) if len(rows) else 0.0,
        average_precision=average_precision(HoldoutRows(probabilities, labels)),
        recall=wilson(caught, frauds),
        precision=wilson(caught, all_flagged),
        false_positive_rate=wilson(all_flagged - caught, len(rows) - frauds),
    )


def _bin(probabilities: NDArray[np.float64], labels: NDArray[np.bool_]) -> Bin:
    frauds = int(np.count_nonzero(labels))
    return Bin(
        low=float(probabilities[0]),
        high=float(probabilities[-1]),
        rows=len(labels),
        frauds=frauds,
        mean=float(probabilities.mean()),
        observed=wilson(frauds, len(labels)) or Measure(value=0.0),
    )


def _weeks(days: Days) -> Days:
    numbers = days.astype(np.int64)
    mondays: Days = (numbers - (numbers + 3) % 7).astype("datetime64[D]")  # 1970 began on a Thursday
    return mondays


def _quarters(days: Days) -> Days:
    months = days.astype("datetime64[M]").astype(np.int64)
    quarters: Days = (months - months % 3).astype("datetime64[M]")
    return quarters


def _quarter_name(month: np.datetime64) -> str:
    number = int(month.astype("datetime64[M]").astype(np.int64))
    return f"{1970 + number // 12} Q{number % 12 // 3 + 1}"


UNITS: tuple[tuple[str, Callable[[Days], Days], Callable[[np.datetime64], str]], ...] = (
    ("month", lambda days: days.astype("datetime64[M]"), str),
    ("week", _weeks, str),
    ("day", lambda days: days, str),
    ("quarter", _quarters, _quarter_name),
    ("year", lambda days: days.astype("datetime64[Y]"), str),
)
