"""Axes: where a value lies between two ends, and which values are written beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fraud_detection_api.model.saved_trees import Doubles

Tick = tuple[float, str]
MOST_LABELS = 7


def percent(value: float) -> str:
    """A share as people write it; only all of it is 100 %."""
    if 0.995 <= value < 1:
        return f"{min(value * 100, 99.9):.1f}\u00a0%"
    digits = 0 if value == 0 or value >= 0.1 else next((digit for digit in (1, 2) if value >= 10 ** -(digit + 1)), 3)
    shown = f"{value * 100:.{digits}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) + "\u00a0%"


def short(value: float) -> str:
    """A number with a letter for its thousands."""
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


@dataclass(frozen=True)
class Axis:
    """One direction of a chart; a logarithmic one has a low end above nothing."""

    label: str
    low: float
    high: float
    is_log: bool = False
    formatted: Callable[[float], str] = percent
    named: tuple[Tick, ...] | None = None

    def share(self, values: ArrayLike) -> Doubles:
        """Where values lie between the ends, 0 to 1; what lies outside is drawn at the end."""
        ends = self._scaled([self.low, self.high])
        shares: Doubles = np.clip((self._scaled(values) - ends[0]) / ((ends[1] - ends[0]) or 1), 0, 1)
        return shares

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """The values that are written, with their words."""
        if self.named is not None:
            return thinned(self.named)
        values = _powers(self.low, self.high) if self.is_log else _steps(self.low, self.high)
        return tuple((value, self.formatted(value)) for value in values)

    def _scaled(self, values: ArrayLike) -> Doubles:
        numbers = np.asarray(values, dtype=np.float64)
        return np.log10(np.maximum(numbers, self.low)) if self.is_log else numbers


def thinned(ticks: Sequence[Tick], most: int = MOST_LABELS) -> tuple[Tick, ...]:
    """Every second, third, ... tick, so that their words do not touch."""
    return tuple(ticks[:: max(-(-len(ticks) // most), 1)])


def _steps(low: float, high: float) -> list[float]:
    room = (high - low) or 1.0
    power = 10.0 ** np.floor(np.log10(room))
    step = next(size * power for size in (0.2, 0.25, 0.5, 1.0, 2.0) if room / (size * power) <= 5.01)
    first = int(np.ceil(low / step - 1e-9))
    return [float(np.round(step * place, 12)) for place in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _powers(low: float, high: float) -> list[float]:
    exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    values = [float(f"{size}e{exponent}") for exponent in exponents for size in (1, 3)]
    inside = [value for value in values if low * 0.999 <= value <= high * 1.001]
    tens = [value for value in inside if f"{value:e}".startswith("1")]
    return tens if len(tens) >= 3 else inside
