"""How the pipeline grows with its orders: seconds and memory of several sizes, drawn beside their targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fraud_detection_api.training.report.plotting.axes import Axis, short
from fraud_detection_api.training.report.plotting.chart import Chart, side_by_side, svg_file
from fraud_detection_api.training.report.plotting.marks import Dots, Line

MOST_SECONDS, MOST_GIB = {1_200_000: 90.0, 5_000_000: 420.0}, {1_200_000: 2.5, 5_000_000: 4.0}
MOST_GROWTH = 1.1


@dataclass(frozen=True)
class Size:
    """So many orders, and what they took."""

    orders: int
    seconds: float
    gib: float


def most_gib(sizes: Sequence[Size]) -> dict[int, float]:
    """What so many orders may take; 20,000,000 hardly more than 5,000,000 did."""
    taken = {each.orders: each.gib for each in sizes}
    return MOST_GIB | ({20_000_000: MOST_GROWTH * taken[5_000_000]} if 5_000_000 in taken else {})


def pipeline_svg(sizes: Sequence[Size]) -> bytes:
    """Orders against seconds, and against memory, as an SVG file."""
    ordered = sorted(sizes, key=lambda each: each.orders)
    seconds = _chart("seconds", {each.orders: each.seconds for each in ordered}, MOST_SECONDS)
    memory = _chart("GiB of all processes", {each.orders: each.gib for each in ordered}, most_gib(sizes))
    return svg_file(side_by_side("pipeline", "What the pipeline takes by the number of orders", [seconds, memory]))


def _chart(unit: str, taken: Mapping[int, float], most: Mapping[int, float]) -> Chart:
    targets = {orders: most[orders] for orders in taken if orders in most}
    places = np.array(list(taken), dtype=np.float64), np.array(list(taken.values()), dtype=np.float64)
    named = tuple((orders, short(orders)) for orders in taken)
    return Chart(
        key=unit,
        title=unit,
        words="; ".join(f"{orders:,} orders: {value:.3g} {unit}" for orders, value in taken.items()) + ".",
        x=Axis("orders (logarithmic)", min(taken) / 1.5, max(taken) * 1.5, is_log=True, named=named),
        y=Axis(unit, 0, 1.1 * max(*taken.values(), *targets.values(), 0.0), formatted="{:g}".format),
        marks=(Line("measured", *places), *_ceilings(targets), Dots("", *places)),
    )


def _ceilings(targets: Mapping[int, float]) -> list[Line]:
    across = np.array([1 / 1.15, 1.15])
    return [
        Line("" if place else "at most", across * orders, np.full(2, most), colour=1)  # once in the legend
        for place, (orders, most) in enumerate(targets.items())
    ]
